#include "tables.hpp"

#include "numbers.hpp"

namespace veridian::attack {

using namespace reference;

namespace {

constexpr uint64_t base = place::memory_base;
// One page each for the directories, then the tables with room behind them.
constexpr uint64_t directories = base, slot_table = directories + abi::page_bytes * (spaces + 2),
                   object_table = slot_table + abi::page_bytes * (pages + 1), space_table = object_table + abi::page_bytes,
                   end = space_table + abi::page_bytes;
static_assert(abi::slots_per_page == slots_of_page);
static_assert((objects + 2) * abi::object_entry_bytes <= abi::page_bytes);

uint64_t directory_of(unsigned space) { return directories + abi::page_bytes * space; }
uint64_t slot_address(uint32_t number) { return slot_table + abi::slot_bytes * number; }

uint64_t directory_entry(uint64_t page) {
    return layout::directory_entry_page.put(page) | layout::directory_entry_valid.put(page != 0);
}

uint64_t space_entry(uint64_t directory, uint64_t count, bool valid) {
    return layout::space_entry_valid.put(valid) | layout::space_entry_pages.put(count) |
           layout::space_entry_directory.put(directory / abi::page_bytes);
}

}  // namespace

uint64_t Tables::space_base() { return space_table; }
uint64_t Tables::slot_base() { return slot_table; }
uint64_t Tables::object_base() { return object_table; }

Tables::Tables() : words_((end - base) / 8) {
    // Beyond the last space: a valid space with all the pages; beyond a space's last page: pages of others.
    for (unsigned space = spaces; space < spaces + 2; space++) {
        word_at(space_table + abi::space_entry_bytes * space) = space_entry(directory_of(space), pages, true);
        for (unsigned page = 0; page < pages; page++) word_at(directory_of(space) + 8 * page) = directory_entry(page);
    }
    for (unsigned space = 0; space < spaces; space++) {
        for (unsigned page = pages_of_space; page < pages; page++) {
            word_at(directory_of(space) + 8 * page) = directory_entry(page);
        }
    }
}

uint64_t &Tables::word_at(uint64_t address) { return words_[(address - base) / 8]; }
uint64_t Tables::word_at(uint64_t address) const { return words_[(address - base) / 8]; }

bool Tables::read(uint64_t address, uint64_t &word) const {
    if (address < base || address >= end) return false;
    word = word_at(address);
    return true;
}

bool Tables::write(uint64_t address, uint64_t word, uint8_t lanes) {
    // The unit stores to slots alone.
    if (address < slot_table || address >= slot_table + abi::page_bytes * pages) return false;
    uint64_t mask = 0;
    for (unsigned lane = 0; lane < 8; lane++) mask |= lanes >> lane & 1 ? uint64_t{0xff} << 8 * lane : 0;
    word_at(address) = (word_at(address) & ~mask) | (word & mask);
    return true;
}

void Tables::write_space(const Book &book, unsigned number) {
    for (unsigned page = 0; page < pages_of_space; page++) {
        word_at(directory_of(number) + 8 * page) = directory_entry(book.space[number].page[page]);
    }
    word_at(space_table + abi::space_entry_bytes * number) =
        space_entry(directory_of(number), pages_of_space, book.space[number].exists);
}

void Tables::write_object(const Book &book, unsigned number) {
    const Object &object = book.object[number];
    word_at(object_table + abi::object_entry_bytes * number) = layout::object_entry_live.put(object.live) |
        layout::object_entry_generation.put(object.generation) | layout::object_entry_cap_type.put(object.type);
}

void Tables::write_place(const Book &book, uint32_t number, const Links &links) {
    const Place &is = book.place[number];
    uint64_t words[4] = {};
    const auto put = [&words](Field field, uint64_t value) { words[field.word] |= field.put(value); };
    put(layout::slot_cap_type, is.type);
    put(layout::slot_object_id, is.object);
    put(layout::slot_rights, is.rights);
    put(layout::slot_generation, is.generation);
    put(layout::slot_tag, is.tag);
    put(layout::slot_badge, is.badge);
    put(layout::slot_valid, is.held);
    put(layout::slot_parent, links.parent);
    put(layout::slot_first_child, links.first_child);
    put(layout::slot_previous, links.previous);
    put(layout::slot_next, links.next);
    for (unsigned word = 0; word < 4; word++) word_at(slot_address(number) + 8 * word) = words[word];
}

void Tables::empty_place(const Book &book, uint32_t number) {
    const auto change = [&](Field field, uint64_t value) {
        uint64_t &word = word_at(slot_address(number) + 8 * field.word);
        word = (word & ~field.put((uint64_t{1} << field.width) - 1)) | field.put(value);
    };
    for (Field field : {layout::slot_valid, layout::slot_mark, layout::slot_parent, layout::slot_first_child}) {
        change(field, 0);
    }
    change(layout::slot_tag, book.place[number].tag);
}

bool Tables::is_dead(uint32_t number, uint16_t tag) const {
    uint64_t words[4];
    for (unsigned word = 0; word < 4; word++) words[word] = word_at(slot_address(number) + 8 * word);
    return !layout::slot_valid.of(words) && layout::slot_mark.of(words) && layout::slot_tag.of(words) == tag &&
           !layout::slot_first_child.of(words);
}

bool Tables::is_marked(uint32_t number) const {
    const uint64_t word = word_at(slot_address(number) + 8 * layout::slot_mark.word);
    return word >> layout::slot_mark.shift & 1;
}

}  // namespace veridian::attack
