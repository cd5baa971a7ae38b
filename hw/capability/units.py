"""Capability units of several harts that stay coherent: one unit next to each hart, one broadcast of invalidates, one
revocation engine, one port to memory for all."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..abi import RevokeState, Verdict
from ..bus import wishbone
from ..bus.arbiter import Arbiter
from ..bus.decoder import Decoder
from ..core.port import CapabilityPort, connect_closed
from .broadcast import Broadcast
from .check import CheckPort, CheckResponse
from .config import CapabilityUnitConfig
from .hart_unit import HartUnit
from .revoker import Revoker
from .unit import CapabilityUnit
from .window import ADDRESS_BITS

__all__ = ["CapabilityUnits", "capability_unit"]


class CapabilityUnits(wiring.Component):
    """Coherent capability units, the number `h` in the name of a port being the hart's.

    Parameters
    ----------
    config : CapabilityUnitConfig
        With at least two harts.

    Attributes
    ----------
    port0 ... : In(CapabilityPort())
    check0 ... : In(CheckPort())
    forgets0 ... : Out(1)
        As those of :class:`~hw.capability.unit.CapabilityUnit`.
    memory : Out(wishbone)
        Bus master of all walkers, which read, and of the revocation engine, which reads in bursts and writes.
    window : In(wishbone)
        Registers: 4 KiB for each hart, `window.memory_map` lists them. While a unit is in reset its registers answer
        with `err`.
    resets : In(harts)
        Reset of each hart. Its unit is in reset from the end of its bus cycle on, and as long as the bit is high.
        Whoever speaks to it is told so from the bit's first cycle on.
    faults : In
        Only with `config.fault_inputs`: plants faults, for tests.
    """

    def __init__(self, config):
        if not isinstance(config, CapabilityUnitConfig):
            raise TypeError(f"Configuration must be a CapabilityUnitConfig, not {config!r}")
        if config.harts < 2:
            raise ValueError(f"CapabilityUnits are for at least 2 harts, not {config.harts}: CapabilityUnit is for one")
        self.config = config
        self._units = [HartUnit(config, self._planted) for _ in range(config.harts)]
        self._decoder = Decoder(wishbone.peripheral_signature(ADDRESS_BITS + ceil_log2(config.harts)))
        self._inner = []
        for number, unit in enumerate(self._units):
            inner = wishbone.peripheral_signature(ADDRESS_BITS).create()
            inner.memory_map = unit.window.memory_map
            self._inner.append(inner)
            self._decoder.add(inner, name=f"hart{number}")
        members = {
            "memory": Out(wishbone.system_signature()),
            "window": In(self._decoder.bus.signature.flip()),
            "resets": In(config.harts),
        }
        for number in range(config.harts):
            members |= {f"port{number}": In(CapabilityPort()), f"check{number}": In(CheckPort()),
                        f"forgets{number}": Out(1)}
        if config.fault_inputs:
            members["faults"] = In(len(config.known_faults))
        super().__init__(members)
        self.window.memory_map = self._decoder.bus.memory_map

    def _planted(self, name):
        if self.config.fault_inputs:
            return self.faults[self.config.known_faults.index(name)]
        return C(int(name in self.config.faults), 1)

    def elaborate(self, platform):
        m = Module()
        config, harts = self.config, self.config.harts
        m.submodules.broadcast = broadcast = Broadcast(config, self._planted)
        m.submodules.revoker = revoker = Revoker(config, self._planted, starters=2 * harts)
        m.submodules.arbiter = arbiter = Arbiter()
        m.submodules.decoder = self._decoder
        wiring.connect(m, wiring.flipped(self.memory), arbiter.bus)
        wiring.connect(m, wiring.flipped(self.window), self._decoder.bus)

        in_reset = Signal(harts)
        m.d.comb += [broadcast.resets.eq(in_reset), revoker.walking.eq(
            Cat(unit.revocation.walking for unit in self._units).any())]
        for number, unit in enumerate(self._units):
            self._add_unit(m, number, unit, in_reset[number])
            arbiter.add(unit.walker)
            for index in range(2):
                wiring.connect(m, unit.asks[index], broadcast.sources[2 * number + index])
            wiring.connect(m, broadcast.units[number], unit.forget)
            m.d.comb += [unit.hart.eq(number), unit.late.eq(broadcast.late), unit.failed.eq(broadcast.failed[number])]
        arbiter.add(revoker.bus)
        wiring.connect(m, revoker.invalidate, broadcast.sources[-1])
        m.d.comb += broadcast.starter.eq(self._share(m, revoker))
        return m

    def _add_unit(self, m, number, unit, in_reset):
        """A unit with its reset, which waits until no transfer of its own is on the bus. Whoever speaks to it from the
        reset's first cycle on is told so, or waits: what it still does will be gone."""
        wanted, closed = Signal(name=f"wanted{number}"), Signal(name=f"closed{number}")
        m.d.comb += [closed.eq(self.resets[number] | wanted), in_reset.eq(closed & ~unit.walker.cyc)]
        m.d.sync += wanted.eq(closed & unit.walker.cyc)
        m.submodules[f"unit{number}"] = ResetInserter(in_reset)(unit)

        connect_closed(m, getattr(self, f"port{number}"), unit.port, closed)

        check, inner = getattr(self, f"check{number}"), self._inner[number]
        # A question that the unit has taken is not forgotten with it: who asked hears UNDECIDED.
        owed, lost, dropped = (Signal(name=f"{name}{number}") for name in ("owed", "lost", "dropped"))
        answered = check.response.valid & check.response.ready
        undecided = Signal(CheckResponse, name=f"undecided{number}")
        m.d.comb += [
            dropped.eq(lost | (owed & closed)),
            undecided.verdict.eq(Verdict.UNDECIDED),
            unit.check.request.payload.eq(check.request.payload),
            unit.check.request.valid.eq(check.request.valid & ~closed & ~dropped),
            check.request.ready.eq(unit.check.request.ready & ~closed & ~dropped),
            check.response.payload.eq(Mux(dropped, undecided, unit.check.response.payload)),
            check.response.valid.eq(dropped | (unit.check.response.valid & ~closed)),
            unit.check.response.ready.eq(check.response.ready & ~closed & ~dropped),
            getattr(self, f"forgets{number}").eq(unit.forgets),
        ]
        m.d.sync += [
            owed.eq((check.request.valid & check.request.ready) | (owed & ~answered)),
            lost.eq(dropped & ~answered),
        ]
        for name in ("adr", "dat_w", "sel", "we"):
            m.d.comb += getattr(unit.window, name).eq(getattr(inner, name))
        m.d.comb += [
            unit.window.cyc.eq(inner.cyc & ~closed),
            unit.window.stb.eq(inner.stb & ~closed),
            inner.dat_r.eq(unit.window.dat_r),
            inner.ack.eq(unit.window.ack & ~closed),
            inner.err.eq(unit.window.err | (closed & inner.cyc & inner.stb)),
        ]

    def _share(self, m, revoker):
        """Connect the revocation engine to all units; returns the hart that began the run."""
        harts = self.config.harts
        starter, begins, dead_values = Signal(range(harts)), Signal(harts), []
        for number, unit in enumerate(self._units):
            link = unit.revocation
            for index in range(2):
                wiring.connect(m, link.starts[index], revoker.starts[2 * number + index])
                # Who is refused because another begins just now sees that run, too.
                m.d.comb += [
                    link.answers[index].accepted.eq(link.starts[index].accepted),
                    link.answers[index].state.eq(Mux(begins.any(), RevokeState.RUNNING, revoker.state)),
                    link.answers[index].revoked.eq(Mux(begins.any(), 0, revoker.revoked)),
                ]
            m.d.comb += [
                begins[number].eq(Cat(start.accepted for start in link.starts).any()),
                link.progress.state.eq(revoker.state),
                link.progress.revoked.eq(revoker.revoked),
                link.at.eq(revoker.at),
                link.dead.eq(revoker.dead),
                link.killed.eq(revoker.killed & (starter == number)),
            ]
            with m.If(begins[number]):
                m.d.sync += starter.eq(number)
            # It runs by the tables of the unit that began.
            with m.If(starter == number):
                m.d.comb += [revoker.enable.eq(link.enable), revoker.tables.eq(link.tables)]
            with m.If(link.dead_valid):
                m.d.comb += revoker.dead_value.eq(link.dead_value)
            dead_values.append(link.dead_valid)
        m.d.comb += revoker.dead_valid.eq(Cat(dead_values).any())
        return starter


def capability_unit(config=None):
    """The capability unit, or the units, for a configuration."""
    config = CapabilityUnitConfig() if config is None else config
    several = isinstance(config, CapabilityUnitConfig) and config.harts > 1
    return CapabilityUnits(config) if several else CapabilityUnit(config)
