#include "pipeline_log.hpp"

#include <utility>

#include "Vveridian.h"
#include "options.hpp"

namespace veridian {

PipelineLog::PipelineLog(const std::string &path) : file_(std::fopen(path.c_str(), "w")) {
    if (file_ == nullptr) fail(exit_bad_input, "cannot write '" + path + "'");
    std::setvbuf(file_, nullptr, _IOFBF, 1 << 20);
    std::fputs("Kanata\t0004\n", file_);
}

PipelineLog::~PipelineLog() { std::fclose(file_); }

void PipelineLog::at(uint64_t cycle) {
    if (now_ == 0) {
        std::fprintf(file_, "C=\t%llu\n", static_cast<unsigned long long>(cycle));
    } else if (cycle != now_) {
        std::fprintf(file_, "C\t%llu\n", static_cast<unsigned long long>(cycle - now_));
    }
    now_ = cycle;
}

void PipelineLog::enter(int64_t instruction, const char *stage, uint64_t cycle) {
    if (instruction == nobody) return;
    at(cycle);
    std::fprintf(file_, "S\t%lld\t0\t%s\n", static_cast<long long>(instruction), stage);
}

void PipelineLog::leave(int64_t &instruction, bool flushed, uint64_t cycle) {
    if (instruction == nobody) return;
    at(cycle);
    std::fprintf(file_, "R\t%lld\t%lld\t%d\n", static_cast<long long>(instruction),
                 static_cast<long long>(flushed ? 0 : retired_++), flushed ? 1 : 0);
    instruction = nobody;
}

void PipelineLog::write([[maybe_unused]] const Vveridian &top, [[maybe_unused]] uint64_t cycle) {
#ifdef VERIDIAN_TRACE
    const uint64_t after = cycle + 1;
    if (top.trace_valid) leave(writeback_, top.trace_trap, after);
    if (top.trace_drops_memory) leave(memory_, true, after);
    if (top.trace_enters_writeback) {
        writeback_ = std::exchange(memory_, nobody);
        enter(writeback_, "W", after);
    }
    if (top.trace_enters_memory) {
        memory_ = std::exchange(execute_, nobody);
        enter(memory_, "M", after);
    }
    if (top.trace_drops) {
        leave(execute_, true, after);
        leave(decode_, true, after);
    }
    if (top.trace_enters_execute) {
        execute_ = std::exchange(decode_, nobody);
        enter(execute_, "X", after);
    }
    if (top.trace_enters_decode) {
        decode_ = next_++;
        at(after);
        const long long id = decode_;
        const bool compressed = (top.trace_decode_insn & 3) != 3;
        std::fprintf(file_, "I\t%lld\t%lld\t0\nL\t%lld\t0\t%016llx %0*x\n", id, id, id,
                     static_cast<unsigned long long>(top.trace_decode_pc), compressed ? 4 : 8, top.trace_decode_insn);
        enter(decode_, "D", after);
    }
#endif
}

}  // namespace veridian
