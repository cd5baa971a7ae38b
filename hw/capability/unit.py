"""The capability unit (DESIGN 5): checks capabilities in hardware, as a cache of the kernel's tables.

It hangs on the core's capability port, reads the tables through a Wishbone master of its own, answers other blocks
through a check port, and has a register window. It is never an authority: whatever it cannot decide it refuses.
"""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..abi import RevokeState
from ..bus import wishbone
from ..core.port import CapabilityPort
from .check import CheckPort
from .config import FAULTS, CapabilityUnitConfig
from .engine import Engine
from .front import InstructionFront
from .requester import Requester
from .revoker import Revoker
from .window import Window

__all__ = ["CapabilityUnit", "assemble"]


def assemble(m, unit, window, planted, **parameters):
    """Put into module `m` what each hart's unit is made of, and wire it to the ports of `unit` and to each other.

    Parameters
    ----------
    m : Module
    unit : Component
        With `config`, and the ports of :class:`CapabilityUnit` but for `revoker`.
    window : Window
    planted : callable
        Value that says whether a fault, given by its name, is planted.
    **parameters
        More of the engine's.

    Returns
    -------
    SimpleNamespace
        `engine`, `front` and `window`, whose invalidates and revocations are not connected yet.
    """
    m.submodules.engine = engine = Engine(unit.config, planted, **parameters)
    m.submodules.front = front = InstructionFront(planted, unit.config.revocation)
    m.submodules.checker = checker = Requester()
    m.submodules.window = window

    wiring.connect(m, wiring.flipped(unit.port), front.port)
    wiring.connect(m, wiring.flipped(unit.walker), engine.walker)
    wiring.connect(m, wiring.flipped(unit.window), window.bus)
    wiring.connect(m, wiring.flipped(unit.check), checker.check)
    for index, requester in enumerate((front, checker, window)):
        wiring.connect(m, requester.lookup, engine.lookups[index])
    m.d.comb += [
        window.events[0].eq(front.event),
        window.events[1].eq(checker.event),
        engine.enable.eq(window.enable),
        engine.tables.eq(window.tables),
        engine.hold.eq(checker.hold),
        unit.forgets.eq(engine.started),
        front.started.eq(engine.started),
        front.clearing.eq(engine.clearing),
        front.select_valid.eq(window.select_valid),
        front.select_space.eq(window.select_space),
        window.selected.eq(front.selected),
        window.clearing.eq(engine.clearing),
        window.invalidated.eq(engine.invalidated),
        window.restarted.eq(engine.restarted),
        window.thrown_out.eq(engine.thrown_out),
    ]
    if unit.config.error_injection:
        m.d.comb += [engine.flip_valid.eq(window.flip_valid), engine.flip.eq(window.flip),
                     window.flip_done.eq(engine.flip_done)]
    return SimpleNamespace(engine=engine, front=front, window=window)


class CapabilityUnit(wiring.Component):
    """The capability unit of one hart. :class:`~hw.capability.units.CapabilityUnits` are those of several.

    Parameters
    ----------
    config : CapabilityUnitConfig, optional
        With one hart.

    Attributes
    ----------
    port : In(CapabilityPort())
        Instructions with funct7 0 and 1; others are not accepted.
    walker : Out(wishbone)
        Bus master that reads the tables.
    revoker : Out(wishbone)
        Only with `config.revocation`: bus master of the revocation engine, reads and writes slots.
    window : In(wishbone)
        Registers; `window.memory_map` lists them.
    check : In(CheckPort())
        For the mailbox. Whoever asks takes each response within a bounded time that depends on nothing here: while
        one waits, no invalidate begins.
    forgets : Out(1)
        An invalidate begins in this cycle; what was answered before may no longer hold once it is done.
    faults : In(len(FAULTS))
        Only with `config.fault_inputs`: plants faults, for tests.
    """

    def __init__(self, config=None):
        config = CapabilityUnitConfig() if config is None else config
        if not isinstance(config, CapabilityUnitConfig):
            raise TypeError(f"Configuration must be a CapabilityUnitConfig, not {config!r}")
        if config.harts != 1:
            raise ValueError(f"CapabilityUnit is for one hart, not {config.harts}: CapabilityUnits is for several")
        self.config = config
        self._window = Window(config)
        members = {
            "port": In(CapabilityPort()),
            "walker": Out(wishbone.system_signature()),
            **({"revoker": Out(wishbone.system_signature())} if config.revocation else {}),
            "window": In(self._window.bus.signature.flip()),
            "check": In(CheckPort()),
            "forgets": Out(1),
        }
        if config.fault_inputs:
            members["faults"] = In(len(FAULTS))
        super().__init__(members)
        self.window.memory_map = self._window.bus.memory_map

    def _planted(self, name):
        if self.config.fault_inputs:
            return self.faults[FAULTS.index(name)]
        return C(int(name in self.config.faults), 1)

    def elaborate(self, platform):
        m = Module()
        parts = assemble(m, self, self._window, self._planted, sources=3 if self.config.revocation else 2)
        engine, front, window = parts.engine, parts.front, parts.window
        sources = [front, window]
        if self.config.revocation:
            m.submodules.revoker = revoker = Revoker(self.config, self._planted)
            wiring.connect(m, wiring.flipped(self.revoker), revoker.bus)
            sources.append(revoker)
        for index, source in enumerate(sources):
            wiring.connect(m, source.invalidate, engine.invalidates[index])
        if self.config.revocation:
            self._connect_revoker(m, revoker, engine, front, window)
        return m

    def _connect_revoker(self, m, revoker, engine, front, window):
        for index, source in enumerate((front, window)):
            wiring.connect(m, source.revoke, revoker.starts[index])
            # What a run that begins now will say of itself.
            m.d.comb += [
                source.revoke_answer.accepted.eq(source.revoke.accepted),
                source.revoke_answer.state.eq(Mux(source.revoke.accepted, RevokeState.RUNNING, revoker.state)),
                source.revoke_answer.revoked.eq(Mux(source.revoke.accepted, 0, revoker.revoked)),
            ]
        m.d.comb += [
            window.progress.state.eq(revoker.state),
            window.progress.revoked.eq(revoker.revoked),
            window.revoked_at.eq(revoker.at),
            window.dead.eq(revoker.dead),
            window.killed.eq(revoker.killed),
            revoker.enable.eq(window.enable),
            revoker.tables.eq(window.tables),
            revoker.walking.eq(engine.walking),
            revoker.dead_valid.eq(window.dead_valid),
            revoker.dead_value.eq(window.dead_value),
        ]
