"""The tutorial's unit in Amaranth's simulator, driven by the rules of the port as the core may use them."""

import random
from zlib import crc32

import pytest
from amaranth.sim import Simulator

from examples.capability_port.bits import CAUSE, FUNCT7, BitUnit, Operation
from hw.abi import CUSTOM_0


def encoding(operation, funct7=FUNCT7):
    return funct7 << 25 | operation << 12 | CUSTOM_0


class Port:
    """The core's side of the port, one instruction at a time; each method ends at the beginning of a cycle."""

    def __init__(self, ctx, port):
        self.ctx, self.port = ctx, port

    async def issue(self, insn, rs1=0, rs2=0):
        """Offer an instruction until it is taken; was it accepted?"""
        issue = self.port.issue
        for signal, value in ((issue.valid, 1), (issue.insn, insn), (issue.rs1, rs1), (issue.rs2, rs2)):
            self.ctx.set(signal, value)
        while not self.ctx.get(issue.ready):
            await self.ctx.tick()
        accepted = self.ctx.get(issue.accept)
        await self.ctx.tick()
        self.ctx.set(issue.valid, 0)
        # Nothing that comes later may look at them.
        for signal in (issue.insn, issue.rs1, issue.rs2):
            self.ctx.set(signal, 0)
        return accepted

    async def finish(self, *, kill=False, wait=0, patience=0):
        """Commit after `wait` cycles, take the result `patience` cycles later at the earliest: (data or None, cause
        or None, cycles from the first in which it could have been committed to that of the result)."""
        commit, result = self.port.commit, self.port.result
        for _ in range(wait):
            await self.ctx.tick()
        self.ctx.set(commit.valid, 1)
        self.ctx.set(commit.kill, kill)
        cycles = wait
        answer = None
        while answer is None and not kill:
            self.ctx.set(result.ready, patience <= 0)
            if patience <= 0 and self.ctx.get(result.valid):
                answer = (self.ctx.get(result.data) if self.ctx.get(result.we) else None,
                          self.ctx.get(result.cause) if self.ctx.get(result.exception) else None, cycles)
            await self.ctx.tick()
            self.ctx.set(commit.valid, 0)
            patience, cycles = patience - 1, cycles + 1
        if kill:
            await self.ctx.tick()
            self.ctx.set(commit.valid, 0)
            assert not self.ctx.get(result.valid), "an offer is withdrawn in the cycle after the kill"
        self.ctx.set(result.ready, 0)
        return answer

    async def do(self, operation, rs1=0, rs2=0, **options):
        assert await self.issue(encoding(operation.value), rs1, rs2)
        return await self.finish(**options)


def run(testbench):
    unit = BitUnit()

    async def body(ctx):
        await testbench(ctx, Port(ctx, unit.port))

    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    simulator.add_testbench(body)
    simulator.run()


def test_latency():
    """Counted from the cycle after the issue: a count is there in that one, an `add` takes a cycle a byte after the
    commit."""
    async def testbench(ctx, port):
        assert await port.do(Operation.COUNT, (1 << 64) - 1) == (64, None, 0)
        assert await port.do(Operation.SWAP, 7) == (0, None, 0)
        assert await port.do(Operation.ADD, 0, 0) == (None, None, 0)
        assert await port.do(Operation.ADD, 0, 8) == (None, None, 9)
        assert await port.do(Operation.ADD, 0, 8, wait=3) == (None, None, 12)
        assert await port.do(Operation.ADD, 0, 9) == (None, CAUSE, 0)
    run(testbench)


def test_not_ours():
    async def testbench(ctx, port):
        for operation in range(8):
            for funct7 in (FUNCT7, FUNCT7 + 1, FUNCT7 + 64):
                accepted = await port.issue(encoding(operation, funct7))
                assert accepted == (funct7 == FUNCT7 and operation <= 2)
                if accepted:
                    assert await port.finish(kill=True) is None
    run(testbench)


@pytest.mark.parametrize("wait", [0, 1, 12])
def test_killed_ones_have_not_happened(wait):
    async def testbench(ctx, port):
        await port.do(Operation.SWAP, 0x1234)
        await port.do(Operation.SWAP, 99, kill=True, wait=wait)
        await port.do(Operation.ADD, 99, 8, kill=True, wait=wait)
        await port.do(Operation.ADD, 99, 9, kill=True, wait=wait)
        assert await port.do(Operation.SWAP) == (0x1234, None, 0)
    run(testbench)


@pytest.mark.parametrize("seed", range(4))
def test_random(seed):
    """A few thousand instructions against zlib and Python, with kills and patience at random."""
    draw = random.Random(seed)

    async def testbench(ctx, port):
        crc = 0
        for _ in range(1000):
            operation = draw.choice(list(Operation))
            word, count = draw.getrandbits(draw.choice((1, 32, 64))), draw.choice((*range(10), 1 << 63))
            answer = await port.do(operation, word, count, kill=(kill := draw.random() < 0.3),
                                   wait=draw.choice((0, 0, 1, 5)), patience=draw.choice((0, 0, 1, 12)))
            if kill:
                assert answer is None
            elif operation == Operation.COUNT:
                assert answer[:2] == (word.bit_count(), None)
            elif operation == Operation.SWAP:
                assert answer[:2] == (crc, None)
                crc = word & 0xffff_ffff
            elif count > 8:
                assert answer[:2] == (None, CAUSE)
            else:
                assert answer[:2] == (None, None)
                # zlib inverts before and after.
                crc = crc32((word & (1 << 64) - 1).to_bytes(8, "little")[:count], crc ^ 0xffff_ffff) ^ 0xffff_ffff
    run(testbench)
