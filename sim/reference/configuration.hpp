// What the model is told about the machine that it stands for.
#pragma once

#include <cstdint>
#include <vector>

namespace veridian::reference {

struct Configuration {
    uint64_t hart_id = 0;
    unsigned contexts = 1;
    unsigned pmp_entries = 0;
    uint64_t memory_bytes = 0;
    std::vector<uint8_t> boot_rom;  // empty: that of the default configuration
    uint64_t time_divider = 1;  // core clocks for one step of mtime
    bool capability_unit = true;
    bool revocation = true, counters = true;  // its revocation engine, its statistics
    bool mailbox = true;
    // Clocks that an interrupt may need from its source to the hart; 0 when the model runs alone.
    uint64_t settle = 0;
};

}  // namespace veridian::reference
