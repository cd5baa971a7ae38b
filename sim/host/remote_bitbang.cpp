#include "remote_bitbang.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "options.hpp"

namespace veridian {

namespace {

// Cycles from a change of the pins to its effect on TDO: input register, two of the synchronizer, TDO's own. Only who
// reads TDO waits for them.
constexpr uint32_t settle_cycles = 4;
// Looking at the socket is a system call: do it seldom, less so while nobody is connected.
constexpr uint32_t idle_cycles = 64, lonely_cycles = 0x4000;
constexpr int first_wait_milliseconds = 100;

}  // namespace

RemoteBitbang::RemoteBitbang(uint16_t port) {
    const auto refuse = [port](const char *why) {
        fail(exit_bad_input, "cannot listen on port " + std::to_string(port) + ": " + why);
    };
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener_ < 0) refuse(std::strerror(errno));
    const int yes = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr *>(&address), length) != 0 || listen(listener_, 1) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr *>(&address), &length) != 0) {
        refuse(std::strerror(errno));
    }
    std::fprintf(stderr, "veridian: waiting for a debugger at port %d\n", ntohs(address.sin_port));
    std::fflush(stderr);
}

RemoteBitbang::~RemoteBitbang() {
    hang_up();
    close(listener_);
}

bool RemoteBitbang::met() {
    if (!met_) accept_debugger(first_wait_milliseconds);
    return met_;
}

void RemoteBitbang::accept_debugger(int wait_milliseconds) {
    pollfd descriptor = {.fd = listener_, .events = POLLIN, .revents = 0};
    if (poll(&descriptor, 1, wait_milliseconds) <= 0) return;
    connection_ = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection_ < 0) return;
    const int yes = 1;
    setsockopt(connection_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    met_ = true;
}

void RemoteBitbang::hang_up() {
    if (connection_ >= 0) close(connection_);
    connection_ = -1;
    commands_.clear();
    answers_.clear();
    next_ = 0;
}

void RemoteBitbang::receive() {
    char buffer[4096];
    const ssize_t count = recv(connection_, buffer, sizeof buffer, 0);
    if (count > 0) {
        commands_.assign(buffer, static_cast<std::size_t>(count));
        next_ = 0;
    } else if (count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
        hang_up();
    }
}

void RemoteBitbang::answer() {
    std::size_t sent = 0;
    while (connection_ >= 0 && sent < answers_.size()) {
        const ssize_t count = send(connection_, answers_.data() + sent, answers_.size() - sent, MSG_NOSIGNAL);
        if (count > 0) {
            sent += static_cast<std::size_t>(count);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
            pollfd descriptor = {.fd = connection_, .events = POLLOUT, .revents = 0};
            poll(&descriptor, 1, first_wait_milliseconds);
        } else {
            return hang_up();
        }
    }
    answers_.clear();
}

const JtagPins &RemoteBitbang::step(bool tdo) {
    if (settling_ != 0) settling_--;
    if (next_ == commands_.size()) {
        if (!answers_.empty()) answer();
        if (pause_ != 0) {
            pause_--;
            return pins_;
        }
        if (connection_ < 0) {
            accept_debugger(0);
        } else {
            receive();
        }
        pause_ = connection_ < 0 ? lonely_cycles : next_ == commands_.size() ? idle_cycles : 0;
    }
    while (next_ != commands_.size()) {
        const char command = commands_[next_++];
        if (command >= '0' && command <= '7') {
            const int levels = command - '0';
            pins_ = {.tck = (levels & 4) != 0, .tms = (levels & 2) != 0, .tdi = (levels & 1) != 0};
            settling_ = settle_cycles;
            break;
        }
        if (command == 'R' && settling_ != 0) {
            next_--;
            break;
        }
        if (command == 'R') {
            answers_ += tdo ? '1' : '0';
        } else if (command == 'Q') {
            hang_up();
        }
        // The LED and the reset lines (there are none) need nothing.
    }
    return pins_;
}

}  // namespace veridian
