"""Platform-level interrupt controller (RISC-V PLIC specification 1.0.0, SiFive's layout as QEMU `virt`)."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..bus.bridge import Bridge
from ..bus.field import RW, External, R, Reserved
from ..bus.register import Field, Register, RegisterBank

__all__ = ["Plic"]

PRIORITY_OFFSET = 0x0
PENDING_OFFSET = 0x1000
ENABLE_OFFSET, ENABLE_STRIDE = 0x2000, 0x80
CONTEXT_OFFSET, CONTEXT_STRIDE = 0x20_0000, 0x1000
CLAIM_OFFSET = 4
ADDRESS_BITS = 26

#: One word of enables; source 0 means "none".
SOURCES_MAX = 31
CONTEXTS_MAX = 15872
#: Priorities 0 (never) to 7, as on QEMU `virt`.
PRIORITY_BITS = 3


class Plic(wiring.Component):
    """Interrupt controller for level-triggered sources.

    Parameters
    ----------
    sources : int
        Number of sources; their numbers are 1..sources.
    contexts : int
        Number of targets. By convention two for each hart: 2n is its M-mode, 2n+1 its S-mode.

    Attributes
    ----------
    bus : Interface, In
        ``peripheral_signature(26)``: 64 MiB.
    source : In(sources + 1)
        Interrupt lines by number; bit 0 is ignored.
    irq : Out(contexts)
        To the harts' external interrupt inputs.
    """

    class Priority(Register, access="rw", width=32):
        """Priority of one source; 0 never interrupts."""

        level: Field(RW, PRIORITY_BITS, description="0 (never) to 7")

    class Pending(Register, access="r", width=32):
        """Sources that wait to be claimed."""

    class Enable(Register, access="rw", width=32):
        """Sources that may interrupt one context."""

    class Threshold(Register, access="rw", width=32):
        """A context is interrupted only by priorities above this."""

        level: Field(RW, PRIORITY_BITS, description="0 (all) to 7 (none)")

    class Claim(Register, access="rw", width=32):
        """Read: claim the most urgent pending source, 0 if none. Write: complete that source."""

        source: Field(External, 32, "rw", description="number of the source")

    def __init__(self, *, sources, contexts):
        if not isinstance(sources, int) or not 1 <= sources <= SOURCES_MAX:
            raise ValueError(f"Number of sources must be an integer from 1 to {SOURCES_MAX}, not {sources!r}")
        if not isinstance(contexts, int) or not 1 <= contexts <= CONTEXTS_MAX:
            raise ValueError(f"Number of contexts must be an integer from 1 to {CONTEXTS_MAX}, not {contexts!r}")
        self.sources = sources
        self.contexts = contexts

        def by_number(action):
            return {"_none": Field(Reserved, 1), "sources": Field(action, sources, description="bit by number")}

        bank = RegisterBank(addr_width=ADDRESS_BITS)
        self._priorities = [bank.add(f"priority_{number}", self.Priority(), offset=PRIORITY_OFFSET + 4 * number)
                            for number in range(1, sources + 1)]
        self._pending = bank.add("pending", self.Pending(by_number(R)), offset=PENDING_OFFSET)
        self._enables, self._thresholds, self._claims = [], [], []
        for context in range(contexts):
            self._enables.append(bank.add(f"enable_{context}", self.Enable(by_number(RW)),
                                          offset=ENABLE_OFFSET + ENABLE_STRIDE * context))
        for context in range(contexts):
            base = CONTEXT_OFFSET + CONTEXT_STRIDE * context
            self._thresholds.append(bank.add(f"threshold_{context}", self.Threshold(), offset=base))
            self._claims.append(bank.add(f"claim_{context}", self.Claim(), offset=base + CLAIM_OFFSET))
        self._bridge = Bridge(bank)
        super().__init__({
            "bus": In(self._bridge.bus.signature.flip()),
            "source": In(sources + 1),
            "irq": Out(contexts),
        })
        self.bus.memory_map = bank.memory_map

    def elaborate(self, platform):
        m = Module()
        m.submodules.bridge = self._bridge
        wiring.connect(m, wiring.flipped(self.bus), self._bridge.bus)

        # Gateways (specification chapter 3): a source that was claimed is deaf until it is completed. Once pending it
        # stays so until a claim, even if the line falls.
        pending = Signal(self.sources + 1)
        in_service = Signal(self.sources + 1)
        claimed = Signal(self.sources + 1)
        completed = Signal(self.sources + 1)
        m.d.comb += self._pending.f.sources.r_data.eq(pending[1:])
        m.d.sync += [
            pending.eq((pending | (self.source & ~in_service)) & ~claimed & ~1),
            in_service.eq((in_service | claimed) & ~completed & ~1),
        ]

        for context in range(self.contexts):
            enabled = Signal(self.sources + 1, name=f"enabled_{context}")
            m.d.comb += enabled.eq(self._enables[context].f.sources.data << 1)
            number, level = self._most_urgent(m, pending & enabled, context)
            # Registered: the tree is deep. It is up to date again two cycles after a claim, when the next access can
            # come at the earliest (the bridge takes two).
            best = Signal.like(number, name=f"best_{context}")
            m.d.sync += [
                best.eq(number),
                self.irq[context].eq(level > self._thresholds[context].f.level.data),
            ]
            port = self._claims[context].f.source.bus
            m.d.comb += port.r_data.eq(best)
            with m.If(port.r_stb):
                m.d.comb += claimed.bit_select(best, 1).eq(1)
            # Only a source that is enabled for the context can be completed there.
            with m.If(port.w_stb & port.w_mask.all() & (port.w_data <= self.sources)):
                finished = port.w_data[:len(best)]
                m.d.comb += completed.bit_select(finished, 1).eq(enabled.bit_select(finished, 1))
        return m

    def _most_urgent(self, m, candidates, context):
        """Number and priority of the candidate with the highest priority, lowest number first; 0 if none."""
        entries = [(C(0, range(self.sources + 1)), C(0, PRIORITY_BITS))]
        for number, register in enumerate(self._priorities, start=1):
            entries.append((C(number, range(self.sources + 1)),
                            Mux(candidates[number], register.f.level.data, 0)))
        depth = 0
        while len(entries) > 1:
            merged = []
            for index in range(0, len(entries) - 1, 2):
                (left_number, left_level), (right_number, right_level) = entries[index:index + 2]
                number = Signal(range(self.sources + 1), name=f"number_{context}_{depth}_{index}")
                level = Signal(PRIORITY_BITS, name=f"level_{context}_{depth}_{index}")
                later = right_level > left_level
                m.d.comb += [
                    number.eq(Mux(later, right_number, left_number)),
                    level.eq(Mux(later, right_level, left_level)),
                ]
                merged.append((number, level))
            if len(entries) % 2:
                merged.append(entries[-1])
            entries, depth = merged, depth + 1
        return entries[0]
