// What attackers try: one question after the other, most of them next to something that is there.
#pragma once

#include <cstdint>

#include "kernel.hpp"
#include "random.hpp"

namespace veridian::attack {

enum class Kind : uint8_t {
    rightful,     // a capability that is held, rights that it has
    random,       // any 64 bits
    small,        // a small integer as handle
    neighbour,    // a handle next to one: its tag or its index is one off
    flipped,      // one bit of a rightful question differs
    other_space,  // a rightful question in another space
    bygone,       // a capability that was there once
    amplified,    // a right more
    confused,     // another type
    token,        // words of the token as a handle
    number,       // the slot's number in the whole table as a handle
    outside,      // beyond the end of a space's pages, or of the spaces
    space_bits,   // one bit of the space's number differs, all 64 of them
    count,
};

constexpr unsigned kinds = static_cast<unsigned>(Kind::count);
const char *name_of(Kind kind);

struct Question {
    Kind kind;
    uint64_t space, query;
};

// A question of a random kind.
Question attack(const Kernel &kernel, Random &random);

}  // namespace veridian::attack
