// The master: what another CPU would do in a driver, with the project's C headers. A read or a write is a bus cycle.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <veridian/abi.h>
#include <veridian/capability_unit.h>
#include <veridian/mailbox.h>
#include <veridian/memory_map.h>

#include "Vsystem.h"

namespace {

// Tables, one page each.
constexpr uint64_t directory = MEMORY_BASE, slots = directory + PAGE_BYTES, objects = slots + PAGE_BYTES,
                   spaces = objects + PAGE_BYTES;
constexpr uint64_t sender = 1, receiver = 2, endpoint = 3, queue = 0, tag = 0x1111, badge = 0xb0b;
// Slots by number, which are indices in both spaces: one page of slots serves both. Number 0 is never used.
constexpr unsigned root = 1, derived = 2;

Vsystem bus;
// Waves of a diagram by signal, a letter for each cycle; empty outside of one.
std::vector<std::pair<const char *, std::string>> waves;
bool recording;

void record() {
    const std::pair<const char *, int> now[] = {{"cyc, stb", bus.cyc && bus.stb}, {"we", bus.we}, {"ack", bus.ack}};
    if (waves.empty()) for (const auto &[name, value] : now) waves.emplace_back(name, "");
    for (size_t index = 0; index < waves.size(); index++) waves[index].second += now[index].second ? '1' : '0';
}

void cycle() {
    bus.eval();
    if (recording) record();
    bus.clk = 1, bus.eval();
    bus.clk = 0;
}

uint64_t transfer(uint64_t address, bool write, uint64_t data) {
    bus.adr = address >> 3, bus.dat_w = data, bus.sel = 0xff, bus.we = write, bus.cyc = bus.stb = 1;
    for (unsigned waited = 0;; waited++) {
        bus.eval();
        const bool done = bus.ack, failed = bus.err || waited > 10'000;
        const uint64_t value = bus.dat_r;
        cycle();
        if (failed) std::printf("no answer from %#llx\n", static_cast<unsigned long long>(address)), std::exit(1);
        if (done) return bus.cyc = bus.stb = bus.we = 0, cycle(), value;
    }
}

uint64_t read(uint64_t address) { return transfer(address, false, 0); }
void write(uint64_t address, uint64_t data) { transfer(address, true, data); }
uint64_t unit(uint64_t offset) { return CAPABILITY_UNIT_BASE + offset; }
uint64_t page(uint64_t number, uint64_t offset) { return MAILBOX_BASE + number * PAGE_BYTES + offset; }

void expect(const char *what, uint64_t is, uint64_t wanted) {
    std::printf("%s: %#llx\n", what, static_cast<unsigned long long>(is));
    if (is != wanted) std::printf("  expected %#llx\n", static_cast<unsigned long long>(wanted)), std::exit(1);
}

void put_slot(unsigned number, uint64_t rights, unsigned parent, unsigned child) {
    struct slot slot = {};
    slot_set_cap_type(&slot, CAP_TYPE_ENDPOINT);
    slot_set_object_id(&slot, endpoint);
    slot_set_rights(&slot, rights);
    slot_set_generation(&slot, 1);
    slot_set_tag(&slot, tag);
    slot_set_badge(&slot, badge + number);
    slot_set_valid(&slot, 1);
    slot_set_parent(&slot, parent);
    slot_set_first_child(&slot, child);
    for (unsigned word = 0; word < 4; word++) write(slots + number * sizeof slot + 8 * word, slot.word[word]);
}

void build_tables() {
    write(directory, directory_entry_make(0, 1));
    for (uint64_t space : {sender, receiver}) write(spaces + 8 * space, space_entry_make(1, 1, directory / PAGE_BYTES));
    struct object_entry object = {};
    object_entry_set_generation(&object, 1);
    object_entry_set_cap_type(&object, CAP_TYPE_ENDPOINT);
    object_entry_set_live(&object, 1);
    write(objects + endpoint * sizeof object, object.word[0]);
    put_slot(root, RIGHT_RECEIVE | RIGHT_SEND, 0, derived);
    put_slot(derived, RIGHT_SEND, root, 0);
}

void start_unit() {
    write(unit(CAPABILITY_UNIT_SPACE_BASE), spaces);
    write(unit(CAPABILITY_UNIT_SPACE_COUNT), receiver + 1);
    write(unit(CAPABILITY_UNIT_SLOT_BASE), slots);
    write(unit(CAPABILITY_UNIT_SLOT_COUNT), SLOTS_PER_PAGE);
    write(unit(CAPABILITY_UNIT_OBJECT_BASE), objects);
    write(unit(CAPABILITY_UNIT_OBJECT_COUNT), endpoint + 1);
    write(unit(CAPABILITY_UNIT_CONTROL), 1ull << CAPABILITY_UNIT_CONTROL_ENABLE_SHIFT);
    while (read(unit(CAPABILITY_UNIT_STATUS)) >> CAPABILITY_UNIT_STATUS_CLEARING_SHIFT & 1) {}
}

// An instruction written by hand: operands, command, wait, result.
uint64_t command(uint64_t number, uint64_t first, uint64_t second) {
    write(unit(CAPABILITY_UNIT_OPERAND1), first);
    write(unit(CAPABILITY_UNIT_OPERAND2), second);
    write(unit(CAPABILITY_UNIT_COMMAND), number);
    while (read(unit(CAPABILITY_UNIT_STATUS)) >> CAPABILITY_UNIT_STATUS_BUSY_SHIFT & 1) {}
    return read(unit(CAPABILITY_UNIT_RESULT));
}

uint64_t check(unsigned index, uint64_t rights) {
    return command(INSN_CAP_BADGE_FUNCT3, query_make(handle_make(index, tag), CAP_TYPE_ENDPOINT, rights), sender);
}

uint64_t mail(uint64_t from, uint64_t offset, unsigned index) {
    write(page(from, offset), handle_make(index, tag));
    uint64_t status;
    while ((status = read(page(from, MAILBOX_THREAD_STATUS))) == MAILBOX_STATUS_BUSY) {}
    return status;
}

void print_diagram() {
    recording = true;
    cycle();
    write(unit(CAPABILITY_UNIT_OPERAND1), 1);
    read(unit(CAPABILITY_UNIT_OPERAND1));
    recording = false;
    // WaveJSON: a dot is a letter that stays.
    std::printf("{\"signal\": [\n  {\"name\": \"clk\", \"wave\": \"p%s\"}", std::string(waves[0].second.size() - 1, '.').c_str());
    for (const auto &[name, wave] : waves) {
        std::string short_wave(1, wave[0]);
        for (size_t at = 1; at < wave.size(); at++) short_wave += wave[at] == wave[at - 1] ? '.' : wave[at];
        std::printf(",\n  {\"name\": \"%s\", \"wave\": \"%s\"}", name, short_wave.c_str());
    }
    std::printf("\n]}\n");
}

}  // namespace

int main(int argc, char **) {
    bus.rst = 1;
    for (int count = 0; count < 4; count++) cycle();
    bus.rst = 0;
    build_tables();
    start_unit();
    if (argc > 1) return print_diagram(), 0;

    expect("check for SEND: badge and verdict OK", check(derived, RIGHT_SEND), answer_make(VERDICT_OK, badge + derived));
    expect("check for RECEIVE: MISSING_RIGHTS", check(derived, RIGHT_RECEIVE), answer_make(VERDICT_MISSING_RIGHTS, 0));
    expect("check of another place: BAD_HANDLE", check(9, RIGHT_SEND), answer_make(VERDICT_BAD_HANDLE, 0));

    // Page 1 is the sender's, page 2 the receiver's.
    const uint64_t enabled = 1ull << MAILBOX_PAGE_ENABLED_SHIFT;
    for (uint64_t space : {sender, receiver}) write(page(0, MAILBOX_CONTROL_PAGES + 8 * space), enabled | space);
    write(page(0, MAILBOX_CONTROL_QUEUES + queue * MAILBOX_QUEUE_STRIDE),
          1ull << MAILBOX_QUEUE_BINDING_ENABLED_SHIFT | endpoint << MAILBOX_QUEUE_BINDING_ENDPOINT_SHIFT);
    write(page(0, MAILBOX_CONTROL_INTERRUPT_ENABLE), 1ull << queue);
    for (uint64_t word = 0; word < MESSAGE_WORDS; word++) write(page(sender, MAILBOX_THREAD_MESSAGE + 8 * word), word << 8);
    expect("send: OK", mail(sender, MAILBOX_THREAD_SEND, derived), MAILBOX_STATUS_OK);
    for (unsigned waited = 0; !bus.irq && waited < 8; waited++) cycle();
    expect("interrupt", bus.irq, 1);
    expect("receive: OK", mail(receiver, MAILBOX_THREAD_RECEIVE, root), MAILBOX_STATUS_OK);
    expect("badge of the sender", read(page(receiver, MAILBOX_THREAD_HEAD_BADGE)), badge + derived);
    expect("last word", read(page(receiver, MAILBOX_THREAD_HEAD_MESSAGE + 8 * 7)), 0x700);
    expect("pop: OK", mail(receiver, MAILBOX_THREAD_POP, root), MAILBOX_STATUS_OK);

    command(INSN_CAP_REVOKE_FUNCT3, root, 0);
    uint64_t state;
    while (revoke_answer_get_state(state = read(unit(CAPABILITY_UNIT_REVOCATION))) == REVOKE_STATE_RUNNING) {}
    expect("revoked: DONE", revoke_answer_get_state(state), REVOKE_STATE_DONE);
    expect("slots that were emptied", revoke_answer_get_revoked(state), 1);
    expect("check afterwards: BAD_HANDLE", check(derived, RIGHT_SEND), answer_make(VERDICT_BAD_HANDLE, 0));
    expect("send afterwards: BAD_HANDLE", mail(sender, MAILBOX_THREAD_SEND, derived), MAILBOX_STATUS_BAD_HANDLE);
    expect("the root is still there", check(root, RIGHT_SEND), answer_make(VERDICT_OK, badge + root));
    return 0;
}
