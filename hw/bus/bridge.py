"""Wishbone bridge: the bus side of a register bank."""

from functools import reduce
from operator import or_

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from . import wishbone
from .register import RegisterBank

__all__ = ["Bridge"]


class Bridge(wiring.Component):
    """Wishbone target in front of a register bank.

    A read samples its registers and a write reaches them in the first cycle of the transfer; the answer comes in
    the second. Each byte lane counts by itself: a 32-bit access touches one of two registers in a bus word. An access
    whose lanes touch no register is answered with `err`.

    Parameters
    ----------
    bank : RegisterBank

    Attributes
    ----------
    bus : Interface, In
        :func:`~hw.bus.wishbone.peripheral_signature` of the bank's address width.
    """

    def __init__(self, bank):
        if not isinstance(bank, RegisterBank):
            raise TypeError(f"Bank must be a RegisterBank, not {bank!r}")
        bank.memory_map.freeze()
        self._bank = bank
        super().__init__({"bus": In(wishbone.peripheral_signature(bank.memory_map.addr_width))})
        self.bus.memory_map = bank.memory_map

    def elaborate(self, platform):
        m = Module()
        request = Signal()
        mapped = Signal()
        r_data = Signal(64)
        lanes = Signal(64)
        m.d.comb += [
            request.eq(self.bus.cyc & self.bus.stb & ~self.bus.ack & ~self.bus.err),
            lanes.eq(Cat(lane.replicate(8) for lane in self.bus.sel)),
        ]
        words = {}
        for register, name, start, _ in self._bank.memory_map.resources():
            m.submodules[name] = register
            special = Cat(other.when for other in register.alternates if other.when is not None).any()
            place = words.setdefault(start >> 3, [])
            place.append((register, start & 7, ~special))
            for other in register.alternates:
                m.submodules[other.name] = other.register
                place.append((other.register, start & 7, ~special if other.when is None else other.when))
        with m.Switch(self.bus.adr):
            for word, registers_in_word in words.items():
                with m.Case(word):
                    touched, read = [], []
                    for register, first, active in registers_in_word:
                        lanes_hit = self.bus.sel[first:first + register.width // 8].any()
                        touched.append(lanes_hit)
                        m.d.comb += [
                            register.element.r_stb.eq(request & ~self.bus.we & lanes_hit & active),
                            register.element.w_stb.eq(request & self.bus.we & lanes_hit & active),
                        ]
                        if register.access.readable():
                            read.append(Mux(active, register.element.r_data, 0) << 8 * first)
                    m.d.comb += [mapped.eq(Cat(touched).any()), r_data.eq(reduce(or_, read, C(0)))]
        for registers_in_word in words.values():
            for register, first, _ in registers_in_word:
                bits = slice(8 * first, 8 * first + register.width)
                m.d.comb += [
                    register.element.w_data.eq(self.bus.dat_w[bits]),
                    register.element.w_mask.eq(lanes[bits]),
                ]
        m.d.sync += [
            self.bus.ack.eq(request & mapped),
            self.bus.err.eq(request & ~mapped),
        ]
        with m.If(request):
            m.d.sync += self.bus.dat_r.eq(r_data)
        return m
