"""Several units at one capability port, told apart by the field funct7.

Instructions of one unit follow each other as fast as that unit takes them. One of another unit waits until nothing of
the first is in flight: so results come in order, and a commit or kill is for the unit that has the instruction, without
a queue that remembers whose is whose. That rests on the core taking no result before its commit (:mod:`hw.core.port`).
"""

from collections.abc import Sequence
from functools import reduce
from itertools import combinations
from operator import or_

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..mapping import SEPARATE
from .port import MAX_IN_FLIGHT, CapabilityPort

__all__ = ["PortSwitch"]


def _telling_bits(functions):
    """The fewest bits of funct7 that tell the units' own values apart, and what they are in each unit's own."""
    for bits in (bits for count in range(8) for bits in combinations(range(7), count)):
        own = [{sum((number >> bit & 1) << place for place, bit in enumerate(bits)) for number in numbers}
               for numbers in functions]
        if sum(map(len, own)) == len(set().union(*own)):
            return bits, own
    raise AssertionError("No funct7 is in two units")


class PortSwitch(wiring.Component):
    """The switch.

    Parameters
    ----------
    functions : sequence of collections of int
        For each unit the values of funct7 that are its own. Nobody is offered any other: it waits for the unit whose
        own it resembles, if there is one, for the core to refuse it.

    Attributes
    ----------
    port : In(CapabilityPort())
        To the core.
    units : Out(CapabilityPort()).array(n)

    Raises
    ------
    ValueError
        When there is no unit, or two want the same funct7, or a number is none.
    """

    def __init__(self, functions: Sequence):
        self._functions = [sorted(each) for each in functions]
        numbers = [number for each in self._functions for number in each]
        if not self._functions or not all(self._functions):
            raise ValueError("A port switch wants at least one unit, and each unit a funct7")
        for number in numbers:
            if not isinstance(number, int) or not 0 <= number < 128:
                raise ValueError(f"funct7 must be from 0 to 127, not {number!r}")
        if len(set(numbers)) != len(numbers):
            raise ValueError(f"Two units want funct7 {min(n for n in numbers if numbers.count(n) > 1)}")
        self._telling = _telling_bits(self._functions)
        super().__init__({"port": In(CapabilityPort()), "units": Out(CapabilityPort()).array(len(functions))})

    def elaborate(self, platform):
        m = Module()
        issue, commit, result = self.port.issue, self.port.commit, self.port.result
        units = range(len(self._functions))
        # Whose instructions are in flight, and how many.
        owner, flying = Signal(len(units), init=1), Signal(range(MAX_IN_FLIGHT + 1))
        mine, free = Signal(len(units)), Signal()
        fire, take, killed = Signal(), Signal(), Signal()
        m.d.comb += [
            free.eq(flying == 0),
            fire.eq(issue.valid & issue.ready & issue.accept),
            take.eq(result.valid & result.ready),
            killed.eq(commit.valid & commit.kill),
        ]
        # The way from an instruction to what it holds up is long: no more of it is looked at than tells units apart.
        bits, own = self._telling
        telling, resembles = Cat(issue.insn[25 + bit] for bit in bits), Signal(len(units))
        # What resembles nobody's is taken at once, for the core to refuse it.
        m.d.comb += issue.ready.eq(~resembles.any())
        # That a result is there is known late, and comes last.
        kept, fewer = Signal.like(flying, attrs=SEPARATE), Signal.like(flying, attrs=SEPARATE)
        shows = Signal(len(units), attrs=SEPARATE)
        m.d.comb += [kept.eq(flying + fire - killed), fewer.eq(flying + fire - killed - 1),
                     shows.eq(Mux(free, 0, owner))]
        m.d.sync += flying.eq(Mux(take, fewer, kept))
        for number in units:
            unit, bit = self.units[number], 1 << number
            may, able = free | owner[number], Signal(name=f"able{number}", attrs=SEPARATE)
            m.d.comb += [
                able.eq(unit.issue.ready & may),
                resembles[number].eq(Cat(telling == values for values in own[number]).any()),
                mine[number].eq(Cat(issue.insn[25:] == each for each in self._functions[number]).any()),
                unit.issue.valid.eq(issue.valid & mine[number] & may),
                unit.issue.insn.eq(issue.insn),
                unit.issue.privilege.eq(issue.privilege),
                unit.issue.context.eq(issue.context),
                unit.issue.rs1.eq(issue.rs1),
                unit.issue.rs2.eq(issue.rs2),
                unit.commit.valid.eq(commit.valid & owner[number]),
                unit.commit.kill.eq(commit.kill),
                unit.result.ready.eq(result.ready & owner[number]),
            ]
            with m.If(resembles[number]):
                m.d.comb += issue.ready.eq(able)
            with m.If(mine[number]):
                m.d.comb += [
                    issue.accept.eq(unit.issue.accept),
                    issue.fence.eq(unit.issue.fence),
                ]
                with m.If(fire):
                    m.d.sync += owner.eq(bit)
        m.d.comb += result.valid.eq((Cat(unit.result.valid for unit in self.units) & shows).any())
        for name in ("data", "we", "exception", "cause"):
            values = []
            for number, unit in enumerate(self.units):
                # A unit's result is late: it meets the others' where the core wants it.
                value = Signal.like(getattr(result, name), name=f"{name}{number}", attrs=SEPARATE)
                m.d.comb += value.eq(Mux(owner[number], getattr(unit.result, name), 0))
                values.append(value)
            m.d.comb += getattr(result, name).eq(reduce(or_, values))
        return m
