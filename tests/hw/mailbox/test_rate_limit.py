"""Token buckets against a model that counts debt in plain integers."""

import random

from amaranth.sim import Simulator

from hw.mailbox import rate_limit
from hw.mailbox.rate_limit import RateLimiter


class _Bucket:
    def __init__(self):
        self.period = self.window = self.debt = 0


def _traffic(senders, steps, seed, rates, pauses=(0,)):
    """Asks of some bucket, three cycles each, perhaps charged or set anew; `allowed` is as the model says."""
    dut = RateLimiter(senders)
    choice = random.Random(seed)
    buckets = [_Bucket() for _ in range(senders)]
    outcomes = []

    def advance(cycles=1):
        for bucket in buckets:
            bucket.debt = max(0, bucket.debt - cycles)

    async def bench(ctx):
        for _ in range(steps):
            # As the mailbox does: an idle cycle, in which the kernel may write, then a question and its answer.
            bucket = buckets[row := choice.randrange(senders)]
            ctx.set(dut.row, row)
            if choice.random() < 0.05:
                bucket.debt = 0
                ctx.set(dut.forgive, 1)
            elif choice.random() < 0.05:
                bucket.period, bucket.window = choice.choice(rates)
                bucket.debt = 0
                ctx.set(dut.new_rate, {"period": bucket.period, "window": bucket.window})
                ctx.set(dut.write, 1)
            await ctx.tick()
            forgiven = bucket.debt
            advance()
            assert forgiven == 0 or bucket.debt == forgiven - 1
            ctx.set(dut.forgive, 0)
            ctx.set(dut.write, 0)
            number = choice.randrange(-1, senders)
            ctx.set(dut.found, number >= 0)
            ctx.set(dut.bucket, max(number, 0))
            wait = choice.choice([2, 2, 3, 9])
            await ctx.tick().repeat(wait)
            advance(wait)
            mine = buckets[number] if number >= 0 else _Bucket()
            expected = mine.period == 0 or mine.debt + mine.period <= mine.window
            assert ctx.get(dut.allowed) == expected
            if mine.period:
                outcomes.append(expected)
            charge = expected and choice.random() < 0.7
            ctx.set(dut.charge, charge)
            await ctx.tick()
            mine.debt += mine.period if charge else 0
            advance()
            ctx.set(dut.charge, 0)
            if pause := choice.choice(pauses):
                await ctx.tick().repeat(pause)
                advance(pause)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return sum(outcomes) / len(outcomes)


def test_random_traffic():
    assert 0.2 < _traffic(3, 4000, 1, [(0, 0), (1, 0), (5, 20), (20, 47), (60, 100), (60, 600)]) < 0.9


def test_the_clock_wraps(monkeypatch):
    """With a clock of few bits, that wraps every 256 cycles: nobody's paid debt comes back, however long he waits."""
    monkeypatch.setattr(rate_limit, "_TIME_BITS", 8)
    rates = [(40, 60), (60, 60), (30, 47), (1, 63)]
    assert 0.2 < _traffic(4, 4000, 2, rates) < 0.95
    assert 0.2 < _traffic(4, 1000, 3, rates, pauses=(0, 0, 0, 50, 110, 120, 125, 130, 250)) < 0.99


def test_one_who_asks_for_long_is_forgotten(monkeypatch):
    """The buckets are looked at all the time: a question that waits for its instruction keeps nobody's debt alive."""
    monkeypatch.setattr(rate_limit, "_TIME_BITS", 8)
    dut = RateLimiter(2)

    async def bench(ctx):
        ctx.set(dut.new_rate, {"period": 40, "window": 60})
        ctx.set(dut.write, 1)
        await ctx.tick()
        ctx.set(dut.write, 0)
        ctx.set(dut.found, 1)
        for phase in range(0, 256, 23):
            # Between two charges at least two whole epochs.
            await ctx.tick().repeat(300 + phase)
            assert ctx.get(dut.allowed)
            ctx.set(dut.charge, 1)
            await ctx.tick()
            ctx.set(dut.charge, 0)
            # The next question comes two cycles after a charge, its answer two cycles later.
            await ctx.tick().repeat(3)
            for cycle in range(4, 600):
                assert ctx.get(dut.allowed) == (cycle >= 20), cycle
                await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
