#include "kernel.hpp"

#include <algorithm>

#include "numbers.hpp"

namespace veridian::attack {

using namespace reference;

namespace {

constexpr uint32_t places = pages * slots_of_page;
// Fewer than this many capabilities: make some; more: get rid of some.
constexpr unsigned few = 300, many = 900;

uint16_t following(uint16_t tag) { return tag == 0xffff ? 1 : tag + 1; }

}  // namespace

Kernel::Kernel(uint64_t seed, Tables &tables) : random_(seed), tables_(tables) {
    for (unsigned number = 0; number < spaces; number++) {
        book_.space[number].exists = true;
        for (unsigned page = 0; page < pages_of_space; page++) {
            book_.space[number].page[page] = 1 + number * pages_of_space + page;
        }
        tables_.write_space(book_, number);
    }
    for (unsigned number = 0; number < objects; number++) {
        // Half of them are near the end of their lives.
        book_.object[number].generation = random_.one_in(2) ? 0xfff0 + random_.below(15) : random_.below(4);
        tables_.write_object(book_, number);
    }
    for (uint32_t number = slots_of_page; number < places; number++) {
        book_.place[number].tag = random_.one_in(8) ? 0xffff - random_.below(3) : 1 + random_.below(0xfffe);
        tables_.write_place(book_, number, {});
    }
    while (held_ < few) {
        if (!create() || !derive()) continue;
    }
    before_ = book_;
}

Memento Kernel::memento(uint32_t number) const {
    const uint32_t page = number / slots_of_page - 1;
    return {page / pages_of_space, page % pages_of_space * slots_of_page + number % slots_of_page, book_.place[number]};
}

Memento Kernel::recall(Random &random) const {
    if (doomed_ != 0 && random.one_in(4)) return memento(doomed_);
    const bool known = !random.one_in(4);
    uint32_t number = 0;
    for (unsigned attempt = 0; attempt < 16; attempt++) {
        number = known && attempt < 4 ? focus_[random.below(focus_.size())]
                                      : slots_of_page + random.below(places - slots_of_page);
        if (number != 0 && book_.place[number].held) break;
    }
    return memento(number);
}

Memento Kernel::bygone(Random &random) const {
    if (gone_count_ == 0) return recall(random);
    // Half of the time the last one: a walk for it may be under way.
    const unsigned age = random.one_in(2) ? 0 : random.below(std::min<unsigned>(gone_count_, gone_.size()));
    return gone_[(gone_count_ - 1 - age) % gone_.size()];
}

uint32_t Kernel::pick(bool held) {
    for (unsigned attempt = 0; attempt < 64; attempt++) {
        const uint32_t number = slots_of_page + random_.below(places - slots_of_page);
        if (book_.place[number].held == held) return number;
    }
    return 0;
}

// Half of the time one that was emptied of late, so that handles meet places that others have had.
uint32_t Kernel::free_place() {
    if (!emptied_.empty() && random_.one_in(2)) {
        const uint32_t number = emptied_[random_.below(emptied_.size())];
        if (!book_.place[number].held) return number;
    }
    return pick(false);
}

bool Kernel::stale(uint32_t number) const {
    const Place &is = book_.place[number];
    return !book_.object[is.object].live || book_.object[is.object].generation != is.generation;
}

void Kernel::put(uint32_t number, uint32_t object, uint16_t rights, uint32_t parent) {
    Place &is = book_.place[number];
    is = {true, is.tag, book_.object[object].type, rights, book_.object[object].generation, object,
          static_cast<uint32_t>(random_.next())};
    links_[number] = {};
    if (parent != 0) {
        is.generation = book_.place[parent].generation;
        is.type = book_.place[parent].type;
        const uint32_t first = links_[parent].first_child;
        links_[number] = {parent, 0, 0, first};
        links_[parent].first_child = number;
        if (first != 0) links_[first].previous = number, tables_.write_place(book_, first, links_[first]);
        tables_.write_place(book_, parent, links_[parent]);
    }
    tables_.write_place(book_, number, links_[number]);
    focus_[random_.below(focus_.size())] = number;
    held_++;
}

void Kernel::empty(uint32_t number) {
    gone_[gone_count_++ % gone_.size()] = memento(number);
    book_.place[number].held = false;
    book_.place[number].tag = following(book_.place[number].tag);
    links_[number] = {};
    if (emptied_.size() < 64) emptied_.push_back(number);
    else emptied_[random_.below(emptied_.size())] = number;
    held_--;
}

void Kernel::unlink(uint32_t number) {
    const Links is = links_[number];
    if (is.previous != 0) links_[is.previous].next = is.next;
    else if (is.parent != 0) links_[is.parent].first_child = is.next;
    if (is.next != 0) links_[is.next].previous = is.previous;
    for (uint32_t other : {is.parent, is.previous, is.next}) {
        if (other != 0) tables_.write_place(book_, other, links_[other]);
    }
}

void Kernel::gather(uint32_t root, std::vector<uint32_t> &found) const {
    for (uint32_t child = links_[root].first_child; child != 0; child = links_[child].next) {
        found.push_back(child);
        gather(child, found);
    }
}

// A capability for an object without a life or for one that has several already; an id that has had all its lives has no more.
bool Kernel::create() {
    const uint32_t object = random_.below(objects), number = free_place();
    Object &is = book_.object[object];
    if (number == 0 || (!is.live && is.generation == 0xffff)) return false;
    if (!is.live) {
        is.live = true;
        is.type = 1 + random_.below(cap_type::kernel);
        tables_.write_object(book_, object);
    }
    put(number, object, static_cast<uint16_t>(random_.next()), 0);
    return true;
}

bool Kernel::derive() {
    const uint32_t parent = pick(true), number = free_place();
    if (parent == 0 || number == 0) return false;
    const uint16_t rights = book_.place[parent].rights & static_cast<uint16_t>(random_.next() | random_.next());
    put(number, book_.place[parent].object, rights, parent);
    return true;
}

uint32_t Kernel::leaf() {
    uint32_t number = 0;
    for (unsigned attempt = 0; attempt < 16; attempt++) {
        const uint32_t other = pick(true);
        if (other != 0 && links_[other].first_child == 0 && (number == 0 || stale(other))) number = other;
    }
    return number;
}

std::optional<Command> Kernel::remove(uint32_t number) {
    if (number == 0) return {};
    unlink(number);
    const Memento is = memento(number);
    empty(number);
    tables_.empty_place(book_, number);
    return Command{unit_command::invalidate_slot, layout::handle_index.put(is.index), is.space};
}

// Everybody asks for a place that the unit has just forgotten, so that walks for it are under way when it is emptied.
std::optional<Command> Kernel::doom() {
    const uint32_t number = focus_[random_.below(focus_.size())];
    if (number == 0 || !book_.place[number].held || links_[number].first_child != 0) return {};
    doomed_ = number;
    const Memento is = memento(number);
    return Command{unit_command::invalidate_slot, layout::handle_index.put(is.index), is.space};
}

std::optional<Command> Kernel::revoke() {
    uint32_t root = 0;
    for (unsigned attempt = 0; attempt < 16; attempt++) {
        const uint32_t other = pick(true);
        if (other != 0 && links_[other].first_child != 0 && (root == 0 || stale(other))) root = other;
    }
    if (root == 0) return {};
    while (held_ > many && links_[root].parent != 0) root = links_[root].parent;
    victims_.clear();
    gather(root, victims_);
    for (uint32_t number : victims_) empty(number);
    links_[root].first_child = 0;
    revoking_ = root;
    return Command{unit_command::revoke, root, 0};
}

std::optional<Command> Kernel::die() {
    const uint32_t object = random_.below(objects);
    Object &is = book_.object[object];
    if (!is.live) return {};
    if (is.generation == 0xffff) is.live = false;
    else is.generation++, is.live = random_.one_in(2);
    tables_.write_object(book_, object);
    return Command{unit_command::invalidate_object, object, 0};
}

// A page of a space, or all of it, goes; or all of it comes back.
std::optional<Command> Kernel::redraw_space() {
    const unsigned number = random_.below(spaces);
    Space &is = book_.space[number];
    const bool whole = is.exists && std::all_of(is.page.begin(), is.page.end(), [](uint8_t page) { return page != 0; });
    if (!whole) {
        is.exists = true;
        for (unsigned page = 0; page < pages_of_space; page++) is.page[page] = 1 + number * pages_of_space + page;
    } else if (random_.one_in(3)) {
        is.exists = false;
    } else {
        is.page[random_.below(pages_of_space)] = 0;
    }
    tables_.write_space(book_, number);
    return whole ? std::optional(Command{unit_command::invalidate_space, 0, number}) : std::nullopt;
}

std::optional<Command> Kernel::select() {
    // Seldom one that does not exist, or that no 32 bits hold.
    book_.selected = random_.one_in(8) ? spaces + random_.below(2) : random_.below(spaces);
    const uint64_t named = book_.selected;
    if (random_.one_in(8)) book_.selected = 0xffffffff;
    return Command{unit_command::select, book_.selected == 0xffffffff ? named | uint64_t{1} << (32 + random_.below(32))
                                                                      : named, 0};
}

std::optional<Command> Kernel::change() {
    before_ = book_;
    changes_++;
    std::optional<Command> command;
    const unsigned choice = random_.below(22);
    if (doomed_ != 0) command = remove(doomed_), doomed_ = 0;
    else if (choice < (held_ < few ? 12 : held_ > many ? 1 : 7)) choice & 1 ? create() : derive();
    else if (choice < 12) command = remove(leaf());
    else if (choice < 14) command = revoke();
    else if (choice < 16) command = die();
    else if (choice < 18) command = redraw_space();
    else if (choice < 20) command = select();
    else command = doom();
    racing_ = command.has_value();
    return command;
}

std::optional<Command> Kernel::answered(uint64_t result) {
    if (revoking_ != 0) {
        const uint64_t state = layout::revoke_answer_state.of(&result), count = layout::revoke_answer_revoked.of(&result);
        if (state == revoke_state::running) return Command{unit_command::revoke, 0, 0};
        if (state != revoke_state::done) throw Failure("a revocation ended in state " + std::to_string(state));
        if (count != victims_.size()) {
            throw Failure("a revocation emptied " + std::to_string(count) + " of " + std::to_string(victims_.size()));
        }
        for (uint32_t number : victims_) {
            if (!tables_.is_dead(number, book_.place[number].tag)) {
                throw Failure("slot " + std::to_string(number) + " is not dead after its revocation");
            }
            tables_.empty_place(book_, number);
        }
        if (tables_.is_marked(revoking_)) throw Failure("the root of a revocation kept its mark");
        revoking_ = 0;
    }
    racing_ = false;
    return {};
}

}  // namespace veridian::attack
