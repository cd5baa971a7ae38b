"""Memories of all shapes and multipliers, on random accesses, against references in Python.

On the RTL it shows that the references are right, on the netlist that the cells' models are: how Yosys uses a cell was
written down by others, who know nothing of our models.
"""

import os
import random
from dataclasses import dataclass

import cocotb
from amaranth import Module, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from tests.hw.cocotb_bench import seed_of_run

__all__ = ["MEMORIES", "PRODUCTS", "Cells", "Shape", "Side", "component"]

#: Addresses that the accesses to a memory meet at.
POOL = 12


@dataclass(frozen=True)
class Side:
    """What has one address.

    Attributes
    ----------
    writes, reads : bool
    while_writing : str
        What a write lets the same side read: the `old` or the `new` contents, or `nothing`: the output stays.
    """

    writes: bool = True
    reads: bool = True
    while_writing: str = "old"


@dataclass(frozen=True)
class Shape:
    """A memory.

    Attributes
    ----------
    width, depth : int
    granularity : int
        Bits that a write enable is for; `width`: one for all.
    sides : tuple of Side
    """

    width: int
    depth: int
    granularity: int
    sides: tuple[Side, ...] = (Side(),)

    def init(self):
        """Contents at the start."""
        contents = random.Random(self.width * self.depth)
        return [contents.getrandbits(self.width) for _ in range(self.depth)]


APART = (Side(reads=False), Side(writes=False))
MEMORIES = {
    "bits": Shape(1, 1 << 14, 1),
    "pairs": Shape(2, 1 << 13, 2, APART),
    "nibbles": Shape(4, 1 << 12, 4, (Side(while_writing="nothing"),)),
    "bytes": Shape(9, 1 << 11, 9, (Side(while_writing="new"),)),
    "halves": Shape(18, 1 << 10, 9),
    "kept": Shape(18, 1 << 10, 9, (Side(while_writing="nothing"),)),
    "through": Shape(18, 1 << 10, 9, (Side(while_writing="new"),)),
    "words": Shape(36, 1 << 9, 9, APART),
    "long": Shape(60, 1 << 9, 60, APART),
    "fixed": Shape(30, 1 << 9, 30, (Side(writes=False),)),
}
#: Shapes of the factors of each multiplication.
PRODUCTS = {
    "positive": (unsigned(18), unsigned(18)),
    "signed": (signed(18), signed(18)),
    "mixed": (signed(18), unsigned(18)),
    "short": (unsigned(11), signed(13)),
    "large": (signed(33), signed(33)),
}


def _members():
    members = {}
    for name, shape in MEMORIES.items():
        for number, side in enumerate(shape.sides):
            at = f"{name}{number}"
            members[f"{at}_address"] = In((shape.depth - 1).bit_length())
            if side.writes:
                members |= {f"{at}_write": In(shape.width // shape.granularity), f"{at}_data": In(shape.width)}
            if side.reads:
                members |= {f"{at}_read": In(1), f"{at}_out": Out(shape.width)}
    for name, (left, right) in PRODUCTS.items():
        members |= {f"{name}_left": In(left.width), f"{name}_right": In(right.width),
                    f"{name}_product": Out(left.width + right.width)}
    return members


class Cells(wiring.Component):
    """All memories and multipliers of the bench."""

    def __init__(self):
        super().__init__(_members())

    def elaborate(self, platform):
        m = Module()
        for name, shape in MEMORIES.items():
            memory = Memory(shape=unsigned(shape.width), depth=shape.depth, init=shape.init())
            m.submodules[name] = memory
            for number, side in enumerate(shape.sides):
                def port(member, at=f"{name}{number}"):
                    return getattr(self, f"{at}_{member}")

                if side.writes:
                    write = memory.write_port(granularity=shape.granularity)
                    m.d.comb += [write.addr.eq(port("address")), write.en.eq(port("write")),
                                 write.data.eq(port("data"))]
                if not side.reads:
                    continue
                transparent = (write,) if side.while_writing == "new" else ()
                read = memory.read_port(transparent_for=transparent)
                quiet = port("write").any() if side.while_writing == "nothing" else 0
                m.d.comb += [read.addr.eq(port("address")), read.en.eq(port("read") & ~quiet),
                             port("out").eq(read.data)]
        for name, (left, right) in PRODUCTS.items():
            factors = Signal(left), Signal(right)
            m.d.comb += [factors[0].eq(getattr(self, f"{name}_left")), factors[1].eq(getattr(self, f"{name}_right")),
                         getattr(self, f"{name}_product").eq(factors[0] * factors[1])]
        return m


def component():
    """What the bench is about."""
    return Cells()


class Reference:
    """A memory in Python; :meth:`cycle` accesses it."""

    def __init__(self, name, shape, choose):
        self.name, self.shape = name, shape
        self.contents = shape.init()
        self.out = [0 for _ in shape.sides]
        self.choose = choose
        self.addresses = [0, shape.depth - 1, *(choose.randrange(shape.depth) for _ in range(POOL))]

    def written(self, value, access):
        """`value` with what an access writes into it."""
        unit = self.shape.granularity
        for lane in range(self.shape.width // unit):
            if access["write"] >> lane & 1:
                mask = (1 << unit) - 1 << lane * unit
                value = value & ~mask | access["data"] & mask
        return value

    def cycle(self):
        """Random accesses of one cycle, as values of the ports by name."""
        choose, shape, accesses = self.choose, self.shape, []
        for side in shape.sides:
            lanes = shape.width // shape.granularity
            access = {"address": choose.choice(self.addresses)}
            if side.writes:
                access |= {"write": choose.choice([0, choose.getrandbits(lanes)]),
                           "data": choose.getrandbits(shape.width)}
            if side.reads:
                access["read"] = choose.randrange(4) > 0
            accesses.append(access)
        before = [self.contents[access["address"]] for access in accesses]
        for number, (side, access) in enumerate(zip(shape.sides, accesses, strict=True)):
            writes = access.get("write", 0)
            if access.get("read") and not (side.while_writing == "nothing" and writes):
                new = side.while_writing == "new" and writes
                self.out[number] = self.written(before[number], access) if new else before[number]
        for access in accesses:
            if access.get("write"):
                self.contents[access["address"]] = self.written(self.contents[access["address"]], access)
        return {f"{self.name}{number}_{member}": value for number, access in enumerate(accesses)
                for member, value in access.items()}

    def expected(self):
        """Outputs by the name of the port."""
        return {f"{self.name}{number}_out": self.out[number]
                for number, side in enumerate(self.shape.sides) if side.reads}


async def _started(dut):
    dut.rst.value = 1
    Clock(dut.clk, 10, unit="ns").start()
    await FallingEdge(dut.clk)
    await FallingEdge(dut.clk)
    dut.rst.value = 0


@cocotb.test()
async def memories(dut):
    """Each output is what the reference says, in every cycle."""
    choose = random.Random(seed_of_run())
    references = [Reference(name, shape, choose) for name, shape in MEMORIES.items()]
    await _started(dut)
    for _ in range(int(os.environ.get("CYCLES", 600))):
        for reference in references:
            for port, value in reference.cycle().items():
                getattr(dut, port).value = int(value)
        await FallingEdge(dut.clk)
        wrong = {port: (hex(int(getattr(dut, port).value)), hex(value)) for reference in references
                 for port, value in reference.expected().items() if int(getattr(dut, port).value) != value}
        assert not wrong, f"outputs and references: {wrong}"


@cocotb.test()
async def products(dut):
    """Products of random factors and of those at the ends of their ranges."""
    choose = random.Random(seed_of_run())
    await _started(dut)
    for _ in range(int(os.environ.get("CYCLES", 600))):
        expected = {}
        for name, shapes in PRODUCTS.items():
            product = 1
            for side, shape in zip(("left", "right"), shapes, strict=True):
                ends = (0, 1, (1 << shape.width) - 1, 1 << shape.width - 1, (1 << shape.width - 1) - 1)
                bits = choose.choice([choose.choice(ends), choose.getrandbits(shape.width)])
                getattr(dut, f"{name}_{side}").value = bits
                product *= bits - (bits >> shape.width - 1 << shape.width) if shape.signed else bits
            expected[name] = product % (1 << sum(shape.width for shape in shapes))
        await FallingEdge(dut.clk)
        for name, product in expected.items():
            assert int(getattr(dut, f"{name}_product").value) == product, name
