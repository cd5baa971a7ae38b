#include "console.hpp"

#include <poll.h>
#include <unistd.h>

#include <cstdio>

namespace veridian {

void Console::put(uint8_t byte) {
    std::putchar(byte);
    pending_++;
    if (terminal_) terminal_->put(byte);
    if (!wanted_.empty()) look(byte);
    if (byte == '\n') flush();
}

void Console::look(uint8_t byte) {
    seen_ += static_cast<char>(byte);
    if (seen_.size() > wanted_.size()) seen_.erase(0, seen_.size() - wanted_.size());
    found_ = found_ || seen_ == wanted_;
}

void Console::flush() {
    if (terminal_) terminal_->flush();
    if (pending_ != 0) std::fflush(stdout);
    pending_ = 0;
}

int Console::poll_input() {
    if (terminal_) return terminal_->get();
    if (ended_) return -1;
    pollfd descriptor = {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    if (poll(&descriptor, 1, 0) <= 0) return -1;
    uint8_t byte;
    if ((descriptor.revents & (POLLIN | POLLHUP)) != 0 && read(STDIN_FILENO, &byte, 1) == 1) return byte;
    ended_ = true;
    return -1;
}

}  // namespace veridian
