"""Token buckets against a model that counts debt in plain integers."""

import random

from amaranth.sim import Simulator

from hw.mailbox.rate_limit import RateLimiter


def test_random_traffic():
    """Every cycle some queue is asked and perhaps charged or set anew; `allowed` is as the model says."""
    queues = 3
    dut = RateLimiter(queues)
    choice = random.Random(1)
    debts, rates = [0] * queues, [(0, 0)] * queues
    outcomes = []

    async def bench(ctx):
        for _ in range(4000):
            queue = choice.randrange(queues)
            write = choice.random() < 0.02
            ctx.set(dut.select, queue)
            ctx.set(dut.write, write)
            if write:
                rates[queue] = choice.choice([0, 1, 5, 20]), choice.choice([0, 20, 47, 100])
                ctx.set(dut.new_rate, {"period": rates[queue][0], "window": rates[queue][1]})
            elif rates[queue]:
                period, window = rates[queue]
                expected = period == 0 or debts[queue] + period <= window
                assert ctx.get(dut.allowed) == expected
                outcomes.append(expected)
            charge = not write and expected and choice.random() < 0.7
            ctx.set(dut.charge, charge)
            await ctx.tick()
            for number in range(queues):
                if number == queue and write:
                    debts[number] = 0
                    continue
                if number == queue and charge:
                    debts[number] += rates[number][0]
                debts[number] = max(0, debts[number] - 1)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert 0.2 < sum(outcomes) / len(outcomes) < 0.9
