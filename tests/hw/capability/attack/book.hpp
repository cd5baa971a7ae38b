// Who holds what: the oracle of the attack harness.
//
// It is a list of capabilities by space and place, as a kernel would keep it on paper. It knows no table, no walk, no
// lookaside buffer and no hardware; what lies in memory is written from it and never read back.
#pragma once

#include <array>
#include <cstdint>

namespace veridian::attack {

// Page 0 stays unused, as in the kernel: place 0 is none.
constexpr unsigned spaces = 6, pages_of_space = 3, pages = 1 + spaces * pages_of_space, slots_of_page = 128, objects = 48;

struct Outcome {
    uint8_t verdict;
    uint32_t object = 0, badge = 0;
    bool operator==(const Outcome &) const = default;
    bool accepted() const;
};

// A place for a capability. An empty one has a tag too: that of its next capability.
struct Place {
    bool held = false;
    uint16_t tag = 0, type = 0, rights = 0, generation = 0;
    uint32_t object = 0, badge = 0;
};

struct Object {
    bool live = false;
    uint16_t generation = 0, type = 0;
};

struct Space {
    bool exists = false;
    // Numbers of its pages of places; 0: a hole.
    std::array<uint8_t, pages_of_space> page{};
};

struct Book {
    std::array<Place, pages * slots_of_page> place{};
    std::array<Object, objects> object{};
    std::array<Space, spaces> space{};
    // Where a user's checks look.
    uint64_t selected = 0;

    // Number of a place in a space; 0: there is none.
    uint32_t find(uint64_t space, uint32_t index) const;
    // What is to be said to `query` in `space`: accepted only where that space holds that capability.
    Outcome check(uint64_t space, uint64_t query) const;
};

}  // namespace veridian::attack
