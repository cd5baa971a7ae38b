// A kernel that never rests: it changes the book and the tables, and tells the unit what to forget.
//
// One change at a time. While it is under way (`racing`), what was so before it may still be seen; from the answer to
// its last command on, it may not.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "book.hpp"
#include "random.hpp"
#include "tables.hpp"

namespace veridian::attack {

// Something is not as the book says.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// What the unit is asked to do: funct3 of a privileged instruction, which is a command of the window too.
struct Command {
    uint32_t number;
    uint64_t operand1 = 0, operand2 = 0;
};

// A capability as somebody might remember it.
struct Memento {
    uint32_t space = 0, index = 0;
    Place place;
};

class Kernel {
public:
    Kernel(uint64_t seed, Tables &tables);

    const Book &book() const { return book_; }
    const Book &before() const { return before_; }
    bool racing() const { return racing_; }
    uint64_t changes() const { return changes_; }
    // Begins a change; the command that it wants, if any. Without one it is done at once.
    std::optional<Command> change();
    // The command has this result; the next one, or none: the change is done.
    std::optional<Command> answered(uint64_t result);

    // A capability that is there, mostly one of a few, so that the unit may remember it; none held: an empty place.
    Memento recall(Random &random) const;
    // One that was there once.
    Memento bygone(Random &random) const;

private:
    Memento memento(uint32_t number) const;
    uint32_t pick(bool held);
    uint32_t free_place();
    void put(uint32_t number, uint32_t object, uint16_t rights, uint32_t parent);
    void empty(uint32_t number);
    void unlink(uint32_t number);
    void gather(uint32_t root, std::vector<uint32_t> &found) const;
    bool stale(uint32_t number) const;

    bool create();
    bool derive();
    std::optional<Command> remove(uint32_t number);
    std::optional<Command> doom();
    uint32_t leaf();
    std::optional<Command> revoke();
    std::optional<Command> die();
    std::optional<Command> redraw_space();
    std::optional<Command> select();

    Random random_;
    Tables &tables_;
    Book book_, before_;
    std::vector<Links> links_ = std::vector<Links>(pages * slots_of_page);
    std::vector<uint32_t> emptied_;
    std::array<uint32_t, 24> focus_{};
    std::array<Memento, 256> gone_{};
    unsigned gone_count_ = 0, held_ = 0;
    bool racing_ = false;
    uint64_t changes_ = 0;
    // The place that is emptied next; what the unit remembered of it is forgotten already.
    uint32_t doomed_ = 0;
    // A run of the revocation engine under way: its root and whom it has to kill.
    uint32_t revoking_ = 0;
    std::vector<uint32_t> victims_;
};

}  // namespace veridian::attack
