#include "attacks.hpp"

#include "numbers.hpp"

namespace veridian::attack {

using namespace reference;

namespace {

uint64_t handle(uint32_t index, uint16_t tag) { return layout::handle_index.put(index & 0xffff) | layout::handle_tag.put(tag); }

uint64_t query(uint64_t handle, uint16_t type, uint16_t rights) {
    return layout::query_handle.put(handle & 0xffffffff) | layout::query_cap_type.put(type) |
           layout::query_rights.put(rights);
}

uint64_t rightful(const Memento &it, Random &random) {
    return query(handle(it.index, it.place.tag), it.place.type, it.place.rights & random.next());
}

}  // namespace

const char *name_of(Kind kind) {
    static constexpr const char *names[] = {"rightful", "random", "small", "neighbour", "flipped", "other_space",
                                            "bygone", "amplified", "confused", "token", "number", "outside",
                                            "space_bits"};
    static_assert(sizeof names / sizeof *names == kinds);
    return names[static_cast<unsigned>(kind)];
}

Question attack(const Kernel &kernel, Random &random) {
    const Kind kind = static_cast<Kind>(random.below(kinds));
    const Memento it = kind == Kind::bygone ? kernel.bygone(random) : kernel.recall(random);
    const Place &place = it.place;
    uint64_t asked = rightful(it, random), space = it.space;
    switch (kind) {
    case Kind::rightful: case Kind::bygone: case Kind::count: break;
    case Kind::random:
        asked = random.next();
        // In half of them so many bits are not random that a right tag is all that is missing.
        if (random.one_in(2)) asked = query(handle(it.index, asked & 0xffff), place.type, 0);
        break;
    case Kind::small: asked = query(random.below(random.one_in(2) ? 16 : 4096), place.type, 0); break;
    case Kind::neighbour: {
        const uint32_t step = random.one_in(2) ? 1 : 0xffff;
        asked = random.one_in(2) ? query(handle(it.index, place.tag + step), place.type, 0)
                                 : query(handle(it.index + step, place.tag), place.type, 0);
        break;
    }
    case Kind::flipped: asked ^= uint64_t{1} << random.below(64); break;
    case Kind::other_space: space = random.below(spaces + 2); break;
    case Kind::amplified: asked |= layout::query_rights.put(uint64_t{1} << random.below(16)); break;
    case Kind::confused: {
        const uint64_t type = random.one_in(2) ? random.below(cap_type::kernel + 2) : random.next() & 0xffff;
        asked = query(handle(it.index, place.tag), static_cast<uint16_t>(type), 0);
        break;
    }
    case Kind::token: {
        const uint64_t words[] = {place.object, place.object | uint64_t{place.generation} << 16,
                                  place.type | uint64_t{place.rights} << 16, place.badge};
        asked = query(words[random.below(4)], place.type, place.rights);
        break;
    }
    case Kind::number:
        asked = query(handle((1 + it.space * pages_of_space) * slots_of_page + it.index, place.tag), place.type, 0);
        break;
    case Kind::outside: {
        // Behind the tables' ends each page of places stands under its own number (tables.cpp).
        const uint32_t number = (1 + it.space * pages_of_space) * slots_of_page + it.index;
        asked = query(handle(number, place.tag), place.type, 0);
        if (random.one_in(2)) space = spaces + random.below(2);
        break;
    }
    case Kind::space_bits: space ^= uint64_t{1} << random.below(64); break;
    }
    return {kind, space, asked};
}

}  // namespace veridian::attack
