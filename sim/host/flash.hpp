// A SPI NOR flash at the SoC's pins, without timing: the reads and the commands that the loader uses.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace veridian {

class Flash {
public:
    // `quad`: quad commands are enabled, as the chip remembers it.
    Flash(uint64_t bytes, bool quad) : data_(bytes, erased), quad_(quad) {}

    // Copies a file in; ends the process with one line when it does not exist or does not fit.
    void load(uint64_t address, const std::string &path);

    // One clock cycle of the SoC: its pins in it; what the chip drives in the next.
    uint8_t step(bool cs, bool clk, uint8_t d_o, uint8_t d_oe) {
        if (cs != selected_) select(cs);
        if (cs && clk != clk_) clk ? rise(d_o & d_oe) : fall();
        clk_ = clk;
        return answer_;
    }

private:
    static constexpr uint8_t erased = 0xff, released = 0xf;

    void select(bool cs);
    void rise(uint8_t lines);
    void fall();
    uint8_t byte(uint64_t offset) const { return data_[(address_ + offset) % data_.size()]; }

    std::vector<uint8_t> data_;
    bool quad_;
    bool selected_ = false, clk_ = false;
    uint64_t clocks_ = 0;
    uint8_t code_ = 0;
    uint64_t address_ = 0;
    uint8_t answer_ = released;
};

}  // namespace veridian
