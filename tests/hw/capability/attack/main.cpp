// Attacks the Verilated capability unit on both interfaces at once: see __main__.py.

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "attacks.hpp"
#include "numbers.hpp"
#include "unit.hpp"

namespace veridian::attack {

using namespace reference;

namespace {

// Kinds that only instructions have: from user mode what is the supervisor's, and a change that the core takes back.
enum : unsigned { forbidden = kinds, killed, all_kinds };

const char *kind_name(unsigned kind) {
    return kind < kinds ? name_of(static_cast<Kind>(kind)) : kind == forbidden ? "forbidden" : "killed";
}

struct Tally {
    uint64_t asked = 0, accepted = 0;
};

class Campaign : Client {
public:
    Campaign(uint64_t seed, uint64_t count, uint64_t faults)
        : random_(seed), count_(count), kernel_(random_.next(), tables_), unit_(tables_, *this, random_.next(), faults) {}

    void run() {
        unit_.start();
        uint64_t shown = 0;
        while (judged_[0] < count_ || judged_[1] < count_ || !unit_.quiet()) {
            step_kernel();
            unit_.cycle();
            if (unit_.cycles() > last_ + 400'000) throw Failure("nothing is answered any more");
            if (judged_[0] + judged_[1] >= shown + 20'000) {
                shown = judged_[0] + judged_[1];
                std::printf("judged %" PRIu64 "\n", shown), std::fflush(stdout);
            }
        }
        std::printf("judged %" PRIu64 "\ncycles %" PRIu64 "\nchanges %" PRIu64 "\n", judged_[0] + judged_[1],
                    unit_.cycles(), kernel_.changes());
        for (unsigned window = 0; window < 2; window++) {
            for (unsigned kind = 0; kind < all_kinds; kind++) {
                const Tally &tally = tally_[window][kind];
                std::printf("tally %s %s %" PRIu64 " %" PRIu64 "\n", window ? "window" : "instructions",
                            kind_name(kind), tally.asked, tally.accepted);
            }
        }
    }

private:
    // A change begins when nothing is under way any more that has seen the one before.
    void step_kernel() {
        if (kernel_.racing() || pending_ || (judged_[0] >= count_ && judged_[1] >= count_)) return;
        if (unit_.oldest(settled_) < settled_ || rest_-- > 0) return;
        rest_ = static_cast<int>(random_.below(random_.one_in(4) ? 400 : 60));
        pending_ = kernel_.change();
        by_window_ = random_.one_in(2);
        if (!pending_) settled_++;
    }

    std::optional<Request> next(bool window) override {
        if (pending_ && window == by_window_) {
            Request request;
            request.command = pending_->number;
            request.operand1 = pending_->operand1, request.operand2 = pending_->operand2;
            request.own = true, request.stamp = settled_;
            pending_.reset();
            return request;
        }
        if (asked_[window] >= count_) return {};
        // Breath now and then: bursts and pauses.
        if (pause_[window] > 0) return pause_[window]--, std::nullopt;
        if (random_.one_in(64)) pause_[window] = random_.below(40);
        Request request;
        request.stamp = settled_;
        const unsigned rare = window ? 0 : random_.below(64);
        if (!window && rare < 2) {
            // Killed: what would change the unit if it happened; refused: any instruction of the supervisor.
            request.command = rare == 0 ? unit_command::select : random_.below(unit_command::revoke + 1);
            request.operand1 = random_.below(spaces), request.operand2 = random_.below(spaces);
            request.killed = rare == 0, request.forbidden = rare == 1;
            request.kind = rare == 0 ? killed : forbidden;
            if (request.killed) tally_[window][killed].asked++;
            return request;
        }
        const Question question = attack(kernel_, random_);
        request.kind = static_cast<unsigned>(question.kind);
        request.operand1 = question.query, request.operand2 = question.space;
        request.command = random_.one_in(2) ? unit_command::object : unit_command::badge;
        request.user = !window && question.space == kernel_.book().selected && !random_.one_in(4);
        asked_[window]++;
        return request;
    }

    Outcome expected(const Book &book, const Request &request) const {
        return book.check(request.user ? book.selected : request.operand2, request.operand1);
    }

    void answer(bool window, const Request &request, uint64_t result, uint64_t answered) override {
        last_ = unit_.cycles();
        if (request.own) {
            pending_ = kernel_.answered(result);
            if (!pending_) settled_++;
            return;
        }
        Tally &tally = tally_[window][request.kind];
        tally.asked++;
        if (request.forbidden) return;
        if (request.killed) throw Failure("an instruction that was taken back has a result");
        judged_[window]++;
        const bool object = !request.user && request.command == unit_command::object;
        const Outcome now = expected(kernel_.book(), request);
        const auto value = [object](const Outcome &outcome) {
            return layout::answer_verdict.put(outcome.verdict) |
                   layout::answer_value.put(outcome.accepted() ? object ? outcome.object : outcome.badge : 0);
        };
        const auto both = [](const Outcome &outcome) {
            return outcome.accepted() ? outcome.object | uint64_t{outcome.badge} << 32 : 0;
        };
        const auto fits = [&](const Outcome &outcome) {
            return result == value(outcome) && (!window || answered == both(outcome));
        };
        const bool accepted = layout::answer_verdict.of(&result) == verdict::ok;
        tally.accepted += accepted;
        if (fits(now)) return;
        // It may be as it was before the last change if that was under way meanwhile; a refusal then may be any.
        if (kernel_.racing() || request.stamp != settled_) {
            const Outcome before = expected(kernel_.before(), request);
            if (fits(before) || (!accepted && !(before == now))) return;
        }
        char text[240];
        std::snprintf(text, sizeof text, "%s, attack %s: %s space %#" PRIx64 ", query %#" PRIx64 ": answer %#" PRIx64
                      ", expected %#" PRIx64 "%s", window ? "window" : "instructions", kind_name(request.kind),
                      accepted ? "accepted" : "refused", request.user ? kernel_.book().selected : request.operand2,
                      request.operand1, result, value(now), request.user ? " (cap.check)" : "");
        throw Failure(text);
    }

    Random random_;
    const uint64_t count_;
    Tables tables_;
    Kernel kernel_;
    Unit unit_;
    std::optional<Command> pending_;
    bool by_window_ = false;
    int rest_ = 0;
    // Changes whose end has been answered.
    uint64_t settled_ = 0, last_ = 0;
    uint64_t asked_[2] = {}, judged_[2] = {};
    unsigned pause_[2] = {};
    Tally tally_[2][all_kinds];
};

}  // namespace

}  // namespace veridian::attack

int main(int argc, char **argv) {
    if (argc != 4) return std::fprintf(stderr, "usage: attack SEED COUNT FAULTS\n"), 2;
    uint64_t numbers[3];
    for (int index = 0; index < 3; index++) numbers[index] = std::strtoull(argv[index + 1], nullptr, 0);
    try {
        veridian::attack::Campaign(numbers[0], numbers[1], numbers[2]).run();
    } catch (const veridian::attack::Failure &failure) {
        std::printf("failure %s\n", failure.what());
        return 1;
    }
    return 0;
}
