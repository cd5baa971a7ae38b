// The UART's two byte streams at the terminal: output to stdout, input from stdin; or both at a pseudo-terminal, with the
// output on stdout too.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "pseudo_terminal.hpp"

namespace veridian {

class Console {
public:
    // From now on. Ends the process with one line if there is no pseudo-terminal to have.
    void open_pseudo_terminal() { terminal_ = std::make_unique<PseudoTerminal>(); }
    // Remember whether this text has been put. It must not be empty.
    void look_for(const std::string &text) { wanted_ = text; }
    bool found() const { return found_; }

    void put(uint8_t byte);
    void flush();
    // Looks for input (one system call); -1 when there is none now.
    int poll_input();

private:
    void look(uint8_t byte);

    std::unique_ptr<PseudoTerminal> terminal_;
    std::string wanted_, seen_;
    bool found_ = false;
    bool ended_ = false;
    uint32_t pending_ = 0;
};

}  // namespace veridian
