// Commit log in the format of `spike --log-commits`, one line for each retired instruction.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

class Vveridian;

namespace veridian {

class CommitLog {
public:
    explicit CommitLog(const std::string &path);
    ~CommitLog();
    CommitLog(const CommitLog &) = delete;
    CommitLog &operator=(const CommitLog &) = delete;

    // The instruction that retires in this cycle; traps retire nothing and leave no line, as in Spike.
    void write(const Vveridian &top);

    uint64_t instructions() const { return instructions_; }

private:
    std::FILE *file_;
    uint64_t instructions_ = 0;
};

}  // namespace veridian
