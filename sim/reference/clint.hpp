// Software interrupt and timer of one hart (datasheet: clint.md).
#pragma once

#include "device.hpp"
#include "numbers.hpp"

namespace veridian::reference {

class Clint : public Device {
public:
    explicit Clint(Time &time) : time_(time) {}

    Reading read(uint64_t word, uint8_t) override {
        switch (word) {
        case clint_map::msip_offset: return {.value = msip_};
        case clint_map::mtimecmp_offset: return {.value = timer.compare()};
        case clint_map::mtime_offset: return {.value = time_.value(), .tolerance = time_.slack()};
        default: return {};
        }
    }

    void write(uint64_t word, uint8_t lanes, uint64_t value) override {
        const uint64_t mask = lane_mask(lanes);
        const auto merge = [&](uint64_t old) { return (old & ~mask) | (value & mask); };
        switch (word) {
        case clint_map::msip_offset:
            if (lanes & 1) msip_ = value & 1;
            software.set(msip_, time_);
            break;
        case clint_map::mtimecmp_offset: timer.set(merge(timer.compare()), time_); break;
        case clint_map::mtime_offset: time_.set(merge(time_.value())); break;
        default: break;
        }
    }

    Line software;
    Comparator timer;

private:
    Time &time_;
    bool msip_ = false;
};

}  // namespace veridian::reference
