// The UART's two byte streams at the terminal: output to stdout, input from stdin.
#pragma once

#include <cstdint>

namespace veridian {

class Console {
public:
    void put(uint8_t byte);
    void flush();
    // Looks for input (one system call); -1 when there is none now.
    int poll_input();

private:
    bool ended_ = false;
    uint32_t pending_ = 0;
};

}  // namespace veridian
