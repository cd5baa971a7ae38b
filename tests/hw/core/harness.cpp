// Bench of the core: memory, a CLINT, interrupt lines and an exit register in C++ around the Verilated model.
//
// usage: harness [--trace] [--max-cycles N] [--wait SEED] PROGRAM
// PROGRAM is a flat binary for 0x8000_0000. Exit code 0: it stored 0x5555 to the exit register; 1: it stored something
// else, which is printed; 2: it ran out of cycles or could not start. --wait draws random bus wait states.

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "Vbench.h"
#include "names.h"
#include "verilated.h"

namespace {

constexpr uint32_t ROM_BASE = 0x1000, ROM_SIZE = 0x1000;
constexpr uint32_t EXIT_REGISTER = 0x0010'0000;
constexpr uint32_t CLINT_BASE = 0x0200'0000, CLINT_MTIMECMP = 0x4000, CLINT_MTIME = 0xBFF8;
// Bench device: word 0 drives the external interrupt lines (bit 0 meip, bit 1 seip), word 1 counts its reads,
// word 2 prints the character stored to it.
constexpr uint32_t DEVICE_BASE = 0x1000'0000;
constexpr uint32_t MEMORY_BASE = 0x8000'0000, MEMORY_SIZE = 32u << 20;

// auipc t0, 0x7ffff; jr t0: the boot ROM enters main memory.
constexpr std::array<uint32_t, 2> ROM = {0x7fff'f297, 0x0002'8067};

struct Machine {
    std::vector<uint64_t> memory = std::vector<uint64_t>(MEMORY_SIZE / 8);
    uint64_t mtime = 0, mtimecmp = ~0ull;
    bool msip = false;
    unsigned lines = 0;
    uint64_t device_reads = 0;
    bool finished = false;
    uint64_t exit_value = 0;

    // One bus word; false means err.
    bool access(uint32_t address, bool write, uint64_t data, unsigned sel, uint64_t &result) {
        uint64_t mask = 0;
        for (int byte = 0; byte < 8; byte++)
            if (sel >> byte & 1) mask |= 0xffull << (8 * byte);
        result = 0xdead'beef'dead'beefull;
        if (address >= MEMORY_BASE && address - MEMORY_BASE < MEMORY_SIZE) {
            uint64_t &word = memory[(address - MEMORY_BASE) / 8];
            result = word;
            if (write) word = (word & ~mask) | (data & mask);
            return true;
        }
        if (address >= ROM_BASE && address < ROM_BASE + ROM_SIZE && !write) {
            result = 0;
            if (address == ROM_BASE) std::memcpy(&result, ROM.data(), 8);
            return true;
        }
        switch (address) {
        case EXIT_REGISTER:
            if (write) finished = true, exit_value = data & mask;
            return true;
        case CLINT_BASE:
            result = msip;
            if (write && (sel & 1)) msip = data & 1;
            return true;
        case CLINT_BASE + CLINT_MTIMECMP:
            result = mtimecmp;
            if (write) mtimecmp = (mtimecmp & ~mask) | (data & mask);
            return true;
        case CLINT_BASE + CLINT_MTIME:
            result = mtime;
            return true;
        case DEVICE_BASE:
            result = lines;
            if (write) lines = static_cast<unsigned>(data & mask);
            return true;
        case DEVICE_BASE + 8:
            result = device_reads;
            if (!write) device_reads++;
            return true;
        case DEVICE_BASE + 16:
            if (write) std::putchar(static_cast<int>(data & 0xff));
            return true;
        default:
            return false;
        }
    }
};

// A target that answers after a number of cycles: always the same, or random ones.
struct Waiter {
    bool random;
    uint32_t state;
    unsigned left = 0;
    unsigned draw() {
        if (!random) return 0;
        state = state * 1664525u + 1013904223u;
        unsigned value = state >> 24;
        return value & 1 ? 0 : (value >> 1) & 7;
    }
    bool ready() {
        if (left) return left--, false;
        left = draw();
        return true;
    }
};

void print_trace(const Vbench &core) {
    static constexpr const char *levels = "US?M";
    std::printf("%c %016lx (%08x)", levels[core.trace__privilege], static_cast<unsigned long>(core.trace__pc), core.trace__insn);
    if (core.trace__trap)
        std::printf(" trap%s %u tval %lx", core.trace__interrupt ? " interrupt" : "", core.trace__cause,
                    static_cast<unsigned long>(core.trace__tval));
    if (core.trace__rd_we) std::printf(" x%u=%lx", core.trace__rd, static_cast<unsigned long>(core.trace__rd_data));
    if (core.trace__mem_valid) {
        std::printf(" mem %lx", static_cast<unsigned long>(core.trace__mem_addr));
        if (core.trace__mem_we) std::printf("=%lx", static_cast<unsigned long>(core.trace__mem_data));
    }
    if (core.trace__csr_we) std::printf(" csr%03x=%lx", core.trace__csr, static_cast<unsigned long>(core.trace__csr_data));
    std::printf("\n");
}

}  // namespace

int main(int argc, char **argv) {
    bool trace = false;
    uint64_t max_cycles = 2'000'000;
    Waiter fetch_wait{false, 1}, data_wait{false, 2};
    const char *program = nullptr;
    for (int i = 1; i < argc; i++) {
        std::string argument = argv[i];
        if (argument == "--trace") trace = true;
        else if (argument == "--max-cycles" && i + 1 < argc) max_cycles = std::strtoull(argv[++i], nullptr, 0);
        else if (argument == "--wait" && i + 1 < argc) {
            uint32_t seed = static_cast<uint32_t>(std::strtoul(argv[++i], nullptr, 0));
            fetch_wait = {true, seed * 2 + 1}, data_wait = {true, seed * 2 + 12345};
        } else program = argv[i];
    }
    FILE *file = program ? std::fopen(program, "rb") : nullptr;
    if (!file) return std::fprintf(stderr, "harness: cannot open the program\n"), 2;
    Machine machine;
    if (!std::fread(machine.memory.data(), 1, MEMORY_SIZE, file)) return std::fprintf(stderr, "harness: empty program\n"), 2;
    std::fclose(file);

    Vbench core;
    core.rst = 1;
    for (int i = 0; i < 4; i++) core.clk = 1, core.eval(), core.clk = 0, core.eval();
    core.rst = 0;
    core.eval();
    uint64_t cycle = 0, retired = 0;
    for (; cycle < max_cycles && !machine.finished; cycle++) {
        core.ibus__ack = core.ibus__err = core.dbus__ack = core.dbus__err = 0;
        if (core.ibus__cyc && core.ibus__stb && fetch_wait.ready()) {
            uint64_t result;
            bool good = machine.access(static_cast<uint32_t>(core.ibus__adr) << 3, false, 0, 0xff, result);
            core.ibus__dat_r = result, core.ibus__ack = good, core.ibus__err = !good;
        }
        if (core.dbus__cyc && core.dbus__stb && data_wait.ready()) {
            uint64_t result;
            bool good = machine.access(static_cast<uint32_t>(core.dbus__adr) << 3, core.dbus__we, core.dbus__dat_w,
                                       core.dbus__sel, result);
            core.dbus__dat_r = result, core.dbus__ack = good, core.dbus__err = !good;
        }
        machine.mtime = cycle / 4;
        core.time_ = machine.mtime;
        core.mtip = machine.mtime >= machine.mtimecmp;
        core.msip = machine.msip;
        core.meip = machine.lines & 1;
        core.seip = machine.lines >> 1 & 1;
        if (core.trace__valid) {
            retired += !core.trace__trap;
            if (trace) print_trace(core);
        }
        core.clk = 1, core.eval();
        core.clk = 0, core.eval();
    }
    std::fflush(stdout);
    std::fprintf(stderr, "cycles %lu instructions %lu\n", static_cast<unsigned long>(cycle), static_cast<unsigned long>(retired));
    if (!machine.finished) return std::fprintf(stderr, "harness: no exit after %lu cycles\n", static_cast<unsigned long>(cycle)), 2;
    if (machine.exit_value == 0x5555) return 0;
    std::fprintf(stderr, "harness: exit value %lx (test %lu)\n", static_cast<unsigned long>(machine.exit_value),
                 static_cast<unsigned long>(machine.exit_value >> 16));
    return 1;
}
