"""The branch predictor by itself: what it says after what it was told. That the core is right whatever it says is
shown elsewhere; here, that it says something useful."""

import pytest
from amaranth.sim import Simulator

from hw.core.branch_predictor import BranchPredictor
from hw.core.prediction import BranchKind

WORD = 0x12340
TARGET = 0x45678


class Bench:
    """Trains and asks as execute and fetch do."""

    def __init__(self, ctx, dut):
        self.ctx, self.dut = ctx, dut

    async def ready(self):
        while self.ctx.get(self.dut.clearing):
            await self.ctx.tick()

    async def train(self, end, kind=BranchKind.CONDITIONAL, target=TARGET, *, taken=True, insert=False, forget=False,
                    indirect=False):
        training = dict(end=end, kind=kind, target=target, taken=taken, insert=insert, forget=forget, indirect=indirect,
                        conditional=kind == BranchKind.CONDITIONAL and not forget)
        for name, value in training.items():
            self.ctx.set(getattr(self.dut.training, name), value)
        await self.ctx.tick()
        for name in training:
            self.ctx.set(getattr(self.dut.training, name), 0)
        await self.ctx.tick().repeat(2)

    async def ask(self, address):
        """The prediction for the word at `address`, after a redirect to it."""
        ctx, dut = self.ctx, self.dut
        ctx.set(dut.read_address, address)
        ctx.set(dut.restore, 1)
        await ctx.tick()
        ctx.set(dut.address, address)
        ctx.set(dut.restore, 0)
        prediction = dut.prediction
        taken = ctx.get(prediction.taken)
        return (ctx.get(prediction.position), ctx.get(prediction.target)) if taken else None

    def known(self):
        return self.ctx.get(self.dut.prediction.known)


def run(body, entries=16, history_bits=6):
    dut = BranchPredictor(entries, history_bits)

    async def testbench(ctx):
        bench = Bench(ctx, dut)
        await bench.ready()
        await body(bench)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()


def test_knows_nothing_at_first():
    async def body(bench):
        assert await bench.ask(WORD) is None
        assert bench.known() == 0
    run(body)


def test_learns_a_taken_branch_and_forgets_it():
    async def body(bench):
        await bench.train(WORD + 4, insert=True)
        assert await bench.ask(WORD) == (2, TARGET)
        assert bench.known() == 0b0100
        # Behind the branch it is not on the way, and another word is none of its business.
        assert await bench.ask(WORD + 6) is None
        assert await bench.ask(WORD + 8) is None
        await bench.train(WORD, forget=True, taken=False)
        assert await bench.ask(WORD) is None
        assert bench.known() == 0
    run(body)


def test_counts():
    async def body(bench):
        await bench.train(WORD + 2, insert=True)
        for _ in range(4):
            await bench.train(WORD + 2, taken=False)
        assert await bench.ask(WORD) is None
        assert bench.known() == 0b0010
    run(body)


@pytest.mark.parametrize("ends", [(0, 6), (6, 0), (2, 4), (4, 2)])
def test_two_branches_of_a_word(ends):
    async def body(bench):
        for number, end in enumerate(ends):
            await bench.train(WORD + end, BranchKind.JUMP, TARGET + 8 * number, insert=True)
        first, second = sorted(ends)
        target = {end: TARGET + 8 * number for number, end in enumerate(ends)}
        assert await bench.ask(WORD) == (first >> 1, target[first])
        assert await bench.ask(WORD + first + 2) == (second >> 1, target[second])
        assert bench.known() == 1 << (first >> 1) | 1 << (second >> 1)
    run(body)


def test_history_tells_two_ways_apart():
    """A branch that is taken if and only if the jump before it came from one of two places."""
    async def body(bench):
        branch = WORD + 0x40
        right = 0
        for round_ in range(40):
            odd = round_ % 2
            # The jump's target is ahead of the branch's word, so that it counts as history.
            await bench.train(0x20000 + 8 * odd, BranchKind.JUMP, WORD + 8 * odd, insert=round_ < 2)
            guess = await bench.ask(branch)
            right += round_ >= 20 and (guess is not None) == bool(odd)
            await bench.train(branch, taken=bool(odd), insert=round_ == 1)
        assert right == 20
    run(body, history_bits=8)


def test_indirect_jumps_follow_history():
    """Three targets in turn, as an interpreter has them."""
    async def body(bench):
        right = 0
        for round_ in range(30):
            target = TARGET + 0x30 * (round_ % 3)
            guess = await bench.ask(WORD)
            right += round_ >= 15 and guess == (0, target)
            await bench.train(WORD, BranchKind.INDIRECT, target, insert=round_ == 0, indirect=True)
        assert right == 15
    run(body, history_bits=8)


@pytest.mark.parametrize("entries", [-4, 2, 3, 12, "many"])
def test_refuses_entries(entries):
    with pytest.raises(ValueError, match="Branch predictor entries must be 0 or a power of two above 2, not"):
        BranchPredictor(entries, 8)


@pytest.mark.parametrize("bits", [0, 15, "many"])
def test_refuses_history(bits):
    with pytest.raises(ValueError, match="Branch history bits must be between 1 and 14, not"):
        BranchPredictor(16, bits)
