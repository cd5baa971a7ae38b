// Mailbox (datasheet: mailbox.md): a command takes effect in the store that gives it.
#pragma once

#include <array>
#include <deque>

#include "capability_unit.hpp"
#include "device.hpp"
#include "numbers.hpp"

namespace veridian::reference {

class Mailbox : public Device {
public:
    Mailbox(const Time &time, CapabilityUnit &unit) : time_(time), unit_(unit) {}

    bool interrupt() const { return pending() & interrupt_enable_; }
    bool interrupt_unknown() const { return time_.settle != 0 && interrupt_enable_ != 0; }

    // Whether there is something to access; if not it is a bus error.
    bool accepts(uint64_t address, uint8_t lanes, bool writes) const;
    Reading read(uint64_t word, uint8_t lanes) override;
    void write(uint64_t word, uint8_t lanes, uint64_t value) override;

private:
    static constexpr unsigned payload_words = abi::message_words + abi::message_capabilities / 2;
    using Payload = std::array<uint64_t, payload_words>;
    static constexpr int nothing = -1;

    struct Message {
        Payload payload;
        uint32_t badge, space;
        bool carries() const;
    };
    struct Queue {
        uint32_t endpoint = 0;
        bool enabled = false;
        uint64_t period = 0, window = 0, debt = 0, counted = 0;  // debt as it was at cycle `counted`
        std::deque<Message> messages;
    };
    struct Page {
        uint32_t space = 0;
        bool enabled = false, kernel = false;
        Payload staging{};
        uint8_t status = mail_status::idle;
        int view = nothing;  // queue whose first message is open
    };
    struct Place {
        MailRegister name;
        unsigned page, index, bits;
    };

    uint32_t pending() const;
    bool find(uint64_t address, bool writes, Place &place) const;
    uint64_t read_place(const Place &place) const;
    void command(const Place &place, uint64_t handle);
    void send(Page &page, Queue &queue, uint32_t badge);
    bool open(Page &page, int queue);
    int find_queue(Page &page, uint64_t handle, uint16_t rights, uint32_t &badge);
    void end(Page &page, uint8_t status, unsigned statistic);
    void empty(int queue);
    void close_views(int queue);

    const Time &time_;
    CapabilityUnit &unit_;
    std::array<Queue, mail::queues> queues_;
    std::array<Page, mail::pages + 1> pages_;
    std::array<uint32_t, mail::statistics> statistics_{};
    uint32_t interrupt_enable_ = 0;
};

}  // namespace veridian::reference
