"""Hypothesis: kernel/sched/budget.c on the host, its admission against the reference model, its promises by simulation.

Not collected by pytest itself: test_budgets.py runs it in a process with the sanitizers' runtime.

Usage: python tests/kernel/budget_machine.py LIBRARY EXAMPLES [--first]

--first ends at the first failure without looking for the shortest one.
"""

import sys
from fractions import Fraction
from pathlib import Path

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2]))

from hw.abi import Status  # noqa: E402
from tests.kernel.budget_model import LEAST, LEAST_SHARE, LONGEST, MOST_SHARE, UNIT, BudgetModel  # noqa: E402
from tests.kernel.host_library import load_budgets  # noqa: E402

WORDS = st.integers(0, (1 << 32) - 1)
#: Around all limits, and anything.
PERIODS = st.one_of(st.integers(LEAST, LONGEST), st.sampled_from((0, LEAST - 1, LEAST, LONGEST, LONGEST + 1)), WORDS)
PARTS = st.one_of(st.sampled_from((Fraction(1, 3), Fraction(1, 4), Fraction(3, 20), LEAST_SHARE, MOST_SHARE,
                                   Fraction(0), Fraction(1), Fraction(2))), st.fractions(0, 1))
AMOUNTS = st.tuples(PERIODS, PARTS, st.integers(-1, 1)).map(
    lambda drawn: (min(max(int(drawn[1] * drawn[0]) + drawn[2], 0), (1 << 32) - 1), drawn[0]))
MILLION = 1_000_000
#: What is just within the limits, and just beyond.
EDGES = [(0, (LEAST, MILLION)), (0, (LEAST - 1, MILLION)), (0, (MILLION, LONGEST // 4 + 6 * MILLION)),
         (0, (MILLION, LONGEST // 4 + 7 * MILLION)), (0, (LONGEST // 2, LONGEST)), (0, (LONGEST // 2, LONGEST + 1)),
         (0, (0, 0)), (0, (MILLION + 1, MILLION)), (0, (3 * MILLION, 4 * MILLION)), (0, (3 * MILLION, 4 * MILLION - 1))]


def admission(ffi, lib):
    """No more is promised than may be, nothing is refused that fits, and a refusal changes nothing."""

    @given(st.lists(st.tuples(st.integers(0, 7), AMOUNTS), max_size=40))
    @example([(place, (3 * LEAST, 20 * LEAST)) for place in range(5)])
    @example(EDGES)
    def run(attempts):
        model = BudgetModel()
        records = [ffi.new("struct budget *") for _ in range(8)]
        for which, (amount, period) in attempts:
            before = bytes(ffi.buffer(records[which]))
            status = Status(lib.budget_check(records[which], amount, period))
            assert status == model.check(which, amount, period), (amount, period)
            assert bytes(ffi.buffer(records[which])) == before
            if status == Status.OK:
                lib.budget_set(records[which], amount, period, 1000)
                model.set(which, amount, period)
                assert (records[which].left, records[which].deadline) == (0, 1000 + period)
            assert model.promised <= MOST_SHARE
            if status == Status.NO_TIME:
                without = model.promised - Fraction(*model.settings.get(which, (0, 1)))
                assert without + Fraction(amount, period) > MOST_SHARE - 8 * UNIT
        for record in records:
            lib.budget_set(record, 0, 0, 0)
        assert lib.budget_shares == 0

    return run


class Server:
    """A budget whose thread works and sleeps, as the kernel's scheduler would drive it."""

    def __init__(self, ffi, lib, amount, period, jobs):
        self.record, self.lib = ffi.new("struct budget *"), lib
        assert Status(lib.budget_check(self.record, amount, period)) == Status.OK
        lib.budget_set(self.record, amount, period, 0)
        self.spent, self.jobs = True, jobs
        #: Work that is left before it sleeps, when it wakes, and all it got of its budget.
        self.work, self.wakes, self.got = 0, 0, 0

    @property
    def ready(self):
        return self.work > 0 and not self.spent


def promises(ffi, lib):
    """By earliest deadline each budget that is wanted is used up by its deadline; nobody gets more than its share."""
    times = st.integers(1, 2_000_000)

    @given(st.lists(st.tuples(st.integers(LEAST, 1_000_000), st.fractions(LEAST_SHARE, Fraction(3, 5)),
                              st.lists(st.tuples(times, times), min_size=1, max_size=4)), min_size=1, max_size=5))
    def run(wanted):
        servers = []
        for amount, part, jobs in wanted:
            period = min(int(amount / part), LONGEST)
            room = BudgetModel({place: (s.record.amount, s.record.period) for place, s in enumerate(servers)})
            if room.check(len(servers), amount, period) == Status.OK:
                servers.append(Server(ffi, lib, amount, period, jobs))
        simulate(lib, servers, 12_000_000)
        for server in servers:
            lib.budget_set(server.record, 0, 0, 0)

    return run


def simulate(lib, servers, end):
    now = 0
    while now < end:
        for server in servers:
            record = server.record
            if server.spent and record.deadline <= now:
                lib.budget_refill(record, now)
                server.spent = False
                assert 0 < record.left <= record.amount and now < record.deadline <= now + record.period
            if server.work == 0 and server.wakes <= now:
                work, sleep = server.jobs[0]
                server.jobs = server.jobs[1:] + server.jobs[:1]
                server.work, server.sleep = work, sleep
                if not server.spent:
                    kept = record.left, record.deadline
                    lib.budget_wake(record, now)
                    assert (record.left, record.deadline) in (kept, (record.amount, now + record.period))
            if server.ready:
                # What it is promised: the rest of its budget by the deadline.
                assert record.deadline - now >= record.left, "a deadline can no longer be met"
        ready = [server for server in servers if server.ready]
        events = [end, *(server.record.deadline for server in servers if server.spent),
                  *(server.wakes for server in servers if server.work == 0)]
        first = min(ready, key=lambda server: server.record.deadline, default=None)
        if first is not None:
            events.append(now + min(first.record.left, first.work))
        step = min(event for event in events if event > now) - now
        now += step
        if first is None:
            continue
        first.work -= step
        first.got += step
        if first.work == 0:
            first.wakes = now + first.sleep
        first.spent = lib.budget_charge(first.record, step)
        share = Fraction(first.record.amount, first.record.period)
        assert first.got <= share * now + first.record.amount, "more than its share"


def overruns(ffi, lib):
    """Who ran too long, as the kernel was busy, gets no more in the end."""

    @given(st.integers(LEAST, 10_000_000), st.fractions(LEAST_SHARE, MOST_SHARE),
           st.lists(st.tuples(st.integers(0, 200_000_000), st.sampled_from((0, 0, 1_000, LONGEST))), min_size=1,
                    max_size=30))
    def run(amount, part, runs):
        period = min(int(amount / part), LONGEST)
        record = ffi.new("struct budget *")
        if BudgetModel().check(0, amount, period) != Status.OK:
            return
        lib.budget_set(record, amount, period, 0)
        now, got = period, 0
        lib.budget_refill(record, now)
        for length, late in runs:
            got += length
            now += length
            if lib.budget_charge(record, length):
                assert -amount < record.left <= 0
                now = max(now, record.deadline) + late
                lib.budget_refill(record, now)
                assert 0 < record.left <= amount and now < record.deadline <= now + period
                # All that was used was due in the periods that have gone by.
                assert got <= Fraction(amount, period) * now
            else:
                assert record.left > 0
        lib.budget_set(record, 0, 0, 0)

    return run


def main() -> None:
    library, examples, *options = sys.argv[1:]
    ffi, lib = load_budgets(Path(library))
    phases = [Phase.explicit, Phase.generate, *([] if "--first" in options else [Phase.shrink])]
    chosen = settings(max_examples=int(examples), deadline=None, database=None, derandomize=True, phases=phases,
                      print_blob=False, suppress_health_check=list(HealthCheck))
    for make in (admission, promises, overruns):
        chosen(make(ffi, lib))()
    print(f"{examples} examples of each property agree")


if __name__ == "__main__":
    main()
