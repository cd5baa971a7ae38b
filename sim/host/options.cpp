#include "options.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace veridian {

namespace {

constexpr char help_text[] =
    "usage: veridian [options]\n"
    "  --load ADDRESS FILE            copy FILE to main memory before reset ends (repeatable)\n"
    "  --flash ADDRESS FILE           copy FILE to the flash (repeatable)\n"
    "  --flash-single                 the flash has quad commands disabled\n"
    "  --straps N                     boot straps: 1 upload, 2 memory is loaded, 4 quick test (default 2); without 2\n"
    "                                 memory holds noise first\n"
    "  --memory-stuck ADDRESS         the lowest bit of that word of main memory reads as zero\n"
    "  --uart-pty                     the UART at a pseudo-terminal as well; its name comes on stderr\n"
    "  --uart-cycles N                cycles that a character takes on the UART's line (default 1)\n"
    "  --until TEXT                   end with exit code 0 when the console has shown TEXT\n"
    "  --max-cycles N                 give up after N cycles with exit code 3\n"
    "  --cycles N                     end after N cycles with exit code 0\n"
    "  --memory-latency N             cycles to the first word of an ideal main memory (default 2)\n"
    "  --memory-beat N                cycles for each further word of a burst of it (default 1)\n"
    "  --stricter RULE CYCLES         the SDRAM chip asks for as many more than its datasheet (t_rcd, t_refi, ...)\n"
    "  --tohost ADDRESS               an odd value stored there ends the run with code value >> 1\n"
    "  --signature BEGIN END FILE     write that range as 32-bit words in hexadecimal, one a line\n"
    "  --trace FILE                   commit log in the format of spike --log-commits\n"
    "  --retired FILE                 cycle and address of each instruction that ends, as two 64-bit words\n"
    "  --pipeline FILE                instructions in the stages of the pipeline, for Konata\n"
    "  --pipeline-start N, --pipeline-end N   cycles between which it is written\n"
    "  --wave FILE                    waveform (only in a model built for it)\n"
    "  --wave-start N, --wave-end N   cycles between which the waveform is written\n"
    "  --jtag PORT                    wait for a debugger there (remote_bitbang; 0: any free port), harts halted\n"
    "  --oracle                       check every instruction by the reference model; exit code 4 if one differs\n"
    "  --plant NAME                   change one report on purpose, to see the oracle find it (plant.cpp)\n"
    "  --uart-noise SEED              characters come in at random moments\n"
    "  --latency-noise SEED           an ideal main memory takes up to 15 cycles more, at random\n"
    "  --contexts N, --pmp-entries N, --memory-bytes N  of the machine, when this is the reference model\n"
    "  --boot-rom FILE                contents that the reference model takes it to have\n"
    "  --report FILE                  how the run ended, as JSON\n"
    "  --quiet                        no line about speed at the end\n";

std::vector<uint8_t> contents(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) fail(exit_bad_input, "cannot read '" + path + "'");
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class Arguments {
public:
    Arguments(int argc, char **argv) : argc_(argc), argv_(argv) {}

    bool more() const { return index_ < argc_; }

    std::string option() { return argv_[index_++]; }

    std::string text(const std::string &option) {
        if (index_ >= argc_) fail(exit_bad_input, option + " lacks an argument");
        return argv_[index_++];
    }

    uint64_t number(const std::string &option) {
        const std::string value = text(option);
        char *end = nullptr;
        errno = 0;
        const uint64_t result = std::strtoull(value.c_str(), &end, 0);
        if (errno != 0 || end == value.c_str() || *end != '\0' || value[0] == '-') {
            fail(exit_bad_input, option + " wants a non-negative integer, not '" + value + "'");
        }
        return result;
    }

private:
    int argc_;
    char **argv_;
    int index_ = 1;
};

}  // namespace

void fail(int code, const std::string &message) {
    std::fflush(stdout);
    std::fprintf(stderr, "veridian: %s\n", message.c_str());
    std::exit(code);
}

Options parse_options(int argc, char **argv) {
    Options options;
    Arguments arguments(argc, argv);
    while (arguments.more()) {
        const std::string name = arguments.option();
        if (name == "--help") {
            std::fputs(help_text, stdout);
            std::exit(0);
        } else if (name == "--load") {
            const uint64_t address = arguments.number(name);
            options.loads.push_back({address, arguments.text(name)});
        } else if (name == "--flash") {
            const uint64_t address = arguments.number(name);
            options.flash_loads.push_back({address, arguments.text(name)});
        } else if (name == "--flash-single") {
            options.flash_single = true;
        } else if (name == "--straps") {
            options.straps = arguments.number(name);
        } else if (name == "--memory-stuck") {
            options.memory_stuck = arguments.number(name);
        } else if (name == "--uart-pty") {
            options.uart_pty = true;
        } else if (name == "--uart-cycles") {
            options.uart_cycles = arguments.number(name);
            if (options.uart_cycles == 0) fail(exit_bad_input, "--uart-cycles must be at least 1");
        } else if (name == "--until") {
            options.until = arguments.text(name);
            if (options.until.empty()) fail(exit_bad_input, "--until wants a text");
        } else if (name == "--max-cycles") {
            options.max_cycles = arguments.number(name);
        } else if (name == "--cycles") {
            options.cycles = arguments.number(name);
        } else if (name == "--memory-latency") {
            options.latency = arguments.number(name);
            options.memory_speed = name;
            if (options.latency == 0) fail(exit_bad_input, "--memory-latency must be at least 1");
        } else if (name == "--memory-beat") {
            options.beat = arguments.number(name);
            options.memory_speed = name;
            if (options.beat == 0) fail(exit_bad_input, "--memory-beat must be at least 1");
        } else if (name == "--stricter") {
            options.stricter = arguments.text(name);
            options.stricter_cycles = arguments.number(name);
        } else if (name == "--tohost") {
            options.tohost = arguments.number(name);
        } else if (name == "--signature") {
            options.signature_begin = arguments.number(name);
            options.signature_end = arguments.number(name);
            options.signature_path = arguments.text(name);
        } else if (name == "--trace") {
            options.trace_path = arguments.text(name);
        } else if (name == "--retired") {
            options.retired_path = arguments.text(name);
        } else if (name == "--pipeline") {
            options.pipeline_path = arguments.text(name);
        } else if (name == "--pipeline-start") {
            options.pipeline_start = arguments.number(name);
        } else if (name == "--pipeline-end") {
            options.pipeline_end = arguments.number(name);
        } else if (name == "--wave") {
            options.wave_path = arguments.text(name);
        } else if (name == "--wave-start") {
            options.wave_start = arguments.number(name);
        } else if (name == "--wave-end") {
            options.wave_end = arguments.number(name);
        } else if (name == "--jtag") {
            options.jtag = arguments.number(name);
            if (*options.jtag > UINT16_MAX) fail(exit_bad_input, "--jtag wants a port number, at most 65535");
        } else if (name == "--report") {
            options.report_path = arguments.text(name);
        } else if (name == "--oracle") {
            options.oracle = true;
        } else if (name == "--plant") {
            options.plant = arguments.text(name);
        } else if (name == "--uart-noise") {
            options.uart_noise = arguments.number(name);
        } else if (name == "--latency-noise") {
            options.latency_noise = arguments.number(name);
            options.memory_speed = name;
        } else if (name == "--contexts") {
            options.contexts = static_cast<unsigned>(arguments.number(name));
            if (options.contexts < 1 || options.contexts > 16) fail(exit_bad_input, "--contexts must be 1 to 16");
        } else if (name == "--pmp-entries") {
            options.pmp_entries = static_cast<unsigned>(arguments.number(name));
            if (options.pmp_entries > 64) fail(exit_bad_input, "--pmp-entries must be at most 64");
        } else if (name == "--boot-rom") {
            options.boot_rom = contents(arguments.text(name));
        } else if (name == "--memory-bytes") {
            options.memory_bytes = arguments.number(name);
            if (options.memory_bytes == 0 || options.memory_bytes % 4096 != 0) {
                fail(exit_bad_input, "--memory-bytes must be a multiple of 4096 and not 0");
            }
        } else if (name == "--quiet") {
            options.quiet = true;
        } else {
            fail(exit_bad_input, "unknown option '" + name + "'; --help lists them");
        }
    }
    return options;
}

}  // namespace veridian
