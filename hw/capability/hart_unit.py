"""The capability unit of one of several harts: all but the revocation engine, which the harts share, and with
invalidates that go through the broadcast."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..abi import RevokeAnswer
from ..bus import wishbone
from ..core.port import CapabilityPort
from .broadcast import ForgetPort
from .check import CheckPort
from .engine import InvalidatePort
from .revoker import SLOT_BITS, StartPort
from .unit import assemble
from .walker import TableRegisters
from .window import Window

__all__ = ["HartUnit", "RevocationPort"]


class RevocationPort(wiring.Signature):
    """What a unit and the revocation engine tell each other, seen from the unit.

    `starts` and `answers` of instruction front and window; tables and switch for a run that begins here; a walk is
    under way; how the engine stands; the list of dead slots, and stores to it; to count: a slot was emptied on behalf
    of this hart.
    """

    def __init__(self):
        super().__init__({
            "starts": Out(StartPort()).array(2),
            "answers": In(RevokeAnswer).array(2),
            "enable": Out(1),
            "tables": Out(TableRegisters),
            "walking": Out(1),
            "progress": In(RevokeAnswer),
            "at": In(SLOT_BITS),
            "dead": In(SLOT_BITS),
            "dead_valid": Out(1),
            "dead_value": Out(SLOT_BITS),
            "killed": In(1),
        })


class HartUnit(wiring.Component):
    """One hart's unit. Elaborated as part of :class:`~hw.capability.units.CapabilityUnits`.

    Parameters
    ----------
    config : CapabilityUnitConfig
    planted : callable
        Value that says whether a fault, given by its name, is planted.

    Attributes
    ----------
    port, walker, window, check, forgets
        As those of :class:`~hw.capability.unit.CapabilityUnit`.
    asks : array of InvalidatePort
        Instruction front and window, to the broadcast.
    forget : In(ForgetPort())
        From the broadcast.
    revocation : Out(RevocationPort())
    hart, late, failed : In
        For the window: number of this hart; which units have not forgotten in time; an invalidate of this hart failed.
    """

    def __init__(self, config, planted):
        self.config, self._planted = config, planted
        self._window = Window(config)
        super().__init__({
            "port": In(CapabilityPort()),
            "walker": Out(wishbone.system_signature()),
            "window": In(self._window.bus.signature.flip()),
            "check": In(CheckPort()),
            "forgets": Out(1),
            "asks": Out(InvalidatePort()).array(2),
            "forget": In(ForgetPort()),
            "revocation": Out(RevocationPort()),
            "hart": In(8),
            "late": In(config.harts),
            "failed": In(1),
        })
        self.window.memory_map = self._window.bus.memory_map

    def elaborate(self, platform):
        m = Module()
        planted = self._planted
        parts = assemble(m, self, self._window, planted, sources=2)
        engine, front, window = parts.engine, parts.front, parts.window
        told, own = engine.invalidates
        forget, revocation = self.forget, self.revocation

        # Broadcasts go before this unit's own forgetting. Being told lasts to the end, asking only to the start.
        begun, lost = Signal(), Signal()
        m.d.comb += lost.eq(forget.valid & forget.remote & ~begun & planted("lose_remote")
                            & Cat(port.valid for port in self.asks).any())
        with m.If(told.start):
            m.d.sync += begun.eq(1)
        with m.Elif(told.done):
            m.d.sync += begun.eq(0)
        m.d.comb += [
            told.valid.eq(forget.valid & ~begun & ~lost),
            told.request.eq(forget.request),
            engine.remote.eq(forget.remote & ~own.done),
            forget.done.eq(told.done | lost),
        ]

        # What this unit asks for. That its tables have moved is nobody else's business, and does not wait for others.
        wiring.connect(m, front.invalidate, wiring.flipped(self.asks[0]))
        asked, asks = window.invalidate, self.asks[1]
        m.d.comb += [
            own.valid.eq(asked.valid & window.own),
            own.request.eq(asked.request),
            asks.valid.eq(asked.valid & ~window.own),
            asks.request.eq(asked.request),
            asked.start.eq(own.start | asks.start),
            asked.done.eq(own.done | asks.done),
            asked.failed.eq(asks.failed),
        ]

        for index, source in enumerate((front, window)):
            wiring.connect(m, source.revoke, wiring.flipped(revocation.starts[index]))
            m.d.comb += source.revoke_answer.eq(revocation.answers[index])
        m.d.comb += [
            front.started.eq(engine.started & ~(forget.remote & told.start & planted("keep_remote_answer"))),
            revocation.enable.eq(window.enable),
            revocation.tables.eq(window.tables),
            revocation.walking.eq(engine.walking),
            revocation.dead_valid.eq(window.dead_valid),
            revocation.dead_value.eq(window.dead_value),
            window.progress.eq(revocation.progress),
            window.revoked_at.eq(revocation.at),
            window.dead.eq(revocation.dead),
            window.killed.eq(revocation.killed),
            window.hart.eq(self.hart),
            window.late.eq(self.late),
            window.remote.eq(told.done & forget.remote),
            window.unanswered.eq(self.failed),
        ]
        return m
