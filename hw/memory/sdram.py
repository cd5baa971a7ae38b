"""Controller of an SDR SDRAM chip behind a Wishbone target.

A bus word is one burst of the chip. Rows stay open, one in each bank, until another row of the bank or a refresh is
wanted. Within a burst of the bus the next word is read ahead, so that the data pins are busy in every cycle.
"""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..bus import wishbone
from ..bus.memory_map import MemoryBlock, MemoryMap
from .sdram_config import ALL_BANKS_BIT, BURST_LENGTH, SdramConfig

__all__ = ["Command", "SdramController", "SdramPins"]


class Command(enum.Enum, shape=3):
    """The pins RAS#, CAS#, WE#, from bit 2 down."""

    MODE = 0b000
    REFRESH = 0b001
    PRECHARGE = 0b010
    ACTIVATE = 0b011
    WRITE = 0b100
    READ = 0b101
    STOP = 0b110
    NOP = 0b111


class SdramPins(wiring.Signature):
    """To the chip; every output comes out of a register, chip select is always low and clock enable high.

    Members
    -------
    command, bank, address : Out
    dqm : Out
        Masks a byte of a datum that is written.
    dq_o, dq_oe, dq_i : data, and whether the controller drives it.
    """

    def __init__(self, chip):
        super().__init__({
            "command": Out(Command, init=Command.NOP),
            "bank": Out(chip.bank_bits),
            "address": Out(max(chip.row_bits, ALL_BANKS_BIT + 1)),
            "dqm": Out(chip.data_bits // 8),
            "dq_o": Out(chip.data_bits),
            "dq_oe": Out(1),
            "dq_i": In(chip.data_bits),
        })


class SdramController(wiring.Component):
    """The controller.

    Parameters
    ----------
    config : SdramConfig

    Attributes
    ----------
    bus : In
        Wishbone target of four times the chip's width, with a memory map.
    pins : Out(SdramPins)
    ready : Out(1)
        The chip has been initialised; requests wait until then.
    """

    def __init__(self, config: SdramConfig | None = None):
        config = SdramConfig() if config is None else config
        if not isinstance(config, SdramConfig):
            raise TypeError(f"Configuration must be an SdramConfig, not {config!r}")
        self.config = config
        features = wishbone.system_signature().features
        super().__init__({
            "bus": In(wishbone.Signature(addr_width=config.address_bits, data_width=config.word_bits, granularity=8,
                                         features=features)),
            "pins": Out(SdramPins(config.chip)),
            "ready": Out(1),
        })
        self.bus.memory_map = MemoryMap(addr_width=exact_log2(config.chip.size))
        self.bus.memory_map.add_resource(MemoryBlock(config.chip.size), name="main", size=config.chip.size)

    def elaborate(self, platform):
        m = Module()
        config, chip, bus, pins = self.config, self.config.chip, self.bus, self.pins
        column_bits = chip.column_bits - exact_log2(BURST_LENGTH)

        # ---- what has to pass before a command of each kind may be given
        longest = max(config.rfc, config.rp, config.mrd, config.rrd, config.rcd, config.ras,
                      BURST_LENGTH + config.wr)
        waits = {name: Signal(range(longest + 1), name=f"{name}_wait") for name in ("row", "column", "precharge")}
        for wait in waits.values():
            with m.If(wait != 0):
                m.d.sync += wait.eq(wait - 1)

        def hold(kind, cycles):
            """The next command of that kind comes at least so many cycles after this one."""
            with m.If(waits[kind] < cycles):
                m.d.sync += waits[kind].eq(cycles - 1)

        row_ready, column_ready, precharge_ready = (waits[name] == 0 for name in ("row", "column", "precharge"))

        # ---- rows
        count = 1 << chip.bank_bits
        is_open = Signal(count)
        open_rows = Array(Signal(chip.row_bits, name=f"row{bank}") for bank in range(count))

        def give(command, **values):
            m.d.sync += pins.command.eq(command)
            for name, value in values.items():
                m.d.sync += getattr(pins, name).eq(value)

        m.d.sync += [pins.command.eq(Command.NOP), pins.dq_oe.eq(0), pins.dqm.eq(0)]

        # ---- words that come back
        delay = config.cas_latency + BURST_LENGTH + 1 + config.input_registers
        #: A read given so many cycles ago, and whether its word is still wanted.
        reads = Signal(delay)
        wanted = Signal(delay)
        issue = Signal()
        collected = Signal(config.word_bits)
        void = Signal()
        m.d.comb += bus.dat_r.eq(collected)
        m.d.sync += [
            reads.eq(Cat(issue, reads)),
            wanted.eq(Mux(void, 0, Cat(issue, wanted))),
            collected.eq(Cat(collected[chip.data_bits:], pins.dq_i)),
        ]
        arrives = wanted[-1]

        # ---- a word that is written
        beat = Signal(range(BURST_LENGTH))
        written = Signal()
        m.d.comb += written.eq(beat == BURST_LENGTH - 1)
        m.d.comb += [bus.ack.eq(bus.cyc & bus.stb & Mux(bus.we, written, arrives)), bus.err.eq(0)]

        # ---- reading ahead
        streams = Signal()
        ahead = Signal(config.address_bits)
        # Of the burst that is read ahead: the bus need not say while the initiator pauses.
        ahead_cti, ahead_bte = Signal(wishbone.CycleType), Signal(wishbone.BurstTypeExt)
        cti, bte = Signal(wishbone.CycleType), Signal(wishbone.BurstTypeExt)
        m.d.comb += [cti.eq(bus.cti), bte.eq(bus.bte)]
        with m.If(streams):
            m.d.comb += [cti.eq(ahead_cti), bte.eq(ahead_bte)]
        left = Signal(5)
        bursts = (bus.cti == wishbone.CycleType.INCR_BURST) | (bus.cti == wishbone.CycleType.CONST_BURST)
        fresh = Signal()
        m.d.comb += [
            fresh.eq(bus.cyc & bus.stb & ~wanted.any() & ~streams & (beat == 0)),
            # Nobody takes the word, or it was the last: what was read ahead is void.
            void.eq(~bus.cyc | (arrives & (~bus.stb | bus.we | ~bursts))),
        ]
        with m.If(void):
            m.d.sync += streams.eq(0)

        address = Signal(config.address_bits)
        m.d.comb += address.eq(Mux(streams, ahead, bus.adr))
        column = address[:column_bits]
        bank = address[column_bits:column_bits + chip.bank_bits]
        row = address[column_bits + chip.bank_bits:]
        row_is_open = Signal()
        m.d.comb += row_is_open.eq(is_open.bit_select(bank, 1) & (open_rows[bank] == row))
        column_pins = Cat(C(0, exact_log2(BURST_LENGTH)), column, C(0, len(pins.address) - chip.column_bits))

        # ---- refresh
        timer = Signal(range(max(config.refresh_interval, config.power_up) + 1), init=config.power_up)
        refreshes = Signal(range(chip.initial_refreshes + 1), init=chip.initial_refreshes)
        due = Signal()
        with m.If(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.If(self.ready & (timer == 0)):
            m.d.sync += [timer.eq(config.refresh_interval - 1), due.eq(1)]

        def precharge_all():
            give(Command.PRECHARGE, address=1 << ALL_BANKS_BIT)
            m.d.sync += is_open.eq(0)
            hold("row", config.rp)

        def refresh():
            give(Command.REFRESH)
            hold("row", config.rfc)

        # For the proof.
        self._inside = SimpleNamespace(waits=waits, is_open=is_open, open_rows=open_rows, reads=reads, wanted=wanted,
                                       issue=issue, collected=collected, streams=streams, ahead=ahead, beat=beat,
                                       address=address, ahead_cti=ahead_cti, ahead_bte=ahead_bte)
        with m.FSM() as self._fsm:
            with m.State("power-up"):
                with m.If(timer == 0):
                    precharge_all()
                    m.next = "refresh"
            with m.State("refresh"):
                with m.If(row_ready & (refreshes != 0)):
                    refresh()
                    m.d.sync += refreshes.eq(refreshes - 1)
                with m.Elif(row_ready):
                    give(Command.MODE, bank=0, address=config.mode)
                    hold("row", config.mrd)
                    m.d.sync += timer.eq(config.refresh_interval - 1)
                    m.next = "run"
            with m.State("run"):
                m.d.comb += self.ready.eq(1)
                with m.If(beat != 0):
                    m.d.sync += beat.eq(beat + 1)
                    self._write(m, beat)
                with m.Elif(due):
                    m.d.sync += streams.eq(0)
                    with m.If(is_open.any() & precharge_ready):
                        precharge_all()
                    with m.Elif(~is_open.any() & row_ready):
                        refresh()
                        m.d.sync += due.eq(0)
                with m.Elif(streams & (~row_is_open | (left == 0) | (bus.stb & ~bursts))):
                    # Further words are asked for from the bus.
                    m.d.sync += streams.eq(0)
                with m.Elif((streams & ~void) | fresh):
                    with m.If(row_is_open & column_ready & (~bus.we | streams)):
                        m.d.comb += issue.eq(1)
                        give(Command.READ, bank=bank, address=column_pins)
                        hold("column", BURST_LENGTH)
                        hold("precharge", BURST_LENGTH)
                        m.d.sync += [
                            ahead.eq(wishbone.next_burst_address(address, cti, bte)),
                            ahead_cti.eq(cti),
                            ahead_bte.eq(bte),
                            left.eq(Mux(streams, left - (bte != wishbone.BurstTypeExt.LINEAR), _span(bte))),
                            streams.eq(streams | bursts),
                        ]
                    with m.Elif(row_is_open & column_ready & ~reads.any()):
                        give(Command.WRITE, bank=bank, address=column_pins)
                        hold("column", BURST_LENGTH)
                        hold("precharge", BURST_LENGTH - 1 + config.wr)
                        m.d.sync += beat.eq(1)
                        self._write(m, 0)
                    with m.Elif(~row_is_open & is_open.bit_select(bank, 1) & precharge_ready):
                        give(Command.PRECHARGE, bank=bank, address=0)
                        m.d.sync += is_open.bit_select(bank, 1).eq(0)
                        hold("row", config.rp)
                    with m.Elif(~is_open.bit_select(bank, 1) & row_ready):
                        give(Command.ACTIVATE, bank=bank, address=row)
                        m.d.sync += [is_open.bit_select(bank, 1).eq(1), open_rows[bank].eq(row)]
                        hold("row", config.rrd)
                        hold("column", config.rcd)
                        hold("precharge", config.ras)
        return m

    def _write(self, m, beat):
        """Part `beat` of the word on the bus goes to the pins."""
        bus, pins, bits = self.bus, self.pins, self.config.chip.data_bits
        m.d.sync += [
            pins.dq_oe.eq(1),
            pins.dq_o.eq(bus.dat_w.word_select(beat, bits)),
            pins.dqm.eq(~bus.sel.word_select(beat, bits // 8)),
        ]


def _span(bte):
    """Words behind the first one of a burst that come without being asked for."""
    return Array((1, 3, 7, 15))[bte.as_value()]
