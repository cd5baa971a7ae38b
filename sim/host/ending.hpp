// How a run ended, and what is written then: signature, report, and the lines on stderr.
#pragma once

#include <cstdint>
#include <string>

#include "memory.hpp"
#include "options.hpp"

namespace veridian {

struct Ending {
    const char *reason;
    int code;
};

struct Length {
    uint64_t cycles;
    double seconds;
    const char *unit;  // what a cycle is, for people
};

// Exit codes are 8 bits wide: a failure must not wrap around to success.
inline int exit_code(uint64_t guest_code) { return guest_code <= 255 ? static_cast<int>(guest_code) : 255; }

// Returns the exit code. `details` goes into the report: JSON members, each begun by a comma.
int conclude(const Options &options, const Ending &ending, const Memory &memory, const Length &length,
             const std::string &details = "");

}  // namespace veridian
