// Runs programs on the reference model alone. Options, console and exit codes are those of the simulation of the RTL;
// a cycle is an instruction here.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>

#include "../host/commit_log.hpp"
#include "../host/console.hpp"
#include "../host/ending.hpp"
#include "../host/memory.hpp"
#include "../host/options.hpp"
#include "numbers.hpp"
#include "system.hpp"

namespace veridian::reference {

namespace {

volatile std::sig_atomic_t interrupted = 0;

// Instructions between looks at stdin and at signals.
constexpr uint64_t batch = 0x4000;

class Simulator {
public:
    Simulator(const Options &options, const Configuration &configuration)
        : options_(options), configuration_(configuration), memory_(place::memory_base, configuration.memory_bytes, 1) {
        if (!options.trace_path.empty()) log_ = std::make_unique<CommitLog>(options.trace_path);
        if (options.tohost) memory_.watch(*options.tohost);
        start();
    }

    Ending run() {
        while (true) {
            const uint64_t limit = options_.cycles != 0 ? options_.cycles : options_.max_cycles;
            const uint64_t count = limit == 0 ? batch : std::min(batch, limit - std::min(limit, cycles_));
            for (uint64_t n = 0; n < count; n++) {
                step();
                if (system_->finisher_code) return {"finisher", exit_code(*system_->finisher_code)};
                if (memory_.tohost_value && (*memory_.tohost_value & 1)) {
                    return {"tohost", exit_code(*memory_.tohost_value >> 1)};
                }
                if (system_->restart) start();
                if (system_->hart.waiting()) wait();
            }
            serve_console();
            if (interrupted != 0) return {"interrupted", exit_interrupted};
            if (limit != 0 && cycles_ >= limit) {
                return options_.cycles != 0 ? Ending{"cycles", 0} : Ending{"max-cycles", exit_max_cycles};
            }
        }
    }

    uint64_t cycles() const { return cycles_; }
    const Memory &memory() const { return memory_; }
    void flush() { console_.flush(); }

private:
    void start() {
        console_.flush();
        memory_.clear();
        for (const LoadImage &image : options_.loads) memory_.load(image.address, image.path);
        system_ = std::make_unique<System>(configuration_, memory_, [this](uint8_t byte) { console_.put(byte); });
    }

    void step() {
        Hart &hart = system_->hart;
        if (const int cause = hart.deliverable(hart.certain()); cause >= 0) {
            hart.take_interrupt(static_cast<unsigned>(cause));
        } else {
            hart.step();
        }
        system_->time.cycles++;
        cycles_++;
        if (log_) log_->write(hart.commit);
    }

    // wfi: time goes on to the next timer event. Without one, only input can wake the hart.
    void wait() {
        Time &time = system_->time;
        const uint64_t next = std::min(system_->clint.timer.compare(), system_->hart.stimecmp());
        if (next == ~uint64_t{0}) {
            console_.flush();
            serve_console();
            if (system_->hart.waiting()) usleep(100);
            cycles_ += options_.max_cycles != 0 ? batch : 0;
        } else if (next > time.value()) {
            time.cycles += (next - time.value()) * time.divider;
        }
    }

    void serve_console() {
        console_.flush();
        while (system_->uart.has_room()) {
            const int byte = console_.poll_input();
            if (byte < 0) break;
            system_->receive(static_cast<uint8_t>(byte));
        }
    }

    const Options &options_;
    const Configuration configuration_;
    Memory memory_;
    Console console_;
    std::unique_ptr<CommitLog> log_;
    std::unique_ptr<System> system_;
    uint64_t cycles_ = 0;
};

}  // namespace

}  // namespace veridian::reference

int main(int argc, char **argv) {
    using namespace veridian;
    const Options options = parse_options(argc, argv);
    if (!options.wave_path.empty()) fail(exit_bad_input, "the reference model has no waveforms");
    if (options.oracle) fail(exit_bad_input, "the reference model is the oracle: --oracle is for the RTL");
    if (options.jtag) fail(exit_bad_input, "the reference model has no JTAG pins: --jtag is for the RTL");
    std::signal(SIGINT, [](int) { reference::interrupted = 1; });
    std::signal(SIGTERM, [](int) { reference::interrupted = 1; });

    reference::Configuration configuration;
    configuration.contexts = options.contexts;
    configuration.pmp_entries = options.pmp_entries;
    configuration.memory_bytes = options.memory_bytes != 0 ? options.memory_bytes : reference::place::memory_size;
    configuration.boot_rom = options.boot_rom;
    reference::Simulator simulator(options, configuration);
    const auto start = std::chrono::steady_clock::now();
    const Ending ending = simulator.run();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    simulator.flush();
    return conclude(options, ending, simulator.memory(), {simulator.cycles(), seconds, "instructions"});
}
