#include "unit.hpp"

#include "numbers.hpp"

namespace veridian::attack {

using namespace reference;

namespace {

constexpr uint32_t custom_0 = opcode::custom_0;
constexpr uint8_t user_mode = 0, supervisor_mode = 1;
// Wishbone B4, table 4-2: the next cycle of a burst follows.
constexpr uint8_t incrementing = 2;
constexpr uint64_t patience = 100'000;

uint32_t instruction(const Request &request) {
    const uint32_t funct7 = request.user ? unit::cap_check_funct7 : unit::cap_object_funct7;
    const uint32_t funct3 = request.user ? unit::cap_check_funct3 : request.command;
    return funct7 << 25 | 12 << 20 | 11 << 15 | funct3 << 12 | 10 << 7 | custom_0;
}

}  // namespace

Unit::Unit(Tables &tables, Client &client, uint64_t seed, uint64_t faults)
    : tables_(tables), client_(client), random_(seed), top_(std::make_unique<Vunit>()), slowness_(random_.below(4)) {
    top_->faults = faults;
    top_->check_response_ready = 1;
    top_->window_sel = 0xff;
}

void Unit::half_cycles() {
    top_->clk = 1, top_->eval();
    top_->clk = 0;
    cycles_++;
}

// One bus cycle of the window, by itself.
void Unit::transfer(uint64_t offset, bool write, uint64_t value) {
    top_->window_cyc = top_->window_stb = 1;
    top_->window_adr = offset >> 3, top_->window_we = write, top_->window_dat_w = value;
    for (uint64_t waited = 0;; waited++) {
        top_->eval();
        const bool done = top_->window_ack || top_->window_err;
        half_cycles();
        if (done) break;
        if (waited > patience) throw Failure("the window does not answer");
    }
    top_->window_cyc = top_->window_stb = 0;
}

void Unit::start() {
    top_->rst = 1;
    for (unsigned count = 0; count < 4; count++) top_->eval(), half_cycles();
    top_->rst = 0;
    transfer(unit_window::space_base, true, Tables::space_base());
    transfer(unit_window::space_count, true, spaces);
    transfer(unit_window::slot_base, true, Tables::slot_base());
    transfer(unit_window::slot_count, true, pages * slots_of_page);
    transfer(unit_window::object_base, true, Tables::object_base());
    transfer(unit_window::object_count, true, objects);
    transfer(unit_window::control, true, 1);
    for (uint64_t waited = 0;; waited++) {
        transfer(unit_window::status, false, 0);
        if (top_->window_dat_r == 0) break;
        if (waited > patience) throw Failure("the unit does not become ready");
    }
}

uint64_t Unit::oldest(uint64_t none) const {
    uint64_t oldest = none;
    const auto look = [&oldest](const Request &request) {
        if (request.stamp < oldest) oldest = request.stamp;
    };
    for (unsigned index = 0; index < flying_; index++) look(flight_[index].request);
    if (window_.step != Step::idle) look(window_.request);
    return oldest;
}

// -- The core's side: issue, commit, result (hw/core/port.py).

void Unit::drive_port() {
    if (!offered_ && flying_ < 4) offered_ = client_.next(false);
    top_->port_issue_valid = offered_.has_value() && flying_ < 4;
    if (offered_) {
        top_->port_issue_insn = instruction(*offered_);
        top_->port_issue_rs1 = offered_->operand1, top_->port_issue_rs2 = offered_->operand2;
        top_->port_issue_privilege = offered_->user || offered_->forbidden ? user_mode : supervisor_mode;
    }
    committing_ = -1;
    for (unsigned index = 0; index < flying_; index++) {
        if (flight_[index].committed) continue;
        if (cycles_ >= flight_[index].commit_at) committing_ = static_cast<int>(index);
        break;
    }
    top_->port_commit_valid = committing_ >= 0;
    top_->port_commit_kill = committing_ >= 0 && flight_[committing_].request.killed;
    // A core that takes the result late, now and then.
    top_->port_result_ready = flying_ > 0 && (flight_[0].committed || committing_ == 0) && !random_.one_in(32) &&
                              !(committing_ == 0 && flight_[0].request.killed);
}

void Unit::sample_port() {
    const bool taken = top_->port_result_valid && top_->port_result_ready;
    const uint64_t data = top_->port_result_data;
    const bool issued = top_->port_issue_valid && top_->port_issue_ready, accepted = top_->port_issue_accept;
    if (top_->port_result_valid && flying_ == 0) throw Failure("a result that nobody waits for");
    if (taken && (!top_->port_result_we || top_->port_result_exception)) throw Failure("a result that is none");
    if (committing_ >= 0) flight_[committing_].committed = true;
    const Flying first = flight_[0];
    const auto drop = [this](unsigned index) {
        for (; index + 1 < flying_; index++) flight_[index] = flight_[index + 1];
        flying_--;
    };
    if (committing_ >= 0 && flight_[committing_].request.killed) drop(static_cast<unsigned>(committing_));
    else if (flying_ > 0 && cycles_ > flight_[0].issued + patience) throw Failure("an instruction has no result");
    if (taken) {
        drop(0);
        client_.answer(false, first.request, data, 0);
    }
    if (!issued) return;
    if (accepted == offered_->forbidden) {
        throw Failure(accepted ? "user mode was given an instruction of the supervisor" : "an instruction was refused");
    }
    if (accepted) {
        flight_[flying_++] = {*offered_, cycles_, cycles_ + 1 + (random_.one_in(8) ? random_.below(6) : 0), false};
    } else {
        client_.answer(false, *offered_, 0, 0);
    }
    offered_.reset();
}

// -- The other master: operands, command, status, result.

void Unit::drive_window() {
    if (window_.step == Step::idle) {
        const std::optional<Request> request = client_.next(true);
        if (request) window_ = {Step::operand1, *request};
    }
    top_->window_cyc = top_->window_stb = window_.step != Step::idle;
    const auto access = [this](uint64_t offset, bool write, uint64_t value) {
        top_->window_adr = offset >> 3, top_->window_we = write, top_->window_dat_w = value;
    };
    switch (window_.step) {
    case Step::idle: break;
    case Step::operand1: access(unit_window::operand1, true, window_.request.operand1); break;
    case Step::operand2: access(unit_window::operand2, true, window_.request.operand2); break;
    case Step::command: access(unit_window::command, true, window_.request.command); break;
    case Step::poll: access(unit_window::status, false, 0); break;
    case Step::result: access(unit_window::result, false, 0); break;
    case Step::answered: access(unit_window::answered, false, 0); break;
    }
}

void Unit::sample_window() {
    if (window_.step == Step::idle) return;
    if (top_->window_err) throw Failure("the window refused an access");
    if (!top_->window_ack) return;
    const uint64_t value = top_->window_dat_r;
    switch (window_.step) {
    case Step::idle: break;
    case Step::operand1: window_.step = Step::operand2; break;
    case Step::operand2: window_.step = Step::command; break;
    case Step::command: window_.step = Step::poll; break;
    case Step::poll:
        // Bit 0: busy; bit 2: a command was dropped.
        if (value & 4) throw Failure("the window dropped a command");
        if (!(value & 1)) window_.step = Step::result;
        break;
    case Step::result:
        window_.result = value;
        window_.step = Step::answered;
        break;
    case Step::answered:
        window_.step = Step::idle;
        client_.answer(true, window_.request, window_.result, value);
        break;
    }
}

// -- Memory. An answer comes in the cycle after the request, or some cycles later.

Unit::Answer Unit::walker_memory() {
    const bool answering = top_->walker_ack || top_->walker_err;
    if (!top_->walker_cyc || !top_->walker_stb || answering) return {};
    if (top_->walker_we) throw Failure("the walker stores");
    if (walker_wait_ > 0) return walker_wait_--, Answer{};
    walker_wait_ = slowness_ == 0 ? 0 : random_.below(slowness_ * 3);
    Answer answer;
    answer.error = !tables_.read(uint64_t{top_->walker_adr} << 3, answer.data);
    answer.valid = !answer.error;
    return answer;
}

Unit::Answer Unit::revoker_memory() {
    const bool answering = top_->revoker_ack || top_->revoker_err;
    if (!top_->revoker_cyc || !top_->revoker_stb) return {};
    // What is answered in this cycle is over, unless a burst goes on with the next word.
    if (answering && top_->revoker_cti != incrementing) return {};
    const uint64_t address = (uint64_t{top_->revoker_adr} + answering) << 3;
    Answer answer;
    answer.error = top_->revoker_we ? !tables_.write(address, top_->revoker_dat_w, top_->revoker_sel)
                                    : !tables_.read(address, answer.data);
    answer.valid = !answer.error;
    return answer;
}

void Unit::cycle() {
    drive_port();
    drive_window();
    top_->eval();
    sample_port();
    sample_window();
    const Answer walker = walker_memory(), revoker = revoker_memory();
    half_cycles();
    top_->walker_ack = walker.valid, top_->walker_err = walker.error, top_->walker_dat_r = walker.data;
    top_->revoker_ack = revoker.valid, top_->revoker_err = revoker.error, top_->revoker_dat_r = revoker.data;
}

}  // namespace veridian::attack
