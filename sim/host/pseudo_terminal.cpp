#include "pseudo_terminal.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "options.hpp"

namespace veridian {

namespace {

// More than a reader can be behind, and not for ever.
constexpr std::size_t pending_max = 1 << 20;
// How long the last words of a machine that has ended wait for a reader.
constexpr int linger_ms = 500;

}  // namespace

PseudoTerminal::PseudoTerminal() {
    master_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    const char *name = nullptr;
    if (master_ >= 0 && grantpt(master_) == 0 && unlockpt(master_) == 0) name = ptsname(master_);
    if (name != nullptr) slave_ = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    termios mode = {};
    if (slave_ < 0 || tcgetattr(slave_, &mode) != 0) {
        fail(exit_bad_input, std::string("no pseudo-terminal: ") + std::strerror(errno));
    }
    cfmakeraw(&mode);
    tcsetattr(slave_, TCSANOW, &mode);
    std::fprintf(stderr, "veridian: UART at %s\n", name);
    std::fflush(stderr);
}

PseudoTerminal::~PseudoTerminal() {
    // What nobody has read is lost when the line goes.
    flush();
    int unread = 0;
    for (int ms = 0; ms < linger_ms && ioctl(slave_, FIONREAD, &unread) == 0 && unread > 0; ms++) usleep(1000);
    close(slave_);
    close(master_);
}

void PseudoTerminal::flush() {
    if (pending_.empty()) return;
    const ssize_t count = write(master_, pending_.data(), pending_.size());
    if (count > 0) pending_.erase(0, static_cast<std::size_t>(count));
    if (pending_.size() > pending_max) pending_.clear();
}

int PseudoTerminal::get() {
    if (next_ == received_.size()) {
        char buffer[4096];
        const ssize_t count = read(master_, buffer, sizeof buffer);
        received_.assign(buffer, count > 0 ? static_cast<std::size_t>(count) : 0);
        next_ = 0;
        if (count <= 0) return -1;
    }
    return static_cast<uint8_t>(received_[next_++]);
}

}  // namespace veridian
