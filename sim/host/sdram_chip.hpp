// SDR SDRAM chip at the pins of the SoC's controller (hw/memory/sdram.py): holds the data and checks every rule of its
// datasheet. A broken rule ends the run; so what was measured holds for a chip that is what the datasheet says.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace veridian {

constexpr uint64_t picoseconds = 1'000'000'000'000;  // in a second

// A chip at a clock; members as in hw/memory/sdram_config.py, times in picoseconds.
struct SdramDatasheet {
    uint64_t clock_hz;
    unsigned input_registers;  // between the chip's data pins and `dq_i`
    unsigned row_bits, column_bits, bank_bits;
    unsigned initial_refreshes;
    uint64_t cas2_hz, cas3_hz;  // highest clock for each CAS latency; 0: the chip lacks it
    uint64_t t_rc, t_ras, t_rp, t_rcd, t_rrd, t_wr, t_rfc, t_mrd, t_refi, t_power_up;
};

// What the controller drives in one cycle, sampled when the cycle's signals have settled. Chip select is always low and
// clock enable high.
struct SdramPins {
    uint8_t command;  // RAS#, CAS#, WE# from bit 2 down
    uint8_t bank;
    uint16_t address;
    uint8_t dqm;
    uint16_t dq;
    bool driven;
};

class SdramChip {
public:
    // `cells`: as many bytes as the chip has, in the order row, bank, column from the top of the address.
    SdramChip(const SdramDatasheet &datasheet, uint8_t *cells);

    // Makes the chip stricter than its datasheet: the rule called `rule` asks for `cycles` more (t_refi: less). False if
    // there is no such rule.
    bool tighten(const std::string &rule, uint64_t cycles);

    // From now on the lowest bit of the cell at `offset` (bytes, even) reads as zero: a fault for the memory test to find.
    void stick(uint64_t offset) { stuck_ = cells_ + offset; }

    // Power comes back: the cells hold what is in memory now, all else is as after power-on.
    void restart();

    // The clock edge that ends the cycle. Returns what `dq_i` is in the next one.
    uint16_t step(const SdramPins &pins) {
        dqm_ = dqm_ << 2 | pins.dqm;
        if (pins.command != nop || pins.driven || shown_ != 0 || write_left_ != 0) work(pins);
        if (now_ << fraction_bits > deadline_) refresh_late();
        const int64_t time = now_++ + 1 - input_registers_;
        if ((shown_ >> (time & slot_mask) & 1) == 0) return nothing;
        return masked(time);
    }

    // The first broken rule and how it was broken; empty while there is none.
    const std::string &complaint() const { return complaint_; }

    // How many commands of each kind there were, as a JSON object.
    std::string counts() const;

private:
    enum Command : uint8_t { mode, refresh, precharge, activate, write, read, stop, nop };
    enum Rule { rc, ras, rp, rcd, rrd, wr, rfc, mrd, power_up, rules };

    struct Bank {
        int64_t row;  // open row; negative: none
        int64_t activated, precharged, wrote, read;  // cycles of the last commands and of the last datum
    };

    static constexpr unsigned burst = 4;
    // Data pins that nobody drives.
    static constexpr uint16_t nothing = 0x5aa5;
    static constexpr int64_t slot_mask = 15;
    static constexpr unsigned fraction_bits = 16;
    static constexpr uint16_t all_banks = 1 << 10;
    static constexpr int64_t long_ago = -(int64_t{1} << 40);

    void work(const SdramPins &pins);
    void obey(const SdramPins &pins);
    void begin_column(const SdramPins &pins);
    void take(const SdramPins &pins);
    void open_row(const SdramPins &pins);
    void close_rows(const SdramPins &pins);
    void refresh_rows();
    void set_mode(uint16_t address);
    void refresh_late();
    uint16_t masked(int64_t time) const;
    uint8_t *cell(unsigned bank, int64_t row, unsigned column, unsigned beat) const;
    void need(int64_t since, Rule rule, const char *what);
    void check(bool holds, const char *rule, const char *what);

    const SdramDatasheet datasheet_;
    uint8_t *const cells_;
    const uint8_t *stuck_ = nullptr;
    std::array<int64_t, rules> least_{};
    int64_t interval_ = 0;  // between refreshes, in cycles with `fraction_bits`
    const int64_t input_registers_;

    int64_t now_ = 0;
    std::vector<Bank> banks_;
    bool precharged_ = false;  // once since power-on
    unsigned refreshes_ = 0;
    int64_t refreshed_ = long_ago, mode_set_ = long_ago, any_activated_ = long_ago, column_at_ = long_ago;
    int64_t deadline_ = INT64_MAX;  // of the next refresh, as `interval_`
    int64_t latency_ = 0;
    // Data on their way out: of cycle t at index t modulo 16, and which of them there are.
    std::array<uint16_t, slot_mask + 1> output_{};
    uint16_t shown_ = 0;
    uint64_t dqm_ = 0;  // two bits for each of the last cycles, the latest lowest
    unsigned write_left_ = 0, write_bank_ = 0, write_column_ = 0;
    std::string complaint_;
    std::array<uint64_t, nop> counts_{};
};

}  // namespace veridian
