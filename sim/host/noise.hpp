// Reproducible randomness for events at arbitrary moments.
#pragma once

#include <cstdint>

namespace veridian {

class Noise {
public:
    // A seed of 0 switches it off.
    explicit Noise(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15) {}

    bool on() const { return state_ != 0; }

    // xorshift64 (Marsaglia, "Xorshift RNGs", 2003).
    uint64_t next() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_;
    }

    // True once in `period` calls on average; a power of two.
    bool once_in(uint64_t period) { return on() && (next() >> 20 & (period - 1)) == 0; }

private:
    uint64_t state_;
};

}  // namespace veridian
