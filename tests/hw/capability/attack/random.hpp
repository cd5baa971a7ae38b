// Numbers that a seed decides: splitmix64.
#pragma once

#include <cstdint>

namespace veridian::attack {

class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint64_t next() {
        uint64_t value = state_ += 0x9e3779b97f4a7c15;
        value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
        value = (value ^ value >> 27) * 0x94d049bb133111eb;
        return value ^ value >> 31;
    }
    uint32_t below(uint32_t limit) { return static_cast<uint32_t>((next() >> 32) * limit >> 32); }
    bool one_in(uint32_t count) { return below(count) == 0; }

private:
    uint64_t state_;
};

}  // namespace veridian::attack
