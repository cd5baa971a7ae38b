// The Verilated capability unit with what is around it: a core at its port, a master at its window, memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "Vunit.h"
#include "kernel.hpp"
#include "random.hpp"
#include "tables.hpp"

namespace veridian::attack {

// What somebody wants of the unit, and what it was meant to be.
struct Request {
    // The unit's command; `user` in its place: cap.check in the selected space, from user mode.
    uint32_t command = 0;
    bool user = false;
    uint64_t operand1 = 0, operand2 = 0;
    // The kernel's own.
    bool own = false;
    // An instruction that user mode must not have, or one that the core takes back.
    bool forbidden = false, killed = false;
    unsigned kind = 0;
    uint64_t stamp = 0;
};

// Whoever asks and judges.
class Client {
public:
    virtual ~Client() = default;
    // The next request of an interface, if there is one.
    virtual std::optional<Request> next(bool window) = 0;
    // `answered` is the register of that name; only the window has it.
    virtual void answer(bool window, const Request &request, uint64_t result, uint64_t answered) = 0;
};

class Unit {
public:
    Unit(Tables &tables, Client &client, uint64_t seed, uint64_t faults);
    // Resets the unit and writes its table registers.
    void start();
    void cycle();
    // Nothing is under way on either interface.
    bool quiet() const { return flying_ == 0 && !offered_ && window_.step == Step::idle; }
    // The oldest stamp of what is under way, or `none`.
    uint64_t oldest(uint64_t none) const;
    uint64_t cycles() const { return cycles_; }

private:
    enum class Step { idle, operand1, operand2, command, poll, result, answered };
    struct Flying {
        Request request;
        uint64_t issued, commit_at;
        bool committed;
    };
    // What memory answers in the next cycle.
    struct Answer {
        bool valid = false, error = false;
        uint64_t data = 0;
    };
    struct Window {
        Step step = Step::idle;
        Request request;
        uint64_t result = 0;
    };

    void drive_port();
    void sample_port();
    void drive_window();
    void sample_window();
    Answer walker_memory();
    Answer revoker_memory();
    void half_cycles();
    void transfer(uint64_t offset, bool write, uint64_t value);

    Tables &tables_;
    Client &client_;
    Random random_;
    std::unique_ptr<Vunit> top_;
    uint64_t cycles_ = 0;
    std::optional<Request> offered_;
    Flying flight_[4];
    unsigned flying_ = 0;
    int committing_ = -1;
    Window window_;
    // Cycles that the walker's memory still waits, and how long it may.
    unsigned walker_wait_ = 0, slowness_;
};

}  // namespace veridian::attack
