// Interrupt controller with two contexts, M-mode and S-mode of one hart (datasheet: plic.md).
#pragma once

#include <array>

#include "device.hpp"
#include "numbers.hpp"

namespace veridian::reference {

class Plic : public Device {
public:
    static constexpr unsigned contexts = 2;

    Plic(const Time &time, unsigned sources) : time_(time), sources_(sources) {}

    // The level of a source; `unknown` while it may be either.
    void set_source(unsigned number, bool level, bool unknown);

    Reading read(uint64_t word, uint8_t lanes) override;
    void has_read(uint64_t word, uint8_t lanes, uint64_t value) override;
    void write(uint64_t word, uint8_t lanes, uint64_t value) override;

    bool possible(unsigned context) const { return possible_[context].possible(time_); }
    bool certain(unsigned context) const { return certain_[context].certain(time_); }

private:
    uint32_t *plain(uint64_t offset, uint32_t &mask);
    uint32_t best(unsigned context, uint32_t pending) const;
    void update();

    const Time &time_;
    unsigned sources_;
    std::array<uint32_t, 32> priority_{};
    std::array<uint32_t, contexts> enable_{}, threshold_{};
    uint32_t level_ = 0, unknown_ = 0;
    uint32_t pending_ = 0;  // certainly
    uint32_t maybe_ = 0;    // possibly, beyond those
    uint32_t in_service_ = 0;
    std::array<Line, contexts> possible_, certain_;
};

}  // namespace veridian::reference
