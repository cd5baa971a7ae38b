// Main memory behind the SoC's Wishbone port (Wishbone B4, registered-feedback bursts, chapter 4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "noise.hpp"

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
    // `latency`: cycles from a request to its acknowledge; later words of a burst take `beat` each. With a seed `noise` a
    // request takes more at times.
    Memory(uint64_t base, uint64_t bytes, uint64_t latency, uint64_t beat = 1, uint64_t noise = 0);
    ~Memory();
    Memory(const Memory &) = delete;
    Memory &operator=(const Memory &) = delete;

    // One clock edge.
    MemoryResponse step(const MemoryRequest &request);

    // Forgets contents and any transfer under way.
    void clear();
    // Contents as nobody put them there; then as `clear`.
    void scramble(uint64_t seed);
    // From now on the lowest bit of the word there reads as zero on the bus: a fault for the memory test to find.
    void stick(uint64_t address) { stuck_ = address; }
    // Copies a file in; ends the process with one line when it does not exist or does not fit.
    void load(uint64_t address, const std::string &path);
    // Writes [begin, end) as 32-bit words in hexadecimal, one a line, as riscof wants them.
    void write_signature(uint64_t begin, uint64_t end, const std::string &path) const;

    // Changes the bytes that `select` names of an 8-byte word in main memory, without the bus.
    void store(uint64_t address, uint64_t value, uint8_t select) {
        if (contains(address, 8)) write(address, value, select);
    }

    // Stores to this 8-byte word are kept in `tohost_value`.
    void watch(uint64_t address) { watched_ = address & ~uint64_t{7}; }
    std::optional<uint64_t> tohost_value;

    // For the reference model, which stores without the bus: the bytes, whether somebody waits for stores to this page,
    // and the word that was stored to.
    uint8_t *data() { return data_; }
    const uint8_t *data() const { return data_; }
    uint64_t size() const { return bytes_; }
    bool watches(uint64_t address) const { return watched_ >> 12 == address >> 12; }
    void stored(uint64_t address) {
        if ((address & ~uint64_t{7}) == watched_) tohost_value = read(watched_);
    }

    bool contains(uint64_t address, uint64_t bytes) const {
        return address >= base_ && bytes <= bytes_ && address - base_ <= bytes_ - bytes;
    }

private:
    uint64_t read(uint64_t address) const;
    void write(uint64_t address, uint64_t value, uint8_t select);
    MemoryResponse respond(uint64_t address);

    uint64_t base_, bytes_, latency_, beat_;
    uint8_t *data_;
    uint64_t watched_ = UINT64_MAX;
    uint64_t stuck_ = UINT64_MAX;
    MemoryResponse now_;
    uint64_t waited_ = 0;
    Noise noise_;
    uint64_t extra_ = 0;
    bool in_burst_ = false;
};

}  // namespace veridian
