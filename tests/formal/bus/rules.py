"""The rules of Wishbone B4 as properties, to assume of one side of a port and to prove of the other."""

from amaranth.hdl import Mux, Signal, Value
from amaranth.lib import data

from hw.bus import wishbone

__all__ = ["initiator_rules", "target_rules"]

CONST_BURST = wishbone.CycleType.CONST_BURST.value
INCR_BURST = wishbone.CycleType.INCR_BURST.value
END_OF_BURST = wishbone.CycleType.END_OF_BURST.value


def _cast(value):
    return Value.cast(value)


def initiator_rules(m, bus, check, *, bursts=None):
    """What an initiator must do (Wishbone B4 sections 3.1.3, 3.2 and 4.2).

    A request stands still until it is answered, and `stb` comes with `cyc`. Inside a burst `cyc` stays and the next
    beat is at the address that the burst's kind says.

    Parameters
    ----------
    m : Module
    bus : Interface
    check : callable
        `Assert` or `Assume`.
    bursts : bool or None
        Whether the initiator may make bursts; None does not look at `cti` and `bte`, as a target must that sees
        only the part of a burst that lies in its window.

    Returns
    -------
    data view or None
        With bursts: what the rules remember of one, for invariants.
    """
    answered = bus.ack | (bus.err if wishbone.Feature.ERR in bus.signature.features else 0)
    m.d.comb += check(bus.cyc | ~bus.stb)
    names = ["adr", "we", "sel", "dat_w"] + [name for name in ("cti", "bte", "lock") if hasattr(bus, name)]
    before = {name: Signal(len(_cast(getattr(bus, name))), name=f"before_{name}") for name in names}
    for name, past in before.items():
        m.d.sync += past.eq(_cast(getattr(bus, name)))
    waits = Signal()
    m.d.sync += waits.eq(bus.cyc & bus.stb & ~answered)
    with m.If(waits):
        m.d.comb += check(bus.cyc & bus.stb)
        for name, past in before.items():
            value = _cast(getattr(bus, name))
            # Data of a read mean nothing.
            m.d.comb += check(Mux(bus.we, value == past, 1) if name == "dat_w" else value == past)
    if bursts is False:
        m.d.comb += check(bus.cti == wishbone.CycleType.CLASSIC)
    elif bursts:
        return _burst_rules(m, bus, check, answered)
    return None


def _burst_rules(m, bus, check, answered):
    """Between the beats of a burst."""
    kind, bte = _cast(bus.cti), _cast(bus.bte)
    burst = Signal(data.StructLayout({"inside": 1, "expected": len(bus.adr), "kind": 3, "bte": 2, "we": 1}))
    m.d.comb += check(kind.matches(*(member.value for member in wishbone.CycleType)))
    with m.If(bus.stb & answered):
        m.d.sync += [
            # An error ends a burst.
            burst.inside.eq(((kind == CONST_BURST) | (kind == INCR_BURST)) & bus.ack),
            burst.expected.eq(wishbone.next_burst_address(bus.adr, bus.cti, bus.bte)),
            burst.kind.eq(kind),
            burst.bte.eq(bte),
            burst.we.eq(bus.we),
        ]
    with m.If(burst.inside):
        m.d.comb += check(bus.cyc)
        with m.If(bus.stb):
            m.d.comb += [
                check(bus.adr == burst.expected),
                check(bus.we == burst.we),
                check(bte == burst.bte),
                check((kind == burst.kind) | (kind == END_OF_BURST)),
            ]
    return burst


def target_rules(m, bus, check):
    """What a target must do: answer requests only, and with one of `ack` and `err` (sections 3.1.3 and 3.2)."""
    err = bus.err if wishbone.Feature.ERR in bus.signature.features else 0
    m.d.comb += [check((bus.cyc & bus.stb) | ~(bus.ack | err)), check(~(bus.ack & err))]
