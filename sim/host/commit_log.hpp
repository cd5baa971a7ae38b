// Commit log in the format of `spike --log-commits`, one line for each retired instruction.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include "commit.hpp"

namespace veridian {

// The line of one retired instruction, without its end; what trapped is described in our own words.
std::string describe(const Commit &commit);

class CommitLog {
public:
    explicit CommitLog(const std::string &path);
    ~CommitLog();
    CommitLog(const CommitLog &) = delete;
    CommitLog &operator=(const CommitLog &) = delete;

    // Traps retire nothing and leave no line, as in Spike.
    void write(const Commit &commit);

private:
    std::FILE *file_;
};

}  // namespace veridian
