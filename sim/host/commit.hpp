// What one retired instruction or one trap did: the record that RTL and reference model have in common.
#pragma once

#include <cstdint>

namespace veridian {

struct Commit {
    uint64_t pc = 0;
    uint32_t insn = 0;  // compressed ones as their 16 bits
    uint8_t privilege = 0;
    uint8_t rd = 0;
    bool rd_written = false;
    bool loads = false, stores = false;  // both for an AMO
    uint8_t mem_size = 0;                // logarithm of the bytes
    bool csr_written = false;            // by a CSR instruction
    bool trap = false;                   // then nothing of the above was done
    bool interrupt = false;
    uint8_t cause = 0;
    uint16_t csr = 0;
    uint64_t rd_value = 0;
    uint64_t mem_address = 0;  // virtual
    uint64_t mem_data = 0;     // what was stored, zero above the size
    uint64_t csr_value = 0;    // what the CSR reads as afterwards
    uint64_t tval = 0;
};

}  // namespace veridian
