"""Field actions: what a field of a register does when software reads and writes it."""

from amaranth import *
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Access", "FieldPort", "FieldAction", "R", "W", "RW", "RW1C", "External", "Reserved"]


class Access(enum.Enum):
    """What software may do; the other direction reads zero or has no effect."""

    R = "r"
    W = "w"
    RW = "rw"

    def readable(self):
        return self is not Access.W

    def writable(self):
        return self is not Access.R


class FieldPort(wiring.Signature):
    """Between a register and a field of `width` bits, seen from the register.

    Members
    -------
    r_data : In
        Value to read, valid in every cycle.
    r_stb : Out
        Software reads in this cycle.
    w_data, w_mask : Out
        Bits that are written, and which of them: those of the byte lanes that the store names.
    w_stb : Out
        Software writes in this cycle at least one bit of the register; look at `w_mask`.
    """

    def __init__(self, width):
        super().__init__({
            "r_data": In(width),
            "r_stb": Out(1),
            "w_data": Out(width),
            "w_mask": Out(width),
            "w_stb": Out(1),
        })


class FieldAction(wiring.Component):
    """Base of all actions.

    Parameters
    ----------
    shape : shape-like
        Of the field's value.
    members : dict
        Ports to the hardware, besides `port`.
    init : int or constant of `shape`
        Value after reset, where the action keeps one.
    """

    #: Every subclass states its own.
    access = None

    def __init__(self, shape, members, *, init=None):
        self.shape = shape
        self.width = Shape.cast(shape).width
        if self.width == 0:
            raise ValueError(f"Field of shape {shape!r} has no bits")
        self.init = init
        super().__init__({"port": In(FieldPort(self.width)), **members})


class R(FieldAction):
    """Hardware gives the value: `r_data`; `r_stb` tells of a read."""

    access = Access.R

    def __init__(self, shape):
        super().__init__(shape, {"r_data": In(shape), "r_stb": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [self.port.r_data.eq(self.r_data), self.r_stb.eq(self.port.r_stb)]
        return m


class W(FieldAction):
    """Hardware takes the value: `w_data` while `w_stb`. A store that names only part of the field does nothing."""

    access = Access.W

    def __init__(self, shape):
        super().__init__(shape, {"w_data": Out(shape), "w_stb": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [
            Value.cast(self.w_data).eq(self.port.w_data),
            self.w_stb.eq(self.port.w_stb & self.port.w_mask.all()),
        ]
        return m


class RW(FieldAction):
    """Storage that software reads and writes: `data`; `w_stb` is high in the first cycle of a new value."""

    access = Access.RW

    def __init__(self, shape, *, init=None):
        super().__init__(shape, {"data": Out(shape, init=init), "w_stb": Out(1)}, init=init)

    def elaborate(self, platform):
        m = Module()
        data = Value.cast(self.data)
        m.d.comb += self.port.r_data.eq(data)
        m.d.sync += self.w_stb.eq(self.port.w_stb & self.port.w_mask.any())
        with m.If(self.port.w_stb):
            m.d.sync += data.eq((data & ~self.port.w_mask) | (self.port.w_data & self.port.w_mask))
        return m


class RW1C(FieldAction):
    """Sticky bits: hardware sets them by `set`, software clears them by writing ones. Setting wins."""

    access = Access.RW

    def __init__(self, shape, *, init=None):
        super().__init__(shape, {"data": Out(shape, init=init), "set": In(shape)}, init=init)

    def elaborate(self, platform):
        m = Module()
        data = Value.cast(self.data)
        cleared = Mux(self.port.w_stb, self.port.w_data & self.port.w_mask, 0)
        m.d.comb += self.port.r_data.eq(data)
        m.d.sync += data.eq((data & ~cleared) | Value.cast(self.set))
        return m


class External(FieldAction):
    """The hardware sees the port itself, as `bus`, and does what it likes."""

    def __init__(self, shape, access, *, init=None):
        self.access = Access(access)
        super().__init__(shape, {"bus": Out(FieldPort(Shape.cast(shape).width))}, init=init)

    def elaborate(self, platform):
        m = Module()
        wiring.connect(m, wiring.flipped(self.port), wiring.flipped(self.bus))
        return m


class Reserved(FieldAction):
    """Reads zero; writes have no effect."""

    access = Access.R

    def __init__(self, shape):
        super().__init__(shape, {})

    def elaborate(self, platform):
        return Module()
