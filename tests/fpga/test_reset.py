from amaranth.hdl import ClockDomain, Module
from amaranth.sim import Simulator

from fpga.reset import ResetHold

CYCLES = 8


def held(asks):
    """Whether reset is held, cycle by cycle, with these requests."""
    m = Module()
    m.domains.start = ClockDomain("start", reset_less=True)
    m.submodules.reset = reset = ResetHold(CYCLES)
    seen = []

    async def bench(ctx):
        for ask in asks:
            ctx.set(reset.ask, ask)
            seen.append(ctx.get(reset.held))
            await ctx.tick("start")

    simulator = Simulator(m)
    simulator.add_clock(1e-6, domain="start")
    simulator.add_testbench(bench)
    simulator.run()
    return seen


def test_reset_is_held_from_the_first_cycle_and_ends():
    assert held([0] * 20) == [1] * CYCLES + [0] * 12


def test_it_lasts_while_it_is_asked_for():
    assert held([1] * 15 + [0] * 15) == [1] * (15 + CYCLES) + [0] * (15 - CYCLES)


def test_a_request_of_one_cycle_begins_it_anew():
    asks = [0] * 40
    asks[20] = 1
    assert held(asks) == [1] * CYCLES + [0] * (21 - CYCLES) + [1] * CYCLES + [0] * (19 - CYCLES)


def test_a_button_that_bounces_is_one_reset():
    asks = [0] * 20 + [1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 1] + [0] * 20
    seen = held(asks)
    assert seen[CYCLES:21] == [0] * (21 - CYCLES)
    assert seen[21:32 + CYCLES] == [1] * (11 + CYCLES) and seen[32 + CYCLES:] == [0] * (len(asks) - 32 - CYCLES)
