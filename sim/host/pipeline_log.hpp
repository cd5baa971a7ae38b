// Instructions in the stages of the pipeline, in the format of the viewer Konata (Kanata 0004).
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

class Vveridian;

namespace veridian {

class PipelineLog {
public:
    explicit PipelineLog(const std::string &path);
    ~PipelineLog();
    PipelineLog(const PipelineLog &) = delete;
    PipelineLog &operator=(const PipelineLog &) = delete;

    // What moves at the end of cycle `cycle`. The pipeline is in order with one place in each stage, so the trace port says
    // only that something moves, and the instructions are kept here.
    void write(const Vveridian &top, uint64_t cycle);

private:
    static constexpr int64_t nobody = -1;

    void at(uint64_t cycle);
    void enter(int64_t instruction, const char *stage, uint64_t cycle);
    void leave(int64_t &instruction, bool flushed, uint64_t cycle);

    std::FILE *file_;
    uint64_t now_ = 0;
    int64_t next_ = 0;
    int64_t retired_ = 0;
    int64_t decode_ = nobody, execute_ = nobody, memory_ = nobody, writeback_ = nobody;
};

}  // namespace veridian
