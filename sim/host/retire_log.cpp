#include "retire_log.hpp"

#include "options.hpp"

namespace veridian {

RetireLog::RetireLog(const std::string &path) : file_(std::fopen(path.c_str(), "wb")) {
    if (file_ == nullptr) fail(exit_bad_input, "cannot write '" + path + "'");
    std::setvbuf(file_, nullptr, _IOFBF, 1 << 16);
}

RetireLog::~RetireLog() { std::fclose(file_); }

void RetireLog::write(uint64_t cycle, uint64_t pc) {
    const uint64_t record[] = {cycle, pc};
    std::fwrite(record, sizeof record, 1, file_);
}

}  // namespace veridian
