"""Arithmetic of atomic memory operations."""

from amaranth import *
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["AtomicOperation", "AtomicUnit"]


class AtomicOperation(enum.Enum, shape=5):
    """funct5 of the A extension (unprivileged specification, table 71)."""

    ADD = 0b00000
    SWAP = 0b00001
    LR = 0b00010
    SC = 0b00011
    XOR = 0b00100
    OR = 0b01000
    AND = 0b01100
    MIN = 0b10000
    MAX = 0b10100
    MINU = 0b11000
    MAXU = 0b11100


class AtomicUnit(wiring.Component):
    """Combinational: the value that an AMO writes. A word stands in both halves, of the operands and of the result."""

    operation: In(AtomicOperation)
    word: In(1)
    memory: In(64)
    register: In(64)
    result: Out(64)

    def elaborate(self, platform):
        m = Module()
        a, b = self.memory, self.register
        # One adder: the sum, or the difference that tells which is less. The upper halves alone decide that for words;
        # between the halves lies a bit that passes the carry, but not of a word.
        operation = self.operation.as_value()
        compares, unsigned_, wants_most = operation[4], operation[3], operation[2]
        addend = b ^ compares.replicate(64)
        total = Signal(66)
        less = Signal()
        m.d.comb += [
            total.eq((Cat(compares, a[:32], ~self.word, a[32:])
                      + Cat(compares, addend[:32], C(0, 1), addend[32:]))[1:]),
            less.eq((~total[65]) ^ (~unsigned_ & (a[63] ^ b[63]))),
        ]
        with m.Switch(self.operation):
            with m.Case(AtomicOperation.ADD):
                m.d.comb += self.result.eq(Cat(total[:32], total[33:]))
            with m.Case(AtomicOperation.XOR):
                m.d.comb += self.result.eq(a ^ b)
            with m.Case(AtomicOperation.OR):
                m.d.comb += self.result.eq(a | b)
            with m.Case(AtomicOperation.AND):
                m.d.comb += self.result.eq(a & b)
            with m.Case(AtomicOperation.MIN, AtomicOperation.MINU, AtomicOperation.MAX, AtomicOperation.MAXU):
                m.d.comb += self.result.eq(Mux(less ^ wants_most, a, b))
            with m.Default():
                m.d.comb += self.result.eq(b)
        return m
