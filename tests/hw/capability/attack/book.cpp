#include "book.hpp"

#include "numbers.hpp"

namespace veridian::attack {

using namespace reference;

bool Outcome::accepted() const { return verdict == verdict::ok; }

uint32_t Book::find(uint64_t number, uint32_t index) const {
    if (number >= spaces || !space[number].exists || index / slots_of_page >= pages_of_space) return 0;
    const uint32_t page = space[number].page[index / slots_of_page];
    return page == 0 ? 0 : page * slots_of_page + index % slots_of_page;
}

Outcome Book::check(uint64_t number, uint64_t query) const {
    const uint64_t handle = layout::query_handle.of(&query), wanted = layout::query_rights.of(&query);
    const uint32_t found = find(number, static_cast<uint32_t>(layout::handle_index.of(&handle)));
    const uint64_t tag = layout::handle_tag.of(&handle), type = layout::query_cap_type.of(&query);
    if (found == 0) return {verdict::bad_handle};
    const Place &is = place[found];
    if (tag == 0 || tag != is.tag) return {verdict::bad_handle};
    if (!is.held) return {verdict::empty};
    if (!object[is.object].live || object[is.object].generation != is.generation) return {verdict::stale};
    if (type == cap_type::none || type != is.type) return {verdict::wrong_type};
    if ((wanted | is.rights) != is.rights) return {verdict::missing_rights};
    return {verdict::ok, is.object, is.badge};
}

}  // namespace veridian::attack
