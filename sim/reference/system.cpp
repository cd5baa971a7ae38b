#include "system.hpp"

#include <algorithm>
#include <iterator>

namespace veridian::reference {

namespace {

constexpr uint8_t lanes_of(uint64_t address, unsigned size) {
    return static_cast<uint8_t>(((1u << (1u << size)) - 1) << (address & 7));
}

// A transfer none of whose byte lanes touches a register is a bus error.
bool touches_something(uint64_t address, unsigned size) {
    const Extent *after = std::upper_bound(std::begin(io_extents), std::end(io_extents), address + (1u << size) - 1,
                                           [](uint64_t last, const Extent &extent) { return last < extent.start; });
    return after != std::begin(io_extents) && std::prev(after)->end > address;
}

}  // namespace

class System::BootRom : public Device {
public:
    explicit BootRom(const std::vector<uint8_t> &contents)
        : contents_(contents.empty() ? std::vector<uint8_t>(std::begin(boot_rom), std::end(boot_rom)) : contents) {}
    Reading read(uint64_t word, uint8_t) override {
        Reading result;
        for (uint64_t at = word; at < std::min<uint64_t>(word + 8, contents_.size()); at++) {
            result.value |= uint64_t{contents_[at]} << (8 * (at - word));
        }
        return result;
    }
    void write(uint64_t, uint8_t, uint64_t) override {}

private:
    const std::vector<uint8_t> contents_;
};

// Datasheet: finisher.md.
class System::Finisher : public Device {
public:
    explicit Finisher(System &system) : system_(system) {}
    Reading read(uint64_t, uint8_t) override { return {}; }
    void write(uint64_t, uint8_t lanes, uint64_t value) override {
        if ((lanes & 3) != 3 || system_.finisher_code) return;
        const uint16_t code = (lanes & 12) == 12 ? value >> 16 : 0;
        switch (value & 0xffff) {
        case finisher_command::pass: system_.finisher_code = 0; break;
        case finisher_command::fail: system_.finisher_code = code == 0 ? 1 : code; break;
        case finisher_command::reset: system_.restart = true; break;
        default: break;
        }
    }

private:
    System &system_;
};

// Datasheet: boot-rom.md. The oracle is there only for runs from loaded memory.
class System::Straps : public Device {
public:
    Reading read(uint64_t, uint8_t) override { return {.value = strap::loaded}; }
    void write(uint64_t, uint8_t, uint64_t) override {}
};

System::System(const Configuration &configuration, Memory &memory_, std::function<void(uint8_t)> send)
    : time{.settle = configuration.settle, .divider = configuration.time_divider},
      clint(time),
      plic(time, std::max(source::mailbox, source::uart)),
      uart(time, std::move(send)),
      memory(memory_),
      capability_unit(memory_, time, configuration),
      mailbox(time, capability_unit),
      hart(configuration, *this),
      configuration_(configuration),
      boot_rom_(std::make_unique<BootRom>(configuration.boot_rom)),
      finisher_(std::make_unique<Finisher>(*this)),
      straps_(std::make_unique<Straps>()) {}

bool System::is_boot_rom(uint64_t address) {
    return address - place::boot_rom_base < place::boot_rom_size;
}

System::Place System::find(uint64_t address, unsigned size, bool writes) {
    const auto inside = [&](uint64_t base, uint64_t bytes) { return address - base < bytes; };
    // The mailbox knows by itself what is there; behind the others, everything that has a name.
    if (configuration_.mailbox && inside(place::mailbox_base, place::mailbox_size)) {
        const bool accepted = mailbox.accepts(address - place::mailbox_base, lanes_of(address, size), writes);
        return accepted ? Place{&mailbox, place::mailbox_base} : Place{};
    }
    if (!touches_something(address, size)) return {};
    if (inside(place::uart_base, place::uart_size)) return {&uart, place::uart_base};
    if (inside(place::clint_base, place::clint_size)) return {&clint, place::clint_base};
    if (inside(place::plic_base, place::plic_size)) return {&plic, place::plic_base};
    if (inside(place::finisher_base, place::finisher_size)) return {finisher_.get(), place::finisher_base};
    if (inside(place::straps_base, place::straps_size)) return {straps_.get(), place::straps_base};
    if (is_boot_rom(address) && !writes) return {boot_rom_.get(), place::boot_rom_base};
    if (configuration_.capability_unit && inside(place::capability_unit_base, place::capability_unit_size)) {
        const uint64_t word = (address - place::capability_unit_base) & ~uint64_t{7};
        return capability_unit.has(word) ? Place{&capability_unit, place::capability_unit_base} : Place{};
    }
    return {};
}

bool System::read(uint64_t address, unsigned size, uint64_t &value, const uint64_t *actual) {
    const Place place = find(address, size, false);
    if (place.device == nullptr) return false;
    const uint64_t word = (address - place.base) & ~uint64_t{7};
    const uint8_t lanes = lanes_of(address, size);
    const unsigned shift = 8 * (address & 7);
    const uint64_t mask = lane_mask(lanes) >> shift;
    Reading reading = place.device->read(word, lanes);
    reading.value >>= shift;
    reading.uncertain >>= shift;
    value = reading.value & mask;
    if (actual != nullptr && reading.explains(*actual, mask)) value = *actual & mask;
    place.device->has_read(word, lanes, value << shift);
    update_interrupts();
    return true;
}

bool System::write(uint64_t address, unsigned size, uint64_t value) {
    const Place place = find(address, size, true);
    if (place.device == nullptr) return false;
    place.device->write((address - place.base) & ~uint64_t{7}, lanes_of(address, size), value << (8 * (address & 7)));
    update_interrupts();
    return true;
}

void System::receive(uint8_t byte) {
    uart.receive(byte);
    update_interrupts();
}

void System::update_interrupts() {
    plic.set_source(source::uart, uart.interrupt(), uart.interrupt_unknown());
    plic.set_source(source::mailbox, mailbox.interrupt(), mailbox.interrupt_unknown());
}

}  // namespace veridian::reference
