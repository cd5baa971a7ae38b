#include "revocation.hpp"

namespace veridian::reference {

bool Revocation::in_table(const Table &table, uint64_t number) const {
    return number < table.slot_count && memory_.contains(table.slot_base + abi::slot_bytes * number, abi::slot_bytes);
}

uint64_t Revocation::get(const Table &table, uint64_t number, Field field) const {
    uint64_t words[slot_words];
    const uint64_t address = table.slot_base + abi::slot_bytes * number;
    __builtin_memcpy(words, memory_.data() + (address - place::memory_base), sizeof words);
    return field.of(words);
}

void Revocation::set(const Table &table, uint64_t number, Field field, uint64_t value) {
    uint64_t word;
    const uint64_t address = table.slot_base + abi::slot_bytes * number + 8 * field.word;
    __builtin_memcpy(&word, memory_.data() + (address - place::memory_base), sizeof word);
    const uint64_t mask = ((uint64_t{1} << field.width) - 1) << field.shift;
    memory_.store(address, (word & ~mask) | (field.put(value) & mask), 0xff);
}

uint64_t Revocation::progress() const {
    return layout::revoke_answer_state.put(state_) | layout::revoke_answer_revoked.put(revoked_);
}

uint64_t Revocation::command(const Table &table, uint64_t root, uint64_t limit) {
    if (root == 0) return progress();  // no run is ever under way, so there is none to stop
    constexpr uint64_t highest = (uint64_t{1} << layout::slot_parent.width) - 1;
    at_ = root > highest ? highest : root;
    revoked_ = 0;
    state_ = run(table, limit);
    return layout::revoke_answer_state.put(revoke_state::running) | layout::revoke_answer_accepted.put(1);
}

// Down to a leaf, empty it, on to its sibling or up to its parent; each slot is compared with the link that led to it.
uint8_t Revocation::run(const Table &table, uint64_t limit) {
    const uint64_t root = at_;
    if (!table.enabled) return revoke_state::disabled;
    if (!in_table(table, root) || !get(table, root, layout::slot_valid)) return revoke_state::bad_root;
    uint64_t parent = root, before = 0;
    at_ = get(table, root, layout::slot_first_child);
    if (at_ != 0) set(table, root, layout::slot_mark, 1);
    for (;;) {
        uint64_t leaf;
        if (at_ != 0) {
            if (at_ == root) return revoke_state::bad_tree;
            if (!in_table(table, at_)) return revoke_state::outside;
            if (!get(table, at_, layout::slot_valid) || get(table, at_, layout::slot_parent) != parent ||
                get(table, at_, layout::slot_previous) != before) {
                return revoke_state::bad_tree;
            }
            set(table, at_, layout::slot_previous, 0);
            const uint64_t child = get(table, at_, layout::slot_first_child);
            if (child != 0) {
                set(table, at_, layout::slot_mark, 1);
                parent = at_;
                before = 0;
                at_ = child;
                continue;
            }
            leaf = at_;
        } else if (parent == root) {
            set(table, root, layout::slot_mark, 0);
            at_ = root;
            return revoke_state::done;
        } else {
            leaf = at_ = parent;
            parent = get(table, leaf, layout::slot_parent);
        }
        if (limit != 0 && revoked_ == limit) return revoke_state::stopped;
        set(table, leaf, layout::slot_valid, 0);
        set(table, leaf, layout::slot_parent, dead_);
        set(table, leaf, layout::slot_first_child, 0);
        set(table, leaf, layout::slot_mark, 1);
        const uint64_t tag = get(table, leaf, layout::slot_tag) + 1;
        set(table, leaf, layout::slot_tag, tag >> layout::slot_tag.width != 0 ? 1 : tag);
        dead_ = leaf;
        revoked_++;
        killed_++;
        before = leaf;
        at_ = get(table, leaf, layout::slot_next);
        set(table, parent, layout::slot_first_child, at_);
    }
}

}  // namespace veridian::reference
