#include "memory.hpp"

#include <sys/mman.h>

#include <cstdio>
#include <cstring>

#include "options.hpp"

namespace veridian {

namespace {

// Wishbone B4, tables 4-2 and 4-3.
constexpr uint8_t cti_incrementing = 0b010;

// Random waits are at most this long, one less than a power of two.
constexpr uint64_t latency_noise_mask = 15;

// Word address that follows `word` in an incrementing burst.
uint32_t next_word(uint32_t word, uint8_t bte) {
    if (bte == 0) return word + 1;
    const uint32_t mask = (2u << bte) - 1;  // wrap at 4, 8 or 16 words
    return (word & ~mask) | ((word + 1) & mask);
}

std::string hexadecimal(uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
    return text;
}

}  // namespace

Memory::Memory(uint64_t base, uint64_t bytes, uint64_t latency, uint64_t beat, uint64_t noise)
    : base_(base), bytes_(bytes), latency_(latency), beat_(beat), noise_(noise) {
    // An anonymous mapping costs nothing for pages that are never touched.
    void *mapping = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) fail(exit_bad_input, "no memory for the simulated main memory");
    data_ = static_cast<uint8_t *>(mapping);
}

Memory::~Memory() { munmap(data_, bytes_); }

void Memory::clear() {
    madvise(data_, bytes_, MADV_DONTNEED);
    now_ = {};
    waited_ = 0;
    in_burst_ = false;
    tohost_value.reset();
}

void Memory::scramble(uint64_t seed) {
    clear();
    Noise noise(seed);
    for (uint64_t at = 0; at < bytes_; at += sizeof(uint64_t)) {
        const uint64_t value = noise.next();
        std::memcpy(data_ + at, &value, sizeof value);
    }
}

uint64_t Memory::read(uint64_t address) const {
    uint64_t value;
    std::memcpy(&value, data_ + (address - base_), sizeof value);
    return value;
}

void Memory::write(uint64_t address, uint64_t value, uint8_t select) {
    uint8_t *target = data_ + (address - base_);
    if (select == 0xff) {
        std::memcpy(target, &value, sizeof value);
    } else {
        for (int byte = 0; byte < 8; byte++) {
            if (select >> byte & 1) target[byte] = static_cast<uint8_t>(value >> (8 * byte));
        }
    }
    if (address == watched_) tohost_value = read(address);
}

MemoryResponse Memory::respond(uint64_t address) {
    if (!contains(address, 8)) return {.ack = false, .err = true, .dat_r = 0};
    return {.ack = true, .err = false, .dat_r = read(address) & (address == stuck_ ? ~uint64_t{1} : ~uint64_t{0})};
}

MemoryResponse Memory::step(const MemoryRequest &request) {
    const bool active = request.cyc && request.stb;
    if (!active) {
        // The initiator pauses (stb low) or ended the cycle.
        in_burst_ = in_burst_ && request.cyc;
        waited_ = 0;
        now_ = {};
    } else if (now_.ack || now_.err) {
        // This cycle completes a transfer.
        if (now_.ack && request.we) write(uint64_t{request.adr} << 3, request.dat_w, request.sel);
        in_burst_ = now_.ack && request.cti == cti_incrementing;
        waited_ = 0;
        extra_ = noise_.once_in(4) ? noise_.next() >> 32 & latency_noise_mask : 0;
        now_ = in_burst_ && beat_ <= 1 ? respond(uint64_t{next_word(request.adr, request.bte)} << 3)
                                       : MemoryResponse{};
    } else {
        waited_++;
        if (waited_ >= (in_burst_ ? beat_ - 1 : latency_ + extra_)) now_ = respond(uint64_t{request.adr} << 3);
    }
    return now_;
}

void Memory::load(uint64_t address, const std::string &path) {
    std::FILE *file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) fail(exit_bad_input, "cannot read '" + path + "'");
    if (!contains(address, 0)) fail(exit_bad_input, hexadecimal(address) + " is not in main memory");
    const uint64_t room = bytes_ - (address - base_);
    std::fread(data_ + (address - base_), 1, room, file);
    const bool too_long = std::fgetc(file) != EOF;
    std::fclose(file);
    if (too_long) fail(exit_bad_input, "'" + path + "' does not fit in main memory at " + hexadecimal(address));
}

void Memory::write_signature(uint64_t begin, uint64_t end, const std::string &path) const {
    if (end < begin || begin % 4 != 0 || !contains(begin, end - begin)) {
        fail(exit_bad_input, "the signature from " + hexadecimal(begin) + " to " + hexadecimal(end) +
                                 " is not a range of main memory");
    }
    std::FILE *file = std::fopen(path.c_str(), "w");
    if (file == nullptr) fail(exit_bad_input, "cannot write '" + path + "'");
    for (uint64_t address = begin; address + 4 <= end; address += 4) {
        uint32_t word;
        std::memcpy(&word, data_ + (address - base_), sizeof word);
        std::fprintf(file, "%08x\n", word);
    }
    std::fclose(file);
}

}  // namespace veridian
