#include "flash.hpp"

#include <cstdio>

#include "options.hpp"

namespace veridian {

namespace {

// W25Q128JV, chapter 8; the same with other makers.
constexpr uint8_t code_read = 0x03, code_quad_io_read = 0xeb, code_identify = 0x9f;
constexpr uint64_t code_clocks = 8, single_address_clocks = 24, quad_address_clocks = 6, quad_gap_clocks = 6;
constexpr uint8_t identity[] = {0xef, 0x40, 0x18};

// Bit `bit` of a byte, counted from the most significant, on the chip's data out; the other lines are not driven.
uint8_t on_data_out(uint8_t byte, uint64_t bit) { return static_cast<uint8_t>(0xd | (byte >> (7 - bit) & 1) << 1); }

}  // namespace

void Flash::load(uint64_t address, const std::string &path) {
    std::FILE *file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) fail(exit_bad_input, "cannot read '" + path + "'");
    bool too_long = address > data_.size();
    if (!too_long) {
        std::fread(data_.data() + address, 1, data_.size() - address, file);
        too_long = std::fgetc(file) != EOF;
    }
    std::fclose(file);
    if (too_long) fail(exit_bad_input, "'" + path + "' does not fit in the flash");
}

void Flash::select(bool cs) {
    selected_ = cs;
    clocks_ = 0;
    code_ = 0;
    address_ = 0;
    answer_ = released;
}

void Flash::rise(uint8_t lines) {
    if (clocks_ < code_clocks) {
        code_ = static_cast<uint8_t>(code_ << 1 | (lines & 1));
    } else if (code_ == code_read && clocks_ < code_clocks + single_address_clocks) {
        address_ = address_ << 1 | (lines & 1);
    } else if (code_ == code_quad_io_read && quad_ && clocks_ < code_clocks + quad_address_clocks) {
        address_ = address_ << 4 | lines;
    }
    clocks_++;
}

void Flash::fall() {
    constexpr uint64_t single_start = code_clocks + single_address_clocks;
    constexpr uint64_t quad_start = code_clocks + quad_address_clocks + quad_gap_clocks;
    if (code_ == code_read && clocks_ >= single_start) {
        answer_ = on_data_out(byte((clocks_ - single_start) / 8), (clocks_ - single_start) % 8);
    } else if (code_ == code_quad_io_read && quad_ && clocks_ >= quad_start) {
        const uint64_t nibble = clocks_ - quad_start;
        answer_ = byte(nibble / 2) >> (nibble % 2 == 0 ? 4 : 0) & 0xf;
    } else if (code_ == code_identify && clocks_ >= code_clocks) {
        const uint64_t place = (clocks_ - code_clocks) / 8;
        answer_ = on_data_out(place < sizeof identity ? identity[place] : 0, (clocks_ - code_clocks) % 8);
    } else {
        answer_ = released;
    }
}

}  // namespace veridian
