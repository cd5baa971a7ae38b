// What devices and interrupt lines look like to the hart.
//
// Alone, the model knows everything at once. As the oracle of a run on the RTL it knows *what* happens but not the exact
// cycle, so values that depend on time carry how sure they are.
#pragma once

#include <cstdint>

namespace veridian::reference {

// A value read: right in all but its `uncertain` bits, and as a number within `tolerance`.
struct Reading {
    uint64_t value = 0;
    uint64_t uncertain = 0;
    uint64_t tolerance = 0;

    bool explains(uint64_t actual, uint64_t mask = ~uint64_t{0}) const {
        if (tolerance != 0) return ((actual - value + tolerance) & mask) <= 2 * tolerance;
        return ((actual ^ value) & ~uncertain & mask) == 0;
    }
};

// Expands byte lanes to a mask of bits.
constexpr uint64_t lane_mask(uint8_t lanes) {
    uint64_t mask = 0;
    for (int lane = 0; lane < 8; lane++) mask |= lanes >> lane & 1 ? uint64_t{0xff} << (8 * lane) : 0;
    return mask;
}

// Core clocks and mtime. `settle` is how many clocks an event may need from where it happens to the hart; 0 without RTL.
struct Time {
    uint64_t cycles = 0;
    uint64_t settle = 0;
    uint64_t divider = 1;
    uint64_t offset = 0;
    uint64_t written = 0;  // when software last changed it

    uint64_t value() const { return cycles / divider + offset; }
    uint64_t slack() const { return settle == 0 ? 0 : settle / divider + 1; }
    void set(uint64_t value) {
        offset = value - cycles / divider;
        written = cycles;
    }
    bool recent(uint64_t since) const { return cycles - since < settle; }
};

// A level that takes its time to arrive.
class Line {
public:
    void set(bool level, const Time &time) {
        if (level == level_) return;
        level_ = level;
        since_ = time.cycles;
    }
    bool possible(const Time &time) const { return level_ || time.recent(since_); }
    bool certain(const Time &time) const { return level_ && !time.recent(since_); }

private:
    bool level_ = false;
    uint64_t since_ = 0;
};

// mtime >= compare.
class Comparator {
public:
    uint64_t compare() const { return compare_; }
    void set(uint64_t compare, const Time &time) {
        was_possible_ = possible(time);
        compare_ = compare;
        written_ = time.cycles;
    }
    bool possible(const Time &time) const {
        const uint64_t value = time.value();
        return value >= compare_ || value + time.slack() >= compare_ || (time.recent(written_) && was_possible_) ||
               time.recent(time.written);
    }
    bool certain(const Time &time) const {
        return time.value() >= compare_ && time.value() - compare_ >= time.slack() && !time.recent(written_) &&
               !time.recent(time.written);
    }

private:
    uint64_t compare_ = ~uint64_t{0};
    uint64_t written_ = 0;
    bool was_possible_ = false;
};

// Registers on the 64-bit bus; each byte lane counts by itself. `word` is the offset of the 8-byte word.
class Device {
public:
    virtual ~Device() = default;
    virtual Reading read(uint64_t word, uint8_t lanes) = 0;
    // The read happened with this result: now come its side effects.
    virtual void has_read(uint64_t, uint8_t, uint64_t) {}
    virtual void write(uint64_t word, uint8_t lanes, uint64_t value) = 0;
};

}  // namespace veridian::reference
