#include "commit_log.hpp"

#include "Vveridian.h"
#include "csr_names.hpp"
#include "options.hpp"

namespace veridian {

namespace {

constexpr uint32_t opcode_mask = 0x7f;
constexpr uint32_t opcode_atomic = 0x2f;
// funct5 of the A extension's load-reserved and store-conditional (unprivileged specification, chapter 13).
constexpr uint32_t funct5_load_reserved = 0x02;
constexpr uint32_t funct5_store_conditional = 0x03;

[[maybe_unused]] unsigned long long wide(uint64_t value) { return value; }

}  // namespace

CommitLog::CommitLog(const std::string &path) : file_(std::fopen(path.c_str(), "w")) {
    if (file_ == nullptr) fail(exit_bad_input, "cannot write '" + path + "'");
    std::setvbuf(file_, nullptr, _IOFBF, 1 << 20);
}

CommitLog::~CommitLog() { std::fclose(file_); }

void CommitLog::write([[maybe_unused]] const Vveridian &top) {
#ifdef VERIDIAN_TRACE
    if (top.trace_trap) return;
    instructions_++;
    const uint32_t insn = top.trace_insn;
    const bool compressed = (insn & 3) != 3;
    std::fprintf(file_, "core   0: %d 0x%016llx (0x%0*x)", static_cast<int>(top.trace_privilege),
                 wide(top.trace_pc), compressed ? 4 : 8, compressed ? insn & 0xffff : insn);
    if (top.trace_rd_we && top.trace_rd != 0) {
        std::fprintf(file_, " x%-2d 0x%016llx", static_cast<int>(top.trace_rd), wide(top.trace_rd_data));
    }
    if (top.trace_csr_we) {
        std::fprintf(file_, " c%d_%s 0x%016llx", static_cast<int>(top.trace_csr), csr_name(top.trace_csr),
                     wide(top.trace_csr_data));
    }
    if (top.trace_mem_valid) {
        const bool atomic = !compressed && (insn & opcode_mask) == opcode_atomic;
        const uint32_t funct5 = insn >> 27;
        const bool loads = !top.trace_mem_we || (atomic && funct5 != funct5_store_conditional);
        const bool stores = top.trace_mem_we && !(atomic && funct5 == funct5_load_reserved);
        if (loads) std::fprintf(file_, " mem 0x%016llx", wide(top.trace_mem_addr));
        if (stores) {
            const int bytes = 1 << top.trace_mem_size;
            const uint64_t mask = bytes == 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * bytes)) - 1;
            std::fprintf(file_, " mem 0x%016llx 0x%0*llx", wide(top.trace_mem_addr), 2 * bytes,
                         wide(top.trace_mem_data & mask));
        }
    }
    std::fputc('\n', file_);
#endif
}

}  // namespace veridian
