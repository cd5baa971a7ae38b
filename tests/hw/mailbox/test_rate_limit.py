"""Token buckets against a model that counts debt in plain integers."""

import random

from amaranth.sim import Simulator

from hw.mailbox import rate_limit
from hw.mailbox.rate_limit import RateLimiter


class _Bucket:
    def __init__(self):
        self.space = self.period = self.window = self.debt = 0
        self.enabled = False


def _traffic(senders, steps, seed, rates):
    """Asks of some space, three cycles each, perhaps charged or set anew; `allowed` is as the model says."""
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
            ctx.set(dut.sweep, 1)
            bucket = buckets[row := choice.randrange(senders)]
            ctx.set(dut.row, row)
            if choice.random() < 0.05:
                bucket.space, bucket.enabled, bucket.debt = choice.randrange(5), choice.random() < 0.8, 0
                ctx.set(dut.new_binding, {"space": bucket.space, "enabled": bucket.enabled})
                ctx.set(dut.bind, 1)
            elif choice.random() < 0.05:
                bucket.period, bucket.window = choice.choice(rates)
                bucket.debt = 0
                ctx.set(dut.new_rate, {"period": bucket.period, "window": bucket.window})
                ctx.set(dut.write, 1)
            await ctx.tick()
            forgiven = bucket.debt
            advance()
            assert forgiven == 0 or bucket.debt == forgiven - 1
            ctx.set(dut.bind, 0)
            ctx.set(dut.write, 0)
            ctx.set(dut.sweep, 0)
            assert ctx.get(dut.rate) == {"period": bucket.period, "window": bucket.window}
            space = choice.randrange(5)
            ctx.set(dut.space, space)
            wait = choice.choice([2, 2, 3, 9])
            await ctx.tick().repeat(wait)
            advance(wait)
            mine = next((each for each in buckets if each.enabled and each.space == space), _Bucket())
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

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return sum(outcomes) / len(outcomes)


def test_random_traffic():
    assert 0.2 < _traffic(3, 4000, 1, [(0, 0), (1, 0), (5, 20), (20, 47), (60, 100), (60, 600)]) < 0.9


def test_the_clock_wraps(monkeypatch):
    """With a clock of few bits, that wraps every 256 cycles: nobody's paid debt comes back."""
    monkeypatch.setattr(rate_limit, "_TIME_BITS", 8)
    assert 0.2 < _traffic(4, 4000, 2, [(40, 60), (60, 60), (30, 47)]) < 0.95
