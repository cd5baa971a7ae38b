#include "capability_unit.hpp"

namespace veridian::reference {

namespace {

// Stands for every space number above 32 bits: no table reaches it.
constexpr uint64_t space_limit = 0xffffffff;
constexpr uint64_t word_mask = 0xffffffff;

uint64_t narrowed(uint64_t space) { return space > word_mask ? space_limit : space; }

uint64_t answer(uint8_t verdict, uint32_t value) {
    return layout::answer_verdict.put(verdict) | layout::answer_value.put(verdict == verdict::ok ? value : 0);
}

}  // namespace

bool CapabilityUnit::read_word(uint64_t address, uint64_t &word) const {
    if (!memory_.contains(address, sizeof word)) return false;
    __builtin_memcpy(&word, memory_.data() + (address - place::memory_base), sizeof word);
    return true;
}

// The first verdict that applies (hw/abi, Verdict). Tables that contradict themselves, or lie where there is no main
// memory, decide nothing.
CapabilityUnit::Outcome CapabilityUnit::decide(uint64_t space, uint64_t query) const {
    constexpr Outcome undecided{verdict::undecided}, bad_handle{verdict::bad_handle};
    if (!enable_) return undecided;
    const uint64_t handle = layout::query_handle.of(&query);
    const uint64_t index = layout::handle_index.of(&handle), tag = layout::handle_tag.of(&handle);
    if (space >= space_count_) return bad_handle;
    uint64_t entry;
    if (!read_word(space_base_ + abi::space_entry_bytes * space, entry)) return undecided;
    const uint64_t page = index / abi::slots_per_page;
    if (!layout::space_entry_valid.of(&entry) || page >= layout::space_entry_pages.of(&entry)) return bad_handle;
    uint64_t directory;
    if (!read_word(abi::page_bytes * layout::space_entry_directory.of(&entry) + abi::directory_entry_bytes * page,
                   directory)) {
        return undecided;
    }
    if (!layout::directory_entry_valid.of(&directory)) return bad_handle;
    const uint64_t number =
        layout::directory_entry_page.of(&directory) * abi::slots_per_page + index % abi::slots_per_page;
    if (number >= slot_count_) return undecided;
    uint64_t slot[3];
    for (int word = 0; word < 3; word++) {
        if (!read_word(slot_base_ + abi::slot_bytes * number + 8 * word, slot[word])) return undecided;
    }
    if (tag == 0 || layout::slot_tag.of(slot) != tag) return bad_handle;
    if (!layout::slot_valid.of(slot)) return {verdict::empty};
    const uint64_t object_id = layout::slot_object_id.of(slot);
    uint64_t object;
    if (object_id >= object_count_ || !read_word(object_base_ + abi::object_entry_bytes * object_id, object)) {
        return undecided;
    }
    if (!layout::object_entry_live.of(&object) ||
        layout::object_entry_generation.of(&object) != layout::slot_generation.of(slot)) {
        return {verdict::stale};
    }
    const uint64_t type = layout::query_cap_type.of(&query);
    if (type == cap_type::none || type != layout::slot_cap_type.of(slot)) return {verdict::wrong_type};
    if (layout::query_rights.of(&query) & ~layout::slot_rights.of(slot)) return {verdict::missing_rights};
    return {verdict::ok, static_cast<uint32_t>(object_id), static_cast<uint32_t>(layout::slot_badge.of(slot))};
}

CapabilityUnit::Outcome CapabilityUnit::check(uint64_t space, uint64_t query) {
    const Outcome outcome = decide(space, query);
    verdicts_[outcome.verdict]++;
    return outcome;
}

bool CapabilityUnit::execute(uint32_t funct7, uint32_t funct3, bool from_user, uint64_t rs1, uint64_t rs2,
                             uint64_t &result) {
    if (funct7 == unit::cap_check_funct7 && funct3 == unit::cap_check_funct3) {
        const Outcome outcome = check(selected_, rs1);
        result = answer(outcome.verdict, outcome.badge);
        return true;
    }
    // The others share a funct7 and are commands of the window by their funct3.
    if (from_user || funct7 != unit::cap_object_funct7 || !known(funct3)) return false;
    result = command(funct3, rs1, rs2);
    return true;
}

bool CapabilityUnit::known(uint32_t command) const {
    return command < unit_command::revoke || (command == unit_command::revoke && revokes_);
}

bool CapabilityUnit::has(uint64_t word) const {
    if (word >= unit_window::hits && word <= unit_window::parity_errors && !counts_) return false;
    return revokes_ || (word != unit_window::revocation && word != unit_window::revoked_at &&
                        word != unit_window::dead && word != unit_window::revoked);
}

uint64_t CapabilityUnit::command(uint32_t command, uint64_t operand1, uint64_t operand2) {
    switch (command) {
    case unit_command::object: case unit_command::badge: {
        const Outcome outcome = check(narrowed(operand2), operand1);
        answered_ = outcome.object_id | uint64_t{outcome.badge} << 32;
        return answer(outcome.verdict, command == unit_command::object ? outcome.object_id : outcome.badge);
    }
    case unit_command::select: {
        const uint64_t before = selected_;
        selected_ = static_cast<uint32_t>(narrowed(operand1));
        return before;
    }
    case unit_command::revoke: {
        const uint32_t before = revocation_.killed();
        const uint64_t result =
            revocation_.command({enable_ != 0, slot_base_, slot_count_}, operand1, narrowed(operand2));
        invalidations_ += revocation_.killed() != before;  // once for a run that has emptied anything
        return result;
    }
    case unit_command::install: return 0;
    default: invalidations_++; return 0;
    }
}

// A register that keeps what is written, and its writable bits.
uint64_t *CapabilityUnit::plain(uint64_t word, uint64_t &mask) {
    mask = word_mask;
    switch (word) {
    case unit_window::control: mask = 1; return &enable_;
    case unit_window::space_base: mask = word_mask & ~uint64_t{7}; return &space_base_;
    case unit_window::slot_base: mask = word_mask & ~uint64_t{31}; return &slot_base_;
    case unit_window::object_base: mask = word_mask & ~uint64_t{15}; return &object_base_;
    case unit_window::space_count: return &space_count_;
    case unit_window::slot_count: return &slot_count_;
    case unit_window::object_count: return &object_count_;
    case unit_window::operand1: mask = ~uint64_t{0}; return &operand1_;
    case unit_window::operand2: mask = ~uint64_t{0}; return &operand2_;
    default: return nullptr;
    }
}

Reading CapabilityUnit::read(uint64_t word, uint8_t) {
    uint64_t mask;
    if (const uint64_t *kept = plain(word, mask)) return {.value = *kept};
    // Time passes until these are so.
    const uint64_t uncertain = time_.settle == 0 ? 0 : ~uint64_t{0};
    switch (word) {
    case unit_window::identity:
        return {.value = unit_window::version | unit_window::ways << 16 | unit_window::lines << 32 |
                         uint64_t{!revokes_} << 63};
    case unit_window::status: return {.value = uint64_t{dropped_} << 2, .uncertain = uncertain};
    case unit_window::selected: return {.value = selected_, .uncertain = uncertain};
    case unit_window::result: return {.value = result_, .uncertain = uncertain};
    case unit_window::answered: return {.value = answered_, .uncertain = uncertain};
    case unit_window::revocation: return {.value = revocation_.progress(), .uncertain = uncertain};
    case unit_window::revoked_at: return {.value = revocation_.at(), .uncertain = uncertain};
    case unit_window::dead: return {.value = revocation_.dead(), .uncertain = uncertain};
    case unit_window::revoked: return {.value = revocation_.killed(), .uncertain = uncertain};
    case unit_window::invalidations: return {.value = invalidations_, .uncertain = uncertain};
    default: break;
    }
    uint32_t hits = 0;
    for (const uint32_t count : verdicts_) hits += count;
    if (word == unit_window::hits) return {.value = hits, .uncertain = uncertain};
    if (word >= unit_window::refused_bad_handle && word <= unit_window::refused_undecided) {
        return {.value = verdicts_[verdict::bad_handle + (word - unit_window::refused_bad_handle) / 8],
                .uncertain = uncertain};
    }
    return {.uncertain = uncertain};
}

void CapabilityUnit::write(uint64_t word, uint8_t lanes, uint64_t value) {
    const uint64_t bytes = lane_mask(lanes);
    uint64_t mask;
    if (uint64_t *kept = plain(word, mask)) {
        *kept = ((*kept & ~bytes) | (value & bytes)) & mask;
        // What was decided under other tables is forgotten. The RTL makes one of stores that come close together.
        const bool operand = word == unit_window::operand1 || word == unit_window::operand2;
        if (!operand && (bytes & mask) != 0) invalidations_++;
    } else if (word == unit_window::status) {
        dropped_ = dropped_ && !(value & bytes & 4);
    } else if (word == unit_window::dead && (lanes & 15) == 15) {
        revocation_.take_back(value & ((uint64_t{1} << layout::slot_parent.width) - 1));
    } else if (word == unit_window::command && (lanes & 1)) {
        const uint32_t wanted = value & 15;
        if (known(wanted) || wanted == unit_command::invalidate_all) {
            result_ = command(wanted, operand1_, operand2_);
        } else {
            dropped_ = true;
        }
    }
}

}  // namespace veridian::reference
