#include "plic.hpp"

namespace veridian::reference {

namespace {

constexpr uint32_t level_mask = (1u << plic_map::priority_bits) - 1;

// Context whose threshold and claim register lie at this offset, or `contexts`.
unsigned context_at(uint64_t offset, uint64_t register_offset) {
    for (unsigned context = 0; context < Plic::contexts; context++) {
        if (offset == plic_map::context_offset + context * plic_map::context_stride + register_offset) return context;
    }
    return Plic::contexts;
}

constexpr uint8_t lanes_of(uint8_t lanes, int half) { return lanes >> (4 * half) & 15; }

}  // namespace

void Plic::set_source(unsigned number, bool level, bool unknown) {
    const uint32_t bit = 1u << number;
    level_ = (level_ & ~bit) | (level ? bit : 0);
    unknown_ = (unknown_ & ~bit) | (unknown ? bit : 0);
    update();
}

// Gateways (PLIC specification, chapter 3): a pending source stays so until its claim, a claimed one is deaf until its
// completion.
void Plic::update() {
    pending_ |= level_ & ~unknown_ & ~in_service_;
    maybe_ = (maybe_ | unknown_) & ~in_service_ & ~pending_;
    for (unsigned context = 0; context < contexts; context++) {
        const uint32_t sure = best(context, pending_), perhaps = best(context, pending_ | maybe_);
        certain_[context].set(priority_[sure] > threshold_[context], time_);
        possible_[context].set(priority_[perhaps] > threshold_[context], time_);
    }
}

// The highest priority, and of those the lowest number; 0 if none has a priority above 0.
uint32_t Plic::best(unsigned context, uint32_t pending) const {
    uint32_t chosen = 0;
    for (unsigned number = 1; number <= sources_; number++) {
        const bool candidate = (pending & enable_[context]) >> number & 1;
        if (candidate && priority_[number] > priority_[chosen]) chosen = number;
    }
    return chosen;
}

// A register that only keeps what is written, and its writable bits.
uint32_t *Plic::plain(uint64_t offset, uint32_t &mask) {
    mask = level_mask;
    if (offset > plic_map::priority_offset && offset <= plic_map::priority_offset + 4 * sources_) {
        return &priority_[(offset - plic_map::priority_offset) / 4];
    }
    for (unsigned context = 0; context < contexts; context++) {
        if (offset == plic_map::enable_offset + context * plic_map::enable_stride) {
            mask = (uint32_t{2} << sources_) - 2;
            return &enable_[context];
        }
        if (context_at(offset, 0) == context) return &threshold_[context];
    }
    return nullptr;
}

Reading Plic::read(uint64_t word, uint8_t lanes) {
    Reading result;
    for (int half = 0; half < 2; half++) {
        if (lanes_of(lanes, half) == 0) continue;
        const uint64_t offset = word + 4 * half;
        uint32_t mask, value = 0, uncertain = 0;
        if (const uint32_t *kept = plain(offset, mask)) {
            value = *kept;
        } else if (offset == plic_map::pending_offset) {
            value = pending_;
            uncertain = time_.settle == 0 ? 0 : ~0u;
        } else if (const unsigned context = context_at(offset, plic_map::claim_offset); context < contexts) {
            value = best(context, pending_);
            uncertain = time_.settle == 0 ? 0 : ~0u;
        }
        result.value |= uint64_t{value} << (32 * half);
        result.uncertain |= uint64_t{uncertain} << (32 * half);
    }
    return result;
}

void Plic::has_read(uint64_t word, uint8_t lanes, uint64_t value) {
    for (int half = 0; half < 2; half++) {
        if (lanes_of(lanes, half) == 0) continue;
        if (context_at(word + 4 * half, plic_map::claim_offset) == contexts) continue;
        const uint32_t claimed = value >> (32 * half);
        if (claimed == 0 || claimed > sources_) continue;
        pending_ &= ~(1u << claimed);
        maybe_ &= ~(1u << claimed);
        in_service_ |= 1u << claimed;
        update();
    }
}

void Plic::write(uint64_t word, uint8_t lanes, uint64_t value) {
    for (int half = 0; half < 2; half++) {
        const uint8_t selected = lanes_of(lanes, half);
        if (selected == 0) continue;
        const uint64_t offset = word + 4 * half;
        const uint32_t data = value >> (32 * half), bytes = lane_mask(selected);
        uint32_t mask;
        if (uint32_t *kept = plain(offset, mask)) {
            *kept = ((*kept & ~bytes) | (data & bytes)) & mask;
        } else if (const unsigned context = context_at(offset, plic_map::claim_offset);
                   context < contexts && selected == 15 && data <= sources_) {
            // Only a source that is enabled for the context can be completed there.
            in_service_ &= ~(1u << data & enable_[context]);
        }
    }
    update();
}

}  // namespace veridian::reference
