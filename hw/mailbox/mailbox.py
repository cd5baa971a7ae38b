"""IPC mailbox (DESIGN 6): hardware queues of messages whose senders and receivers the capability unit checks.

Three sides work side by side. The *bus* side decodes one access at a time and never waits for a check, because the
unit may need the same bus to walk its tables. The *instruction* side answers each hart at its capability port. The
*command* side takes the pages that stored a command, and the instruction that wants one, in turn, asks the unit and
decides in one cycle. The *sequencer* moves words: it copies a message whose sender was found in
order, wipes what changes hands, and clears all memories after reset. The bus waits only for the sequencer, whose
work is bounded. See docs/datasheet/mailbox.md.
"""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..bus import wishbone
from ..capability.check import CheckPort
from ..core.port import CapabilityPort
from .commands import add_commands
from .config import MailboxConfig
from .control_page import add_control_page
from .hart_reset import add_hart_reset, closed_port
from .harts import add_harts
from .instructions import add_instructions
from .parts import Parts
from .registers import RATE_BITS, WINDOW_BYTES, memory_map
from .sequencer import add_sequencer
from .thread_pages import add_bus, add_thread_pages

__all__ = ["Mailbox"]


class Mailbox(wiring.Component):
    """The mailbox.

    Parameters
    ----------
    config : MailboxConfig

    Attributes
    ----------
    bus : In(wishbone.Signature)
        The window of 16 pages, with its memory map.
    check : Out(CheckPort())
        To the capability unit.
    port : In(CapabilityPort())
        From the hart whose contexts may use instructions; only if the configuration has contexts. With more than one
        hart an array of ports.
    resets : In(harts)
        Only with more than one: reset of each hart, as long as its bit is high. From the bit's first cycle on nothing
        of it happens any more; what it has staged and open is gone, and its contexts are bound to nothing.
    forget : In(1)
        The capability unit begins to forget something: answers that are not yet used are void, and messages that
        instructions have open are closed.
    irq : Out(1)
        High while queues with their interrupt enabled hold enough messages, or have held one for long enough.
    clearing : Out(1)
        High after reset until all memories are zero; accesses wait.
    fault : In(n)
        Only if the configuration lists faults: switches them on.
    """

    def __init__(self, config=None):
        config = MailboxConfig() if config is None else config
        if not isinstance(config, MailboxConfig):
            raise TypeError(f"Configuration must be a MailboxConfig, not {config!r}")
        self.config = config
        ports = {
            "bus": In(wishbone.peripheral_signature(exact_log2(WINDOW_BYTES))),
            "check": Out(CheckPort()),
            "irq": Out(1),
            "clearing": Out(1),
            "forget": In(1),
        }
        if config.contexts:
            ports["port"] = In(CapabilityPort()) if config.harts == 1 else In(CapabilityPort()).array(config.harts)
        if config.harts > 1:
            ports["resets"] = In(config.harts)
        if config.faults:
            ports["fault"] = In(len(config.faults))
        super().__init__(ports)
        self.bus.memory_map = memory_map(config)

    def elaborate(self, platform):
        m = Module()
        # The proofs look at the parts from outside.
        self.parts = parts = Parts(self.config, self.bus, self.check, self.fault if self.config.faults else None)
        parts.add_to(m)
        wiring.connect(m, wiring.flipped(self.check), parts.client.check)
        m.d.comb += [
            parts.client.late_fault.eq(parts.fault("late_answer")),
            parts.client.timeout_fault.eq(parts.fault("timeout_is_ok")),
            self.clearing.eq(parts.clearing),
        ]
        m.d.sync += parts.forgotten.eq(self.forget & ~parts.fault("no_forget"))
        self._add_interrupt(m, parts)
        add_bus(m, parts)
        add_thread_pages(m, parts)
        add_control_page(m, parts)
        add_commands(m, parts)
        if self.config.harts > 1:
            for side, port, reset in zip(parts.sides, self.port, self.resets, strict=True):
                add_instructions(m, parts, side, closed_port(m, port, reset))
            add_harts(m, parts)
            for side, reset in zip(parts.sides, self.resets, strict=True):
                add_hart_reset(m, parts, side, reset)
        elif self.config.contexts:
            add_instructions(m, parts, parts.sides[0], self.port)
            add_harts(m, parts)
        # Last: where it drives the same memory ports as the bus, it is the sequencer's turn.
        add_sequencer(m, parts)
        return m

    def _add_interrupt(self, m, parts):
        """The line, and the time that the first of too few messages has waited for it."""
        table, coalescing = parts.table, parts.coalescing
        enabled = parts.interrupt_enable | parts.fault("interrupt_always").replicate(self.config.queues)
        waiting, waited, expired = Signal(), Signal(RATE_BITS), Signal()
        m.d.comb += [
            table.threshold.eq(coalescing.threshold),
            waiting.eq((table.not_empty & enabled).any()),
            expired.eq((waited >= coalescing.delay) & ~parts.fault("no_delay")),
            self.irq.eq(waiting & ((table.ripe & enabled).any() | expired | parts.fault("no_threshold"))),
        ]
        with m.If(~waiting):
            m.d.sync += waited.eq(0)
        with m.Elif(~expired):
            m.d.sync += waited.eq(waited + 1)
