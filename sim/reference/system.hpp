// The SoC: hart, main memory and devices.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "../host/memory.hpp"
#include "capability_unit.hpp"
#include "clint.hpp"
#include "configuration.hpp"
#include "device.hpp"
#include "hart.hpp"
#include "mailbox.hpp"
#include "plic.hpp"
#include "uart.hpp"

namespace veridian::reference {

class System {
public:
    // `memory` holds the images already; `send` takes what the UART sends.
    System(const Configuration &configuration, Memory &memory, std::function<void(uint8_t)> send);

    // Accesses outside main memory, naturally aligned; false is a bus error. `actual` is the value that the RTL read.
    bool read(uint64_t address, unsigned size, uint64_t &value, const uint64_t *actual);
    bool write(uint64_t address, unsigned size, uint64_t value);
    // Whether instructions may be fetched there.
    static bool is_boot_rom(uint64_t address);

    void receive(uint8_t byte);
    void update_interrupts();

    Time time;
    Clint clint;
    Plic plic;
    Uart uart;
    Memory &memory;
    CapabilityUnit capability_unit;
    Mailbox mailbox;
    Hart hart;

    // How the guest ended the machine, or wants it to start again.
    std::optional<uint64_t> finisher_code;
    bool restart = false;

private:
    const Configuration configuration_;
    struct Place {
        Device *device = nullptr;
        uint64_t base = 0;
    };
    // The device that takes an access; none is a bus error.
    Place find(uint64_t address, unsigned size, bool writes);

    class BootRom;
    class Finisher;
    class Straps;
    std::unique_ptr<Device> boot_rom_, finisher_, straps_;
};

}  // namespace veridian::reference
