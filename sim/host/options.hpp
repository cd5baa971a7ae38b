// Command line of the simulation. One idea: turn argv into a plain record, or into one clear line and exit code 2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace veridian {

// Exit codes of the program itself; any other code is the guest's.
constexpr int exit_bad_input = 2;
constexpr int exit_max_cycles = 3;
constexpr int exit_mismatch = 4;
constexpr int exit_memory_rule = 5;
constexpr int exit_interrupted = 130;

struct LoadImage {
    uint64_t address;
    std::string path;
};

struct Options {
    std::vector<LoadImage> loads;
    std::vector<LoadImage> flash_loads;
    bool flash_single = false;              // the flash has quad commands disabled
    std::optional<uint64_t> straps;         // levels of the boot straps
    std::optional<uint64_t> memory_stuck;   // word of main memory with a bit that stays zero
    bool uart_pty = false;                  // the UART at a pseudo-terminal, too
    uint64_t uart_cycles = 1;               // that a character takes
    std::string until;                      // end when the console has shown this
    uint64_t max_cycles = 0;  // 0: no limit
    uint64_t cycles = 0;      // end well after as many; 0: no such end
    uint64_t latency = 2;     // cycles from a request to the first word from main memory
    uint64_t beat = 1;        // cycles for each further word of a burst
    std::string memory_speed; // the option that asked for another speed of the ideal memory; empty: none
    std::string stricter;     // rule of the SDRAM chip that asks for more than its datasheet; empty: none
    uint64_t stricter_cycles = 0;
    std::optional<uint64_t> tohost;
    std::optional<uint64_t> signature_begin;
    uint64_t signature_end = 0;
    std::string signature_path;
    std::string trace_path;
    std::string retired_path;
    std::string pipeline_path;
    uint64_t pipeline_start = 0;
    uint64_t pipeline_end = UINT64_MAX;
    std::string wave_path;
    uint64_t wave_start = 0;
    uint64_t wave_end = UINT64_MAX;
    std::optional<uint64_t> jtag;  // TCP port
    std::string report_path;
    bool quiet = false;
    bool oracle = false;            // check every instruction by the reference model
    uint64_t uart_noise = 0;        // seed of characters that come in at random moments; 0: none
    uint64_t latency_noise = 0;     // seed of waits of main memory at random; 0: none
    std::string plant;              // fault to plant in what the oracle sees
    unsigned contexts = 1;          // of the reference model when it runs alone
    unsigned pmp_entries = 0;
    std::vector<uint8_t> boot_rom;  // what the reference model takes it to hold; empty: that of the default configuration
    uint64_t memory_bytes = 0;      // of the reference model; 0: as much as the memory map has room for
};

// Reads argv. Prints one line and ends the process with exit_bad_input when it cannot.
Options parse_options(int argc, char **argv);

// Prints "veridian: MESSAGE" and ends the process with `code`.
[[noreturn]] void fail(int code, const std::string &message);

}  // namespace veridian
