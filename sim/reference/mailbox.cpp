#include "mailbox.hpp"

#include <algorithm>
#include <iterator>

namespace veridian::reference {

namespace {

constexpr uint64_t word_mask = 0xffffffff;
constexpr uint64_t rate_mask = (uint64_t{1} << mail::rate_bits) - 1;
constexpr unsigned word_bytes = 8;

}  // namespace

bool Mailbox::Message::carries() const {
    return std::any_of(payload.begin() + abi::message_words, payload.end(), [](uint64_t word) { return word != 0; });
}

uint64_t Mailbox::pending() const {
    uint64_t result = 0;
    for (unsigned number = 0; number < mail::queues; number++) {
        result |= uint64_t{!queues_[number].messages.empty()} << number;
    }
    return result;
}

bool Mailbox::interrupt() {
    if ((pending() & interrupt_enable_) == 0) {
        waits_since_ = time_.cycles;
        return false;
    }
    for (unsigned number = 0; number < mail::queues; number++) {
        if ((interrupt_enable_ >> number & 1) != 0 && queues_[number].messages.size() >= threshold_) return true;
    }
    return time_.cycles - waits_since_ >= delay_;
}

bool Mailbox::find(uint64_t address, bool writes, Place &place) const {
    const unsigned page = static_cast<unsigned>(address / abi::page_bytes);
    const unsigned offset = address % abi::page_bytes;
    if (page > mail::pages || (page != 0 && !pages_[page].enabled)) return false;
    const MailRow *row = page == 0 ? std::begin(mail_control) : std::begin(mail_thread);
    const MailRow *last = page == 0 ? std::end(mail_control) : std::end(mail_thread);
    for (; row != last; row++) {
        if (offset < row->offset) continue;
        const unsigned index = (offset - row->offset) / row->stride;
        if (index >= row->count || (offset - row->offset) % row->stride >= word_bytes) continue;
        if (!(writes ? row->writable : row->readable)) return false;
        if (row->stride == mail::queue_row_bytes && index >= mail::queues) return false;
        if (row->stride == mail::sender_row_bytes && index >= mail::senders) return false;
        if (row->name == MailRegister::context && index >= mail::contexts) return false;
        if (row->name == MailRegister::page && (index == 0 || index > mail::pages)) return false;
        if (row->name == MailRegister::capabilities && !pages_[page].kernel) return false;
        place = {row->name, page, index, row->bits};
        return true;
    }
    return false;
}

bool Mailbox::accepts(uint64_t address, uint8_t lanes, bool writes) const {
    Place place;
    if (!find(address, writes, place)) return false;
    if (!writes || place.name == MailRegister::message || place.name == MailRegister::capabilities) return true;
    // A store has to cover the register. A queue to wipe has to exist, which `write` looks at.
    const uint8_t needed = static_cast<uint8_t>((1u << (place.bits + 7) / 8) - 1);
    return (lanes & needed) == needed;
}

Reading Mailbox::read(uint64_t word, uint8_t) {
    Place place;
    if (!find(word, false, place)) return {};
    return {.value = read_place(place), .uncertain = time_.settle == 0 ? 0 : ~uint64_t{0}};
}

uint64_t Mailbox::read_place(const Place &place) const {
    const Page &page = pages_[place.page];
    const Queue &queue = queues_[place.index % mail::queues];
    const Sender &sender = senders_[place.index % mail::senders];
    const Message *view = page.view == nothing ? nullptr : &queues_[page.view].messages.front();
    switch (place.name) {
    case MailRegister::identity:
        return mail::version | mail::queues << 8 | mail::depth << 16 | mail::pages << 24 |
               uint64_t{mail::contexts} << 32 | uint64_t{mail::senders} << 40 |
               uint64_t{mail::harts} << 48;
    case MailRegister::pending: return pending();
    case MailRegister::interrupt_enable: return interrupt_enable_;
    case MailRegister::statistic: return statistics_[place.index];
    case MailRegister::page: {
        const Page &bound = pages_[place.index];
        return bound.space | uint64_t{bound.enabled} << 32 | uint64_t{bound.kernel} << 33;
    }
    case MailRegister::context: {
        const Page &bound = contexts_[place.index].page;
        return bound.space | uint64_t{bound.enabled} << 32;
    }
    case MailRegister::queue_binding: return queue.endpoint | uint64_t{queue.enabled} << 32;
    case MailRegister::interrupt_coalescing: return threshold_ | delay_ << 32;
    case MailRegister::sender_binding: return sender.space | uint64_t{sender.enabled} << 32;
    case MailRegister::sender_rate: return sender.period | sender.window << 32;
    case MailRegister::queue_fill: return queue.messages.size();
    case MailRegister::message: return page.staging[place.index];
    case MailRegister::capabilities: return page.staging[abi::message_words + place.index];
    case MailRegister::status: return page.status;
    case MailRegister::head_message: return view ? view->payload[place.index] : 0;
    case MailRegister::head_capabilities: return view ? view->payload[abi::message_words + place.index] : 0;
    case MailRegister::head_badge: return view ? view->badge : 0;
    case MailRegister::head_sender: return view && page.kernel ? view->space : 0;
    default: return 0;
    }
}

void Mailbox::write(uint64_t word, uint8_t lanes, uint64_t value) {
    Place place;
    if (!find(word, true, place)) return;
    const uint64_t bytes = lane_mask(lanes);
    const int number = static_cast<int>(place.index);
    Queue &queue = queues_[place.index % mail::queues];
    Sender &sender = senders_[place.index % mail::senders];
    switch (place.name) {
    case MailRegister::message: case MailRegister::capabilities: {
        const unsigned at = place.index + (place.name == MailRegister::capabilities ? abi::message_words : 0);
        uint64_t &staged = pages_[place.page].staging[at];
        staged = (staged & ~bytes) | (value & bytes);
        return;
    }
    case MailRegister::interrupt_enable: interrupt_enable_ = value & ~uint64_t{0} >> (64 - mail::queues); return;
    case MailRegister::wipe:
        if ((value & word_mask) < mail::queues) empty(static_cast<int>(value & word_mask));
        return;
    case MailRegister::page:
        pages_[place.index] = Page{};
        pages_[place.index].space = static_cast<uint32_t>(value);
        pages_[place.index].enabled = value >> 32 & 1;
        pages_[place.index].kernel = value >> 33 & 1;
        return;
    case MailRegister::context:
        contexts_[place.index] = Context{};
        contexts_[place.index].page.space = static_cast<uint32_t>(value);
        contexts_[place.index].page.enabled = value >> 32 & 1;
        return;
    case MailRegister::queue_binding:
        empty(number);
        queue.endpoint = static_cast<uint32_t>(value);
        queue.enabled = value >> 32 & 1;
        return;
    case MailRegister::interrupt_coalescing:
        threshold_ = value & 0xff;
        delay_ = value >> 32 & rate_mask;
        return;
    case MailRegister::sender_binding:
        sender.space = static_cast<uint32_t>(value);
        sender.enabled = value >> 32 & 1;
        sender.debt = 0;
        return;
    case MailRegister::sender_rate:
        sender.period = value & rate_mask;
        sender.window = value >> 32 & rate_mask;
        sender.debt = 0;
        return;
    default: return command(place, value & word_mask);
    }
}

void Mailbox::close_views(int queue) {
    for (Page &page : pages_) {
        if (page.view == queue) page.view = nothing;
    }
    for (Context &context : contexts_) {
        if (context.page.view == queue) context.page.view = nothing;
    }
}

void Mailbox::empty(int queue) {
    queues_[queue].messages.clear();
    close_views(queue);
}

void Mailbox::end(Page &page, uint8_t status, unsigned statistic) {
    page.status = status;
    statistics_[statistic]++;
}

// The queue behind a handle; `nothing` with the status that refuses.
int Mailbox::find_queue(Page &page, uint64_t handle, uint16_t rights, uint32_t &badge) {
    const uint64_t query = layout::query_handle.put(handle) | layout::query_cap_type.put(cap_type::endpoint) |
                           layout::query_rights.put(rights);
    const CapabilityUnit::Outcome outcome = unit_.check(page.space, query);
    if (outcome.verdict != verdict::ok) {
        end(page, outcome.verdict,
            outcome.verdict == verdict::undecided ? mail::statistic_undecided : mail::statistic_refused);
        return nothing;
    }
    badge = outcome.badge;
    for (unsigned number = 0; number < mail::queues; number++) {
        if (queues_[number].enabled && queues_[number].endpoint == outcome.object_id) return static_cast<int>(number);
    }
    end(page, mail_status::unbound, mail::statistic_unbound);
    return nothing;
}

// Whether a message was stored.
bool Mailbox::send(Page &page, Queue &queue, uint32_t badge) {
    Sender none, *sender = &none;
    for (Sender &each : senders_) {
        if (sender == &none && each.enabled && each.space == page.space) sender = &each;
    }
    const uint64_t passed = time_.cycles - sender->counted;
    sender->debt -= std::min(sender->debt, passed);
    sender->counted = time_.cycles;
    if (queue.messages.size() == mail::depth) {
        end(page, mail_status::full, mail::statistic_full);
        return false;
    }
    if (sender->period != 0 && sender->debt + sender->period > sender->window) {
        end(page, mail_status::rate_limited, mail::statistic_rate_limited);
        return false;
    }
    sender->debt += sender->period;
    queue.messages.push_back({page.staging, badge, page.space});
    page.staging = {};
    end(page, mail_status::ok, mail::statistic_sent);
    return true;
}

// Whether the first message of the queue is open now.
bool Mailbox::open(Page &page, int queue) {
    const std::deque<Message> &messages = queues_[queue].messages;
    if (messages.empty()) {
        page.status = mail_status::no_message;
    } else if (messages.front().carries() && !page.kernel) {
        page.status = mail_status::needs_kernel;
    } else {
        page.status = mail_status::ok;
        page.view = queue;
        return true;
    }
    return false;
}

void Mailbox::command(const Place &place, uint64_t handle) {
    Page &page = pages_[place.page];
    uint32_t badge = 0;
    if (place.name == MailRegister::send) {
        if (const int queue = find_queue(page, handle, right::send, badge); queue != nothing) {
            send(page, queues_[queue], badge);
        }
        return;
    }
    const int seen = page.view;
    page.view = nothing;
    const int queue = find_queue(page, handle, right::receive, badge);
    if (queue == nothing) return;
    if (place.name == MailRegister::receive) {
        if (!open(page, queue)) statistics_[mail::statistic_nothing]++;
        return;
    }
    if (seen != queue) return end(page, mail_status::lost, mail::statistic_nothing);
    queues_[queue].messages.pop_front();
    close_views(queue);
    end(page, mail_status::ok, mail::statistic_received);
    if (place.name == MailRegister::next) open(page, queue);
}

void Mailbox::send_pairs(Context &context, uint64_t handle) {
    constexpr uint64_t all = (uint64_t{1} << abi::message_words / 2) - 1;
    Page &page = context.page;
    uint32_t badge = 0;
    const int queue = find_queue(page, handle, right::send, badge);
    if (queue == nothing) return;
    if (context.pairs != all) {
        page.status = mail_status::retry;
        context.pairs = 0;
    } else if (send(page, queues_[queue], badge)) {
        context.pairs = 0;
    }
}

// Status and badge of mail.pop.
uint64_t Mailbox::pop(Page &page) {
    if (page.view == nothing) {
        end(page, mail_status::lost, mail::statistic_nothing);
        return layout::mail_answer_status.put(page.status);
    }
    const int queue = page.view;
    const uint64_t badge = queues_[queue].messages.front().badge;
    queues_[queue].messages.pop_front();
    close_views(queue);
    end(page, mail_status::ok, mail::statistic_received);
    return layout::mail_answer_status.put(page.status) | layout::mail_answer_badge.put(badge);
}

bool Mailbox::execute(unsigned number, uint32_t funct7, uint32_t funct3, uint64_t rs1, uint64_t rs2, uint64_t &result,
                      bool &writes) {
    constexpr unsigned pairs = abi::message_words / 2;
    const bool puts = funct7 == unit::mail_put0_funct7 && funct3 - unit::mail_put0_funct3 < pairs;
    const bool gets = funct7 == unit::mail_get0_funct7 && funct3 - unit::mail_get0_funct3 < abi::message_words;
    const bool sends = funct7 == unit::mail_send_funct7 && funct3 == unit::mail_send_funct3;
    const bool receives = funct7 == unit::mail_receive_funct7 && funct3 == unit::mail_receive_funct3;
    const bool pops = funct7 == unit::mail_pop_funct7 && funct3 == unit::mail_pop_funct3;
    if (number >= mail::contexts || !(puts || gets || sends || receives || pops)) return false;
    // What was forgotten may have been the right to an open message.
    if (invalidations_ != unit_.invalidations()) {
        for (Context &each : contexts_) each.page.view = nothing;
        invalidations_ = unit_.invalidations();
    }
    Context &context = contexts_[number];
    Page &page = context.page;
    writes = !puts;
    result = 0;
    if (puts) {
        const unsigned pair = funct3 - unit::mail_put0_funct3;
        page.staging[2 * pair] = rs1;
        page.staging[2 * pair + 1] = rs2;
        context.pairs |= uint64_t{1} << pair;
    } else if (gets) {
        if (page.view != nothing) result = queues_[page.view].messages.front().payload[funct3 - unit::mail_get0_funct3];
    } else if (pops) {
        result = pop(page);
    } else if (!page.enabled) {
        result = layout::mail_answer_status.put(mail_status::unbound);
    } else if (sends) {
        send_pairs(context, rs1 & word_mask);
        result = layout::mail_answer_status.put(page.status);
    } else {
        page.view = nothing;
        uint32_t badge = 0;
        const int queue = find_queue(page, rs1 & word_mask, right::receive, badge);
        if (queue != nothing && !open(page, queue)) statistics_[mail::statistic_nothing]++;
        result = layout::mail_answer_status.put(page.status);
    }
    return true;
}

}  // namespace veridian::reference
