// The RTL's trace port (hw/core/trace.py) as a Commit.
#pragma once

#include "Vveridian.h"
#include "commit.hpp"

namespace veridian {

#ifdef VERIDIAN_TRACE
inline Commit traced(const Vveridian &top) {
    constexpr uint32_t opcode_mask = 0x7f, opcode_atomic = 0x2f;
    // funct5 of the A extension's load-reserved and store-conditional (unprivileged specification, chapter 13).
    constexpr uint32_t funct5_load_reserved = 0x02, funct5_store_conditional = 0x03;
    Commit commit;
    commit.pc = top.trace_pc;
    commit.insn = top.trace_insn;
    commit.privilege = top.trace_privilege;
    if (top.trace_trap) {
        commit.trap = true;
        commit.interrupt = top.trace_interrupt;
        commit.cause = top.trace_cause;
        commit.tval = top.trace_tval;
        return commit;
    }
    if (top.trace_rd_we && top.trace_rd != 0) {
        commit.rd_written = true;
        commit.rd = top.trace_rd;
        commit.rd_value = top.trace_rd_data;
    }
    if (top.trace_csr_we) {
        commit.csr_written = true;
        commit.csr = top.trace_csr;
        commit.csr_value = top.trace_csr_data;
    }
    if (top.trace_mem_valid) {
        const bool atomic = (commit.insn & opcode_mask) == opcode_atomic;
        const uint32_t funct5 = commit.insn >> 27;
        commit.loads = !top.trace_mem_we || (atomic && funct5 != funct5_store_conditional);
        commit.stores = top.trace_mem_we && !(atomic && funct5 == funct5_load_reserved);
        commit.mem_size = top.trace_mem_size;
        commit.mem_address = top.trace_mem_addr;
        const uint64_t mask = commit.mem_size == 3 ? ~uint64_t{0} : (uint64_t{1} << (8 << commit.mem_size)) - 1;
        if (commit.stores) commit.mem_data = top.trace_mem_data & mask;
    }
    return commit;
}
#endif

}  // namespace veridian
