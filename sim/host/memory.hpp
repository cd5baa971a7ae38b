// Main memory behind the SoC's Wishbone port (Wishbone B4, registered-feedback bursts, chapter 4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace veridian {

// What the SoC drives in one cycle, sampled when the cycle's signals have settled.
struct MemoryRequest {
    bool cyc, stb, we;
    uint8_t sel, cti, bte;
    uint32_t adr;  // counts 64-bit words
    uint64_t dat_w;
};

// What the memory drives in the following cycle.
struct MemoryResponse {
    bool ack = false, err = false;
    uint64_t dat_r = 0;
};

class Memory {
public:
    // `latency`: cycles from a request to its acknowledge; later words of a burst take one each.
    Memory(uint64_t base, uint64_t bytes, uint64_t latency);
    ~Memory();
    Memory(const Memory &) = delete;
    Memory &operator=(const Memory &) = delete;

    // One clock edge.
    MemoryResponse step(const MemoryRequest &request);

    // Forgets contents and any transfer under way.
    void clear();
    // Copies a file in; ends the process with one line when it does not exist or does not fit.
    void load(uint64_t address, const std::string &path);
    // Writes [begin, end) as 32-bit words in hexadecimal, one a line, as riscof wants them.
    void write_signature(uint64_t begin, uint64_t end, const std::string &path) const;

    // Stores to this 8-byte word are kept in `tohost_value`.
    void watch(uint64_t address) { watched_ = address & ~uint64_t{7}; }
    std::optional<uint64_t> tohost_value;

    bool contains(uint64_t address, uint64_t bytes) const {
        return address >= base_ && bytes <= bytes_ && address - base_ <= bytes_ - bytes;
    }

private:
    uint64_t read(uint64_t address) const;
    void write(uint64_t address, uint64_t value, uint8_t select);
    MemoryResponse respond(uint64_t address);

    uint64_t base_, bytes_, latency_;
    uint8_t *data_;
    uint64_t watched_ = UINT64_MAX;
    MemoryResponse now_;
    uint64_t waited_ = 0;
    bool in_burst_ = false;
};

}  // namespace veridian
