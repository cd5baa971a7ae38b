"""Wishbone arbiter: many initiators, one target, round robin."""

from functools import reduce
from operator import or_

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from . import wishbone

__all__ = ["Arbiter"]


class Arbiter(wiring.Component):
    """Shares a bus among initiators.

    Who owns the bus keeps it while its `cyc` is high, so bursts and locked sequences are never cut, and after that
    until somebody else asks: then it goes to the next requester behind the owner, in the next cycle. An initiator must
    let `cyc` fall between transactions, or the others starve.

    The owner is a register, one-hot: no initiator's `cyc` passes the choice on its way to the target and back.

    A target that knows what it will answer before it is asked can say so beside the bus. Then a request goes to it,
    and its answer comes from it, side by side and not one behind the other.

    Parameters
    ----------
    signature : wishbone.Signature
        Signature of the shared bus; default the system bus.
    near : tuple of int, optional
        Start and end, in bytes, of the window of such a target: a power of two, and a multiple of it. The bus does not
        bring its answers.

    Raises
    ------
    ValueError
        `near` is no such window, or the bus has no `err`.

    Attributes
    ----------
    bus : Interface, Out
        To the target.
    near_write, near_read : In(wishbone.Answer)
        What that target answers in this cycle to a request to write and to read, if there is one. Only with `near`.
    """

    def __init__(self, signature=None, *, near=None):
        signature = wishbone.system_signature() if signature is None else signature
        if not isinstance(signature, wishbone.Signature):
            raise TypeError(f"Signature must be a wishbone.Signature, not {signature!r}")
        members = {"bus": Out(signature)}
        if near is not None:
            members |= {"near_write": In(wishbone.Answer), "near_read": In(wishbone.Answer)}
            start, end = near
            if wishbone.Feature.ERR not in signature.features:
                raise ValueError("Arbiter needs the 'err' feature to hand on answers beside the bus")
            if end <= start or (end - start) & (end - start - 1) or start % (end - start):
                raise ValueError(f"Near window {start:#x}..{end:#x} must be a power of two and a multiple of it")
        super().__init__(members)
        self._near = near
        self._initiators = []

    def add(self, initiator):
        """Add an initiator's port (the port itself: the arbiter answers it).

        Raises
        ------
        TypeError
            Not a Wishbone interface.
        ValueError
            Width or granularity differ, or the initiator has no `err` where the bus has.
        """
        interface = wiring.flipped(initiator) if isinstance(initiator, wiring.FlippedInterface) else initiator
        if not isinstance(interface, wishbone.Interface):
            raise TypeError(f"Initiator must be a wishbone.Interface, not {initiator!r}")
        for what in ("addr_width", "data_width", "granularity"):
            if getattr(interface, what) != getattr(self.bus, what):
                raise ValueError(f"Initiator has {what} {getattr(interface, what)}, the arbiter "
                                 f"{getattr(self.bus, what)}")
        if wishbone.Feature.ERR in self.bus.features and wishbone.Feature.ERR not in interface.features:
            raise ValueError("Initiator lacks 'err', which the arbiter's bus has")
        self._initiators.append(initiator)
        #: Who has the bus, one-hot. Proofs look at it.
        self._owner = Signal(len(self._initiators), init=1, name="owner")

    def elaborate(self, platform):
        m = Module()
        if not self._initiators:
            return m
        count = len(self._initiators)
        request, owner, following = Signal(count), self._owner, Signal(count)
        m.d.comb += request.eq(Cat(initiator.cyc for initiator in self._initiators))
        for last in range(count):
            with m.If(owner[last]):
                # The last assignment wins: nearest behind the owner comes last.
                for distance in reversed(range(1, count)):
                    candidate = (last + distance) % count
                    with m.If(request[candidate]):
                        m.d.comb += following.eq(1 << candidate)
        with m.If(~(request & owner).any() & request.any()):
            m.d.sync += owner.eq(following)

        outgoing = ["adr", "dat_w", "sel", "cyc", "stb", "we"]
        for feature in (wishbone.Feature.LOCK, wishbone.Feature.CTI, wishbone.Feature.BTE):
            if feature in self.bus.features:
                outgoing.append(feature.value)
        for name in outgoing:
            target = Value.cast(getattr(self.bus, name))
            members = (Value.cast(getattr(initiator, name)) & owner[index].replicate(len(target))
                       for index, initiator in enumerate(self._initiators) if name in initiator.signature.members)
            m.d.comb += target.eq(reduce(or_, members, C(0)))
        errors = wishbone.Feature.ERR in self.bus.features
        for index, initiator in enumerate(self._initiators):
            ack, err = self.bus.ack, self.bus.err if errors else C(0)
            if self._near is not None:
                start, end = self._near
                inside = exact_log2(end - start)
                asks = initiator.cyc & initiator.stb & (
                    initiator.adr[inside - self.bus.word_bits:] == start >> inside)
                answer = wishbone.Answer(Mux(initiator.we, self.near_write.as_value(), self.near_read.as_value()))
                ack, err = ack | (asks & answer.ack), err | (asks & answer.err)
            m.d.comb += [initiator.dat_r.eq(self.bus.dat_r), initiator.ack.eq(ack & owner[index])]
            if errors:
                m.d.comb += initiator.err.eq(err & owner[index])
        return m
