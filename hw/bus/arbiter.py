"""Wishbone arbiter: many initiators, one target, round robin."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from . import wishbone

__all__ = ["Arbiter"]


class Arbiter(wiring.Component):
    """Shares a bus among initiators.

    Who owns the bus keeps it while its `cyc` is high, so bursts and locked sequences are never cut. A free bus
    goes in the same cycle to the next requester behind the last owner. An initiator must let `cyc` fall between
    transactions, or the others starve.

    Parameters
    ----------
    signature : wishbone.Signature
        Signature of the shared bus; default the system bus.

    Attributes
    ----------
    bus : Interface, Out
        To the target.
    """

    def __init__(self, signature=None):
        signature = wishbone.system_signature() if signature is None else signature
        if not isinstance(signature, wishbone.Signature):
            raise TypeError(f"Signature must be a wishbone.Signature, not {signature!r}")
        super().__init__({"bus": Out(signature)})
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

    def elaborate(self, platform):
        m = Module()
        if not self._initiators:
            return m
        count = len(self._initiators)
        request = Signal(count)
        #: Last owner, and who has the bus in this cycle.
        owner = Signal(range(count))
        grant = Signal(range(count))
        m.d.comb += [
            request.eq(Cat(initiator.cyc for initiator in self._initiators)),
            grant.eq(owner),
        ]
        m.d.sync += owner.eq(grant)
        with m.If(~request.bit_select(owner, 1)):
            with m.Switch(owner):
                for last in range(count):
                    # The default takes in the codes that no initiator has, so that none of them can get stuck.
                    with m.Case(last) if last < count - 1 else m.Default():
                        # The last assignment wins: nearest behind the last owner comes last. (The owner itself
                        # does not ask here, unless the code was not its own.)
                        for distance in reversed(range(1, count + 1)):
                            candidate = (last + distance) % count
                            with m.If(request[candidate]):
                                m.d.comb += grant.eq(candidate)

        outgoing = ["adr", "dat_w", "sel", "cyc", "stb", "we"]
        for feature in (wishbone.Feature.LOCK, wishbone.Feature.CTI, wishbone.Feature.BTE):
            if feature in self.bus.features:
                outgoing.append(feature.value)
        for initiator in self._initiators:
            m.d.comb += initiator.dat_r.eq(self.bus.dat_r)
        with m.Switch(grant):
            for index, initiator in enumerate(self._initiators):
                with m.Case(index) if index < count - 1 else m.Default():
                    for name in outgoing:
                        if name in initiator.signature.members:
                            m.d.comb += getattr(self.bus, name).eq(getattr(initiator, name))
                    m.d.comb += initiator.ack.eq(self.bus.ack)
                    if wishbone.Feature.ERR in self.bus.features:
                        m.d.comb += initiator.err.eq(self.bus.err)
        return m
