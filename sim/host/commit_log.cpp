#include "commit_log.hpp"

#include "numbers.hpp"
#include "options.hpp"

namespace veridian {

namespace {

unsigned long long wide(uint64_t value) { return value; }

// Large enough for any line.
struct Line {
    char text[256];
    int length = 0;

    template <typename... Arguments>
    void add(const char *format, Arguments... arguments) {
        length += std::snprintf(text + length, sizeof text - length, format, arguments...);
    }
};

Line format(const Commit &commit) {
    Line line;
    const bool compressed = (commit.insn & 3) != 3;
    line.add("core   0: %d 0x%016llx (0x%0*x)", commit.privilege, wide(commit.pc), compressed ? 4 : 8,
             compressed ? commit.insn & 0xffff : commit.insn);
    if (commit.trap) {
        line.add(" %s %d tval 0x%016llx", commit.interrupt ? "interrupt" : "exception", commit.cause,
                 wide(commit.tval));
        return line;
    }
    if (commit.rd_written) line.add(" x%-2d 0x%016llx", commit.rd, wide(commit.rd_value));
    if (commit.csr_written) line.add(" c%d_%s 0x%016llx", commit.csr, reference::csr_name(commit.csr), wide(commit.csr_value));
    if (commit.loads) line.add(" mem 0x%016llx", wide(commit.mem_address));
    if (commit.stores) {
        line.add(" mem 0x%016llx 0x%0*llx", wide(commit.mem_address), 2 << commit.mem_size, wide(commit.mem_data));
    }
    return line;
}

}  // namespace

std::string describe(const Commit &commit) {
    const Line line = format(commit);
    return {line.text, static_cast<size_t>(line.length)};
}

CommitLog::CommitLog(const std::string &path) : file_(std::fopen(path.c_str(), "w")) {
    if (file_ == nullptr) fail(exit_bad_input, "cannot write '" + path + "'");
    std::setvbuf(file_, nullptr, _IOFBF, 1 << 20);
}

CommitLog::~CommitLog() { std::fclose(file_); }

void CommitLog::write(const Commit &commit) {
    if (commit.trap) return;
    Line line = format(commit);
    line.text[line.length++] = '\n';
    std::fwrite(line.text, 1, line.length, file_);
}

}  // namespace veridian
