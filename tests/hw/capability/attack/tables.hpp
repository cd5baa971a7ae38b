// The kernel's tables in memory (DESIGN 5), written from the book.
//
// Around each table lies what a unit that looks too far would like to find: entries beyond the ends are valid and lead
// to places that hold capabilities.
#pragma once

#include <cstdint>
#include <vector>

#include "book.hpp"

namespace veridian::attack {

// Links of a place in the derivation tree; 0: none.
struct Links {
    uint32_t parent = 0, first_child = 0, previous = 0, next = 0;
};

class Tables {
public:
    Tables();
    // Bus words by address; false: there is no memory.
    bool read(uint64_t address, uint64_t &word) const;
    bool write(uint64_t address, uint64_t word, uint8_t lanes);

    void write_space(const Book &book, unsigned number);
    void write_object(const Book &book, unsigned number);
    void write_place(const Book &book, uint32_t number, const Links &links);
    // The capability goes, its words stay but for the valid bit and the tag.
    void empty_place(const Book &book, uint32_t number);
    // Whether the revocation engine left in a place what it has to: empty, marked, with this tag.
    bool is_dead(uint32_t number, uint16_t tag) const;
    bool is_marked(uint32_t number) const;

    // Contents of the table registers.
    static uint64_t space_base(), slot_base(), object_base();

private:
    uint64_t &word_at(uint64_t address);
    uint64_t word_at(uint64_t address) const;
    std::vector<uint64_t> words_;
};

}  // namespace veridian::attack
