// The Verilated SoC with its clock, its memory and its console: one call a cycle.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "Vveridian.h"
#include "commit_log.hpp"
#include "../reference/oracle.hpp"
#include "console.hpp"
#include "flash.hpp"
#include "memory.hpp"
#include "noise.hpp"
#include "plant.hpp"
#include "options.hpp"
#include "pipeline_log.hpp"
#include "remote_bitbang.hpp"
#include "retire_log.hpp"
#include "sdram_chip.hpp"
#include "verilated.h"
#ifdef VERIDIAN_WAVE_VCD
#include "verilated_vcd_c.h"
using WaveFile = VerilatedVcdC;
#endif
#ifdef VERIDIAN_WAVE_FST
#include "verilated_fst_c.h"
using WaveFile = VerilatedFstC;
#endif

namespace veridian {

enum class Outcome { running, finisher, tohost, mismatch, memory_rule, until };

class Machine {
public:
    explicit Machine(const Options &options);
    ~Machine();

    // One clock cycle, or none while the first debugger is waited for. `Outcome::running` until the guest ends the
    // machine.
    Outcome cycle();

    uint64_t cycles() const { return cycles_; }
    uint64_t guest_code() const { return guest_code_; }
    // Main memory as the programs see it.
    const Memory &memory() const { return seen_; }
    Console &console() { return console_; }
    // Members of the report, each begun by a comma: commands of an SDRAM chip, and what an oracle saw.
    std::string report() const;
    // What the oracle found wrong, for people.
    void print_mismatch() const;
    // Which rule of the SDRAM chip the controller broke, and when.
    void print_memory_rule() const;

private:
    void load_images();
    void reset();
    void tick();
    void serve_memory();
    void serve_console();
    void serve_jtag();
    void serve_flash();
    bool check_trace();
    std::string oracle_report() const;
    Outcome end(Outcome outcome);

    const Options &options_;
    VerilatedContext context_;
    std::unique_ptr<Vveridian> top_;
    Memory memory_;
#ifdef VERIDIAN_SDRAM
    SdramChip chip_;
#endif
#ifdef VERIDIAN_WRITE_BACK
    // Stores may stay in a cache of the SoC, or come in parts: this copy has them all, for --tohost and --signature.
    Memory view_;
    Memory &seen_ = view_;
#else
    Memory &seen_ = memory_;
#endif
    Console console_;
    // Cycles for which the line is still busy with a character to and from the SoC.
    uint64_t sending_ = 0, receiving_ = 0;
#ifdef VERIDIAN_FLASH
    Flash flash_;
#endif
    std::unique_ptr<CommitLog> log_;
    std::unique_ptr<RemoteBitbang> jtag_;
    std::unique_ptr<Memory> oracle_memory_;
    std::unique_ptr<reference::Oracle> oracle_;
    Plant plant_;
    Noise uart_noise_;
    std::unique_ptr<RetireLog> retired_;
    std::unique_ptr<PipelineLog> pipeline_;
    uint64_t cycles_ = 0;
    uint64_t reset_end_ = 0;
    uint64_t guest_code_ = 0;
#if defined(VERIDIAN_WAVE_VCD) || defined(VERIDIAN_WAVE_FST)
    std::unique_ptr<WaveFile> wave_;
#endif
};

}  // namespace veridian
