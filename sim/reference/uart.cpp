#include "uart.hpp"

namespace veridian::reference {

namespace {

// Register numbers, and bits of them (PC16550D, table II).
enum : unsigned { data, interrupt_enable, identification_or_fifo, line_control, modem_control, line_status,
                  modem_status, scratch };
constexpr uint8_t data_ready = 0x01, overrun_error = 0x02, holding_empty = 0x20, all_empty = 0x40;

}  // namespace

Uart::Cause Uart::cause() const {
    const bool full_enough = !received_.empty() && (!fifos_ || received_.size() >= trigger_);
    if ((enable_ & 4) && overrun_) return Cause::line_status;
    if ((enable_ & 1) && full_enough) return Cause::received_data;
    if ((enable_ & 2) && empty_event_) return Cause::transmitter_empty;
    return Cause::none;
}

uint8_t Uart::identification() const {
    const Cause now = cause();
    return (fifos_ ? 0xc0 : 0) | (now == Cause::none ? 1 : static_cast<unsigned>(now) << 1);
}

Reading Uart::read_register(unsigned number) {
    const bool exact = time_.settle == 0;
    switch (number) {
    case data: {
        if (divisor_latch()) return {.value = divisor_ & 0xffu};
        const uint8_t byte = received_.empty() ? 0 : received_.front().byte;
        const bool fresh = !received_.empty() && time_.recent(received_.front().arrival);
        return {.value = byte, .uncertain = fresh ? 0xffu : 0u};
    }
    case interrupt_enable:
        return {.value = static_cast<uint64_t>(divisor_latch() ? divisor_ >> 8 : enable_)};
    case identification_or_fifo:
        return {.value = identification(), .uncertain = exact ? 0u : 0x0fu};
    case line_control: return {.value = line_control_};
    case modem_control: return {.value = modem_control_};
    case line_status: {
        const uint8_t value = (received_.empty() ? 0 : data_ready) | (overrun_ ? overrun_error : 0) | holding_empty |
                              all_empty;
        const bool sending = time_.recent(sent_);
        return {.value = value, .uncertain = (sending ? holding_empty | all_empty : 0u) | (settled() ? 0u : data_ready)};
    }
    case modem_status: {
        if (!loop()) return {.value = 0xb0};
        // Outputs on inputs: RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD.
        const uint8_t out = modem_control_;
        return {.value = static_cast<uint8_t>((out >> 1 & 1) << 4 | (out & 1) << 5 | (out >> 2 & 1) << 6 |
                                              (out >> 3 & 1) << 7)};
    }
    default: return {.value = scratch_};
    }
}

Reading Uart::read(uint64_t, uint8_t lanes) {
    Reading result;
    for (unsigned lane = 0; lane < 8; lane++) {
        if (!(lanes >> lane & 1)) continue;
        const Reading one = read_register(lane);
        result.value |= one.value << (8 * lane);
        result.uncertain |= one.uncertain << (8 * lane);
    }
    return result;
}

void Uart::has_read(uint64_t, uint8_t lanes, uint64_t value) {
    const auto read_lane = [&](unsigned lane) { return static_cast<uint8_t>(value >> (8 * lane)); };
    if ((lanes >> identification_or_fifo & 1) && (read_lane(identification_or_fifo) & 0x0f) ==
                                                   static_cast<unsigned>(Cause::transmitter_empty) << 1) {
        empty_event_ = false;
    }
    if (lanes >> line_status & 1) overrun_ = false;
    if ((lanes >> data & 1) && !divisor_latch() && !received_.empty()) {
        // One that came in these cycles may have been too late.
        const Character &first = received_.front();
        if (!time_.recent(first.arrival) || read_lane(data) == first.byte) received_.pop_front();
    }
}

void Uart::transmit(uint8_t byte) {
    if (loop()) {
        if (received_.size() < (fifos_ ? uart_chip::fifo_depth : 1)) {
            received_.push_back({byte, time_.cycles});
        } else {
            overrun_ = true;
            if (!fifos_) received_.front() = {byte, time_.cycles};
        }
    } else {
        send_(byte);
    }
    sent_ = time_.cycles;
    empty_event_ = true;
}

void Uart::control_fifos(uint8_t value) {
    constexpr unsigned triggers[] = {1, 4, 8, 14};
    const bool switched = (value & 1) != fifos_;
    fifos_ = value & 1;
    trigger_ = triggers[value >> 6];
    if ((value & 2) || switched) received_.clear();
    if ((value & 4) || switched) empty_event_ = true;
}

void Uart::write(uint64_t, uint8_t lanes, uint64_t value) {
    const bool latch = divisor_latch();
    for (unsigned lane = 0; lane < 8; lane++) {
        if (!(lanes >> lane & 1)) continue;
        const uint8_t byte = value >> (8 * lane);
        switch (lane) {
        case data:
            if (latch) divisor_ = (divisor_ & 0xff00) | byte;
            else transmit(byte);
            break;
        case interrupt_enable:
            if (latch) {
                divisor_ = (divisor_ & 0xff) | byte << 8;
                break;
            }
            // Enabling it while nothing waits is an event.
            if ((byte ^ enable_) & 2) empty_event_ = byte & 2;
            enable_ = byte & 0x0f;
            break;
        case identification_or_fifo: control_fifos(byte); break;
        case line_control: line_control_ = byte; break;
        case modem_control: modem_control_ = byte & 0x1f; break;
        case scratch: scratch_ = byte; break;
        default: break;
        }
    }
}

}  // namespace veridian::reference
