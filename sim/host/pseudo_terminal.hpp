// A pseudo-terminal in raw mode: programs open its name as they would a serial port.
#pragma once

#include <cstdint>
#include <string>

namespace veridian {

class PseudoTerminal {
public:
    // Says its name on stderr; ends the process with one line if it cannot be had.
    PseudoTerminal();
    ~PseudoTerminal();
    PseudoTerminal(const PseudoTerminal &) = delete;
    PseudoTerminal &operator=(const PseudoTerminal &) = delete;

    // Kept until `flush`, and beyond when nobody reads.
    void put(uint8_t byte) { pending_ += static_cast<char>(byte); }
    void flush();
    // The next byte, or -1 when there is none now.
    int get();

private:
    int master_ = -1;
    int slave_ = -1;  // held open: without, reading fails while no program has it open
    std::string pending_, received_;
    std::size_t next_ = 0;
};

}  // namespace veridian
