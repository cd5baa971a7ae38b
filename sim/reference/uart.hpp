// The 16550 (datasheet: uart.md). It sends at once; what it receives, the host hands over.
#pragma once

#include <deque>
#include <functional>

#include "device.hpp"
#include "numbers.hpp"

namespace veridian::reference {

class Uart : public Device {
public:
    Uart(const Time &time, std::function<void(uint8_t)> send) : time_(time), send_(std::move(send)) {}

    bool has_room() const { return received_.size() < (fifos_ ? uart_chip::fifo_depth : 1) && !loop(); }
    void receive(uint8_t byte) { received_.push_back({byte, time_.cycles}); }

    bool interrupt() const { return cause() != Cause::none; }
    // Characters wait below the trigger level: a timeout, whose moment the model does not know, may interrupt.
    bool interrupt_unknown() const {
        return cause() == Cause::none && (enable_ & 1) && fifos_ && !received_.empty() && received_.size() < trigger_;
    }

    Reading read(uint64_t word, uint8_t lanes) override;
    void has_read(uint64_t word, uint8_t lanes, uint64_t value) override;
    void write(uint64_t word, uint8_t lanes, uint64_t value) override;

private:
    struct Character {
        uint8_t byte;
        uint64_t arrival;
    };
    // Identifications (PC16550D, table IV), and one for nothing.
    enum class Cause : uint8_t { transmitter_empty = 1, received_data = 2, line_status = 3, none = 0xff };

    bool loop() const { return modem_control_ & 0x10; }
    bool divisor_latch() const { return line_control_ & 0x80; }
    bool settled() const { return received_.empty() || !time_.recent(received_.back().arrival); }
    Cause cause() const;
    uint8_t identification() const;
    Reading read_register(unsigned number);
    void transmit(uint8_t byte);
    void control_fifos(uint8_t value);

    const Time &time_;
    std::function<void(uint8_t)> send_;
    std::deque<Character> received_;
    uint8_t enable_ = 0, line_control_ = 0, modem_control_ = 0x08, scratch_ = 0;
    uint16_t divisor_ = uart_chip::divisor_reset;
    bool fifos_ = false, overrun_ = false, empty_event_ = false;
    unsigned trigger_ = 1;
    uint64_t sent_ = 0;  // when something was last sent
};

}  // namespace veridian::reference
