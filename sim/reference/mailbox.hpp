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

    bool interrupt();
    bool interrupt_unknown() const { return time_.settle != 0 && interrupt_enable_ != 0; }

    // Whether there is something to access; if not it is a bus error.
    bool accepts(uint64_t address, uint8_t lanes, bool writes) const;
    Reading read(uint64_t word, uint8_t lanes) override;
    void write(uint64_t word, uint8_t lanes, uint64_t value) override;

    // One instruction, by the funct fields of its encoding. False: there is no such instruction.
    bool execute(unsigned context, uint32_t funct7, uint32_t funct3, uint64_t rs1, uint64_t rs2, uint64_t &result,
                 bool &writes);

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
        std::deque<Message> messages;
    };
    struct Sender {
        uint32_t space = 0;
        bool enabled = false;
        uint64_t period = 0, window = 0, debt = 0, counted = 0;  // debt as it was at cycle `counted`
    };
    struct Page {
        uint32_t space = 0;
        bool enabled = false, kernel = false;
        Payload staging{};
        uint8_t status = mail_status::idle;
        int view = nothing;  // queue whose first message is open
    };
    // A thread context: it stages, opens and asks as a page that is not the kernel's.
    struct Context {
        Page page;
        uint64_t pairs = 0;  // bit p: pair p is staged
    };
    struct Place {
        MailRegister name;
        unsigned page, index, bits;
    };

    uint64_t pending() const;
    bool find(uint64_t address, bool writes, Place &place) const;
    uint64_t read_place(const Place &place) const;
    void command(const Place &place, uint64_t handle);
    bool send(Page &page, Queue &queue, uint32_t badge);
    void send_pairs(Context &context, uint64_t handle);
    uint64_t pop(Page &page);
    bool open(Page &page, int queue);
    int find_queue(Page &page, uint64_t handle, uint16_t rights, uint32_t &badge);
    void end(Page &page, uint8_t status, unsigned statistic);
    void empty(int queue);
    void close_views(int queue);

    const Time &time_;
    CapabilityUnit &unit_;
    std::array<Queue, mail::queues> queues_;
    std::array<Page, mail::pages + 1> pages_;
    std::array<Context, mail::contexts> contexts_;
    std::array<Sender, mail::senders> senders_;
    uint64_t threshold_ = 0, delay_ = 0, waits_since_ = 0;
    uint32_t invalidations_ = 0;  // of the capability unit, when views were last looked at
    std::array<uint32_t, mail::statistics> statistics_{};
    uint64_t interrupt_enable_ = 0;
};

}  // namespace veridian::reference
