// Boot runs and bare-metal programs on the Verilated SoC. `--help` lists the options.

#include <chrono>
#include <csignal>
#include <cstdio>

#include "ending.hpp"
#include "machine.hpp"

namespace {

using veridian::Ending;

volatile std::sig_atomic_t interrupted = 0;

void on_interrupt(int) { interrupted = 1; }

Ending run(veridian::Machine &machine, const veridian::Options &options) {
    while (true) {
        switch (machine.cycle()) {
        case veridian::Outcome::finisher: return {"finisher", veridian::exit_code(machine.guest_code())};
        case veridian::Outcome::tohost: return {"tohost", veridian::exit_code(machine.guest_code())};
        case veridian::Outcome::until: return {"until", 0};
        case veridian::Outcome::mismatch:
            if (!options.quiet) machine.print_mismatch();
            return {"mismatch", veridian::exit_mismatch};
        case veridian::Outcome::memory_rule:
            machine.print_memory_rule();
            return {"memory-rule", veridian::exit_memory_rule};
        case veridian::Outcome::running: break;
        }
        if (interrupted != 0) return {"interrupted", veridian::exit_interrupted};
        if (options.cycles != 0 && machine.cycles() >= options.cycles) return {"cycles", 0};
        if (options.max_cycles != 0 && machine.cycles() >= options.max_cycles) {
            return {"max-cycles", veridian::exit_max_cycles};
        }
    }
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
    return veridian::conclude(options, ending, machine.memory(), {machine.cycles(), seconds, "cycles"},
                              machine.report());
}
