#include "sdram_chip.hpp"

#include <algorithm>

namespace veridian {

namespace {

// In the order of SdramChip::Rule.
constexpr const char *rule_names[] = {"t_rc", "t_ras", "t_rp", "t_rcd", "t_rrd", "t_wr", "t_rfc", "t_mrd",
                                      "t_power_up"};
constexpr const char *refresh_rule = "t_refi";

// A refresh may be so many intervals behind its turn, and no more of them count in advance.
constexpr int64_t refresh_slack = 2;

}  // namespace

std::string SdramChip::counts() const {
    std::string text;
    for (const auto &[name, command] : {std::pair{"activate", activate}, {"precharge", precharge}, {"read", read},
                                        {"write", write}, {"refresh", refresh}}) {
        text += std::string(text.empty() ? "{\"" : ", \"") + name + "\": " + std::to_string(counts_[command]);
    }
    return text + "}";
}

SdramChip::SdramChip(const SdramDatasheet &datasheet, uint8_t *cells)
    : datasheet_(datasheet), cells_(cells), input_registers_(datasheet.input_registers),
      banks_(size_t{1} << datasheet.bank_bits) {
    const uint64_t times[] = {datasheet.t_rc, datasheet.t_ras, datasheet.t_rp, datasheet.t_rcd, datasheet.t_rrd,
                              datasheet.t_wr, datasheet.t_rfc, datasheet.t_mrd, datasheet.t_power_up};
    for (size_t rule = 0; rule < rules; rule++) {
        // Whole cycles that are not shorter.
        least_[rule] = static_cast<int64_t>((times[rule] * datasheet.clock_hz + picoseconds - 1) / picoseconds);
    }
    interval_ = static_cast<int64_t>(static_cast<double>(datasheet.t_refi) / static_cast<double>(picoseconds) *
                                     static_cast<double>(datasheet.clock_hz << fraction_bits));
    restart();
}

bool SdramChip::tighten(const std::string &rule, uint64_t cycles) {
    if (rule == refresh_rule) {
        interval_ -= std::min(interval_ - 1, static_cast<int64_t>(cycles << fraction_bits));
        return true;
    }
    const auto found = std::find(std::begin(rule_names), std::end(rule_names), rule);
    if (found == std::end(rule_names)) return false;
    least_[static_cast<size_t>(found - std::begin(rule_names))] += static_cast<int64_t>(cycles);
    return true;
}

void SdramChip::restart() {
    std::fill(banks_.begin(), banks_.end(), Bank{-1, long_ago, long_ago, long_ago, long_ago});
    now_ = 0;
    precharged_ = false;
    refreshes_ = 0;
    refreshed_ = mode_set_ = any_activated_ = column_at_ = long_ago;
    deadline_ = INT64_MAX;
    shown_ = 0;
    write_left_ = 0;
}

void SdramChip::work(const SdramPins &pins) {
    // Data of a long time ago make room in the ring.
    shown_ &= static_cast<uint16_t>(~(1u << ((now_ - 8) & slot_mask)));
    const auto shows = [&](int64_t time) { return (shown_ >> (time & slot_mask) & 1) != 0; };
    check(!(pins.driven && (shows(now_) || shows(now_ - 1))), "data pins", "chip and controller drive them at once");
    if (pins.command != nop) obey(pins);
    take(pins);
}

void SdramChip::obey(const SdramPins &pins) {
    counts_[pins.command]++;
    switch (pins.command) {
    case mode: return set_mode(pins.address);
    case refresh: return refresh_rows();
    case precharge: return close_rows(pins);
    case activate: return open_row(pins);
    case write:
        begin_column(pins);
        write_left_ = burst;
        write_bank_ = pins.bank;
        write_column_ = pins.address;
        return;
    case read: {
        begin_column(pins);
        Bank &bank = banks_[pins.bank];
        bank.read = now_;
        for (unsigned beat = 0; beat < burst; beat++) {
            const uint8_t *place = cell(pins.bank, bank.row, pins.address, beat);
            const int64_t slot = (now_ + latency_ + beat) & slot_mask;
            const unsigned low = place == stuck_ ? place[0] & ~1u : place[0];
            output_[static_cast<size_t>(slot)] = static_cast<uint16_t>(low | static_cast<unsigned>(place[1]) << 8);
            shown_ |= static_cast<uint16_t>(1u << slot);
        }
        return;
    }
    default: check(false, "command", "burst stop is not used");
    }
}

uint8_t *SdramChip::cell(unsigned bank, int64_t row, unsigned column, unsigned beat) const {
    // Sequential burst: wraps among `burst` columns.
    const unsigned place = (column & ~(burst - 1)) | ((column + beat) & (burst - 1));
    const uint64_t above = static_cast<uint64_t>(std::max<int64_t>(row, 0)) << datasheet_.bank_bits | bank;
    return cells_ + 2 * (above << datasheet_.column_bits | (place & ((1u << datasheet_.column_bits) - 1)));
}

void SdramChip::begin_column(const SdramPins &pins) {
    check(mode_set_ >= 0, "mode register", "read or write before it is set");
    check(banks_[pins.bank].row >= 0, "open row", "read or write where no row is open");
    check((pins.address & all_banks) == 0, "auto-precharge", "asked for, and not foreseen");
    need(banks_[pins.bank].activated, rcd, "activate to read or write");
    check(now_ - column_at_ >= static_cast<int64_t>(burst), "burst", "cut by a read or write");
    column_at_ = now_;
}

void SdramChip::take(const SdramPins &pins) {
    check(pins.driven == (write_left_ != 0), "data pins",
          pins.driven ? "driven where no data are written" : "not driven where data are written");
    if (write_left_ == 0) return;
    Bank &bank = banks_[write_bank_];
    uint8_t *place = cell(write_bank_, bank.row, write_column_, burst - write_left_);
    if ((pins.dqm & 1) == 0) place[0] = static_cast<uint8_t>(pins.dq);
    if ((pins.dqm & 2) == 0) place[1] = static_cast<uint8_t>(pins.dq >> 8);
    bank.wrote = now_;
    write_left_--;
}

void SdramChip::open_row(const SdramPins &pins) {
    Bank &bank = banks_[pins.bank];
    check(mode_set_ >= 0, "mode register", "activate before it is set");
    check(bank.row < 0, "open row", "activate where a row is open");
    need(mode_set_, mrd, "mode register set to activate");
    need(bank.precharged, rp, "precharge to activate");
    need(bank.activated, rc, "activate to activate of a bank");
    need(any_activated_, rrd, "activate to activate of another bank");
    need(refreshed_, rfc, "refresh to activate");
    check(pins.address >> datasheet_.row_bits == 0, "address", "of a row that the chip lacks");
    bank.row = pins.address;
    bank.activated = any_activated_ = now_;
}

void SdramChip::close_rows(const SdramPins &pins) {
    if (!precharged_) need(0, power_up, "power-on to the first command");
    precharged_ = true;
    for (unsigned number = 0; number < banks_.size(); number++) {
        Bank &bank = banks_[number];
        if ((pins.address & all_banks) == 0 && number != pins.bank) continue;
        if (bank.row >= 0) {
            check(now_ - bank.read >= static_cast<int64_t>(burst), "burst", "of a read cut by a precharge");
            check(write_left_ == 0 || write_bank_ != number, "burst", "of a write cut by a precharge");
            need(bank.activated, ras, "activate to precharge");
            need(bank.wrote, wr, "last datum written to precharge");
        }
        bank.row = -1;
        bank.precharged = now_;
    }
}

void SdramChip::refresh_rows() {
    check(precharged_, "power-on", "refresh before all banks are precharged");
    for (const Bank &bank : banks_) {
        check(bank.row < 0, "open row", "refresh with an open row");
        need(bank.precharged, rp, "precharge to refresh");
        need(bank.activated, rc, "activate to refresh");
    }
    need(refreshed_, rfc, "refresh to refresh");
    need(mode_set_, mrd, "mode register set to refresh");
    refreshes_++;
    refreshed_ = now_;
    if (mode_set_ >= 0) deadline_ = std::min(deadline_, (now_ << fraction_bits) + refresh_slack * interval_) + interval_;
}

void SdramChip::set_mode(uint16_t address) {
    check(precharged_ && refreshes_ >= datasheet_.initial_refreshes, "power-on", "mode register set before the refreshes");
    need(refreshed_, rfc, "refresh to mode register set");
    check((address & 0xf) == 2 && address >> 7 == 0, "mode register", "not sequential bursts of four");
    latency_ = address >> 4 & 7;
    const uint64_t fastest = latency_ == 2 ? datasheet_.cas2_hz : latency_ == 3 ? datasheet_.cas3_hz : 0;
    check(datasheet_.clock_hz <= fastest, "mode register", "a CAS latency that the chip lacks at this clock");
    mode_set_ = now_;
    deadline_ = (now_ << fraction_bits) + refresh_slack * interval_;
}

void SdramChip::refresh_late() {
    check(false, refresh_rule, "refreshes are two intervals late");
    deadline_ = INT64_MAX;
}

uint16_t SdramChip::masked(int64_t time) const {
    // Of the edge two before the one that shows the datum.
    const auto dqm = dqm_ >> 2 * (now_ - 1 - time + 2) & 3;
    const auto hidden = static_cast<uint16_t>((dqm & 1 ? 0x00ff : 0) | (dqm & 2 ? 0xff00 : 0));
    return static_cast<uint16_t>((output_[static_cast<size_t>(time & slot_mask)] & ~hidden) | (nothing & hidden));
}

void SdramChip::need(int64_t since, Rule rule, const char *what) {
    if (now_ - since >= least_[rule] || !complaint_.empty()) return;
    complaint_ = std::string(rule_names[rule]) + ": " + what + " after " + std::to_string(now_ - since) + ", not " +
                 std::to_string(least_[rule]) + " cycles";
}

void SdramChip::check(bool holds, const char *rule, const char *what) {
    if (!holds && complaint_.empty()) complaint_ = std::string(rule) + ": " + what;
}

}  // namespace veridian
