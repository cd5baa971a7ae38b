// When each instruction retired or trapped: what a profile is made of.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

namespace veridian {

class RetireLog {
public:
    explicit RetireLog(const std::string &path);
    ~RetireLog();
    RetireLog(const RetireLog &) = delete;
    RetireLog &operator=(const RetireLog &) = delete;

    // Two 64-bit words in the host's byte order: the cycle, and the address of what ended in it.
    void write(uint64_t cycle, uint64_t pc);

private:
    std::FILE *file_;
};

}  // namespace veridian
