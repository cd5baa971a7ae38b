// Boot runs and bare-metal programs on the Verilated SoC. `--help` lists the options.

#include <csignal>
#include <chrono>
#include <cstdio>

#include "machine.hpp"

namespace {

volatile std::sig_atomic_t interrupted = 0;

void on_interrupt(int) { interrupted = 1; }

struct Ending {
    const char *reason;
    int code;
};

// Exit codes are 8 bits wide: a failure must not wrap around to success.
int exit_code(uint64_t guest_code) { return guest_code <= 255 ? static_cast<int>(guest_code) : 255; }

Ending run(veridian::Machine &machine, const veridian::Options &options) {
    while (true) {
        switch (machine.cycle()) {
        case veridian::Outcome::finisher: return {"finisher", exit_code(machine.guest_code())};
        case veridian::Outcome::tohost: return {"tohost", exit_code(machine.guest_code())};
        case veridian::Outcome::running: break;
        }
        if (interrupted != 0) return {"interrupted", veridian::exit_interrupted};
        if (options.cycles != 0 && machine.cycles() >= options.cycles) return {"cycles", 0};
        if (options.max_cycles != 0 && machine.cycles() >= options.max_cycles) {
            return {"max-cycles", veridian::exit_max_cycles};
        }
    }
}

void report(const std::string &path, const Ending &ending, const veridian::Machine &machine, double seconds) {
    std::FILE *file = std::fopen(path.c_str(), "w");
    if (file == nullptr) veridian::fail(veridian::exit_bad_input, "cannot write '" + path + "'");
    std::fprintf(file, "{\"reason\": \"%s\", \"code\": %d, \"cycles\": %llu, \"seconds\": %.3f}\n", ending.reason,
                 ending.code, static_cast<unsigned long long>(machine.cycles()), seconds);
    std::fclose(file);
}

}  // namespace

int main(int argc, char **argv) {
    const veridian::Options options = veridian::parse_options(argc, argv);
    std::signal(SIGINT, on_interrupt);
    std::signal(SIGTERM, on_interrupt);

    veridian::Machine machine(options);
    const auto start = std::chrono::steady_clock::now();
    const Ending ending = run(machine, options);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    machine.console().flush();

    if (options.signature_begin && ending.code != veridian::exit_interrupted) {
        machine.memory().write_signature(*options.signature_begin, options.signature_end, options.signature_path);
    }
    if (!options.report_path.empty()) report(options.report_path, ending, machine, seconds);
    if (ending.code == veridian::exit_max_cycles && ending.reason[0] == 'm') {
        std::fprintf(stderr, "veridian: gave up after %llu cycles\n",
                     static_cast<unsigned long long>(options.max_cycles));
    } else if (ending.code == veridian::exit_interrupted) {
        std::fprintf(stderr, "veridian: interrupted\n");
    }
    if (!options.quiet) {
        std::fprintf(stderr, "veridian: %llu cycles in %.1f s, %.2f MHz\n",
                     static_cast<unsigned long long>(machine.cycles()), seconds,
                     static_cast<double>(machine.cycles()) / 1e6 / (seconds > 0 ? seconds : 1));
    }
    return ending.code;
}
