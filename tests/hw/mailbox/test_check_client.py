"""One question at a time, an answer or a refusal in time, and no answer to another's question."""

import pytest
from amaranth.sim import Simulator

from hw.abi import Verdict
from hw.mailbox.check_client import CheckClient

TIMEOUT = 10


def simulate(bench):
    dut = CheckClient(TIMEOUT)
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)

    async def body(ctx):
        await bench(ctx, dut)

    simulator.add_testbench(body)
    simulator.run()


async def ask(ctx, dut, space):
    assert ctx.get(dut.idle)
    ctx.set(dut.space, space)
    ctx.set(dut.start, 1)
    await ctx.tick()
    ctx.set(dut.start, 0)


async def take(ctx, dut):
    """Cycles until an answer was there, and its verdict."""
    cycles = 0
    while not ctx.get(dut.done):
        await ctx.tick()
        cycles += 1
    verdict = ctx.get(dut.answer.verdict)
    ctx.set(dut.take, 1)
    await ctx.tick()
    ctx.set(dut.take, 0)
    return cycles, verdict


async def answer(ctx, dut, verdict):
    ctx.set(dut.check.response.payload.verdict, verdict)
    ctx.set(dut.check.response.valid, 1)
    await ctx.tick().until(dut.check.response.ready)
    ctx.set(dut.check.response.valid, 0)


async def accept(ctx, dut):
    """Take the request that is offered; its space."""
    ctx.set(dut.check.request.ready, 1)
    _, _, space = await ctx.tick().sample(dut.check.request.payload.space)
    ctx.set(dut.check.request.ready, 0)
    return space


@pytest.mark.parametrize("verdict", Verdict)
def test_answer(verdict):
    async def bench(ctx, dut):
        await ask(ctx, dut, 5)
        assert await accept(ctx, dut) == 5
        await answer(ctx, dut, verdict)
        assert await take(ctx, dut) == (0, verdict)
        assert ctx.get(dut.idle)

    simulate(bench)


def test_hold_delays_the_answer():
    async def bench(ctx, dut):
        await ask(ctx, dut, 5)
        await accept(ctx, dut)
        ctx.set(dut.check.response.valid, 1)
        ctx.set(dut.hold, 1)
        await ctx.tick()
        assert not ctx.get(dut.done)
        ctx.set(dut.hold, 0)
        await ctx.tick()
        assert ctx.get(dut.done)

    simulate(bench)


@pytest.mark.parametrize("accepted", [False, True])
def test_timeout(accepted):
    """No answer, or not even taken: UNDECIDED; then the next question waits for the old one's answer."""
    async def bench(ctx, dut):
        await ask(ctx, dut, 5)
        if accepted:
            await accept(ctx, dut)
        cycles, verdict = await take(ctx, dut)
        assert verdict == Verdict.UNDECIDED and cycles <= TIMEOUT + 1
        assert ctx.get(dut.check.request.valid) == (not accepted)
        # Meanwhile another question is refused as well.
        await ask(ctx, dut, 6)
        cycles, verdict = await take(ctx, dut)
        assert verdict == Verdict.UNDECIDED and cycles == TIMEOUT + 1
        await ask(ctx, dut, 7)
        if not accepted:
            assert await accept(ctx, dut) == 5
        await answer(ctx, dut, Verdict.OK)
        await ctx.tick()
        assert not ctx.get(dut.done)
        assert await accept(ctx, dut) == 7
        await answer(ctx, dut, Verdict.STALE)
        assert (await take(ctx, dut))[1] == Verdict.STALE

    simulate(bench)


@pytest.mark.parametrize("cycle", range(1, TIMEOUT + 1))
def test_an_answer_just_in_time(cycle):
    """One in the last cycle counts, in the next it is taken and thrown away; and no other question waits for it."""
    async def bench(ctx, dut):
        await ask(ctx, dut, 5)
        await accept(ctx, dut)
        for _ in range(cycle - 1):
            await ctx.tick()
        await answer(ctx, dut, Verdict.OK)
        assert await take(ctx, dut) == (0, Verdict.OK if cycle < TIMEOUT else Verdict.UNDECIDED)
        await ask(ctx, dut, 6)
        assert await accept(ctx, dut) == 6
        await answer(ctx, dut, Verdict.STALE)
        assert await take(ctx, dut) == (0, Verdict.STALE)

    simulate(bench)


def test_answers_without_question():
    """Nothing is taken from a unit that answers unasked."""
    async def bench(ctx, dut):
        ctx.set(dut.check.response.valid, 1)
        for _ in range(3):
            await ctx.tick()
            assert not ctx.get(dut.check.response.ready)

    simulate(bench)
