"""The system on a board: clock, reset, pads, main memory."""

import json
from dataclasses import replace

from amaranth import *
from amaranth.lib import io, wiring
from amaranth.lib.cdc import FFSynchronizer

from soc.config import SocConfig
from soc.presets import PRESETS
from soc.top import SoC

from .block_ram import BlockRamMemory
from .board import BlockRam, Board, Sdram
from .pads import SDRAM_REGISTERS, button, find_pin, flash_pads, led, sdram_clock, sdram_pads, serial_line
from .pll import Ecp5Pll
from .reset import ResetHold

__all__ = ["BoardTop", "board_clocks", "soc_configuration"]


def soc_configuration(board: Board) -> SocConfig:
    """Configuration of the system on `board`. The trace port is the simulation's."""
    given = dict(board.configuration)
    fields = dict(PRESETS[given.pop("preset")]) if "preset" in given else {}
    # What the board has comes before what a preset says of another one.
    fields |= {"clock_hz": board.clock_hz, "timebase_hz": board.clock_hz, "flash": board.flash is not None,
               "sdram": board.memory.chip if isinstance(board.memory, Sdram) else "",
               **({"memory_bytes": board.memory.size} if isinstance(board.memory, BlockRam) else {}),
               "sdram_input_registers": SDRAM_REGISTERS, "trace": False}
    return SocConfig.from_json(json.dumps(fields | given))


def board_clocks(m: Module, platform, board: Board, restart) -> Signal:
    """Clocks and reset of an ECP5 board from its oscillator.

    Makes the domains `sync`, `memory` (later by the phase of the SDRAM's clock) and `start` (the clock of `sync`, never
    reset). Without the PLL's lock, while the button is pressed and with `restart` a reset begins.

    Returns
    -------
    Signal
        Whether `sync` is held in reset.
    """
    degrees = board.memory.degrees if isinstance(board.memory, Sdram) else 0
    oscillator = platform.lookup(platform.default_clk)
    m.submodules.clock_pad = pad = io.Buffer("i", platform.request(oscillator.name, oscillator.number, dir="-"))
    m.submodules.pll = pll = Ecp5Pll(int(oscillator.clock.frequency), board.clock_hz, degrees)
    m.domains.sync = ClockDomain("sync")
    m.domains.start = ClockDomain("start", reset_less=True)
    m.domains.memory = ClockDomain("memory", reset_less=True)
    m.d.comb += [
        pll.reference.eq(pad.i), ClockSignal("sync").eq(pll.clock), ClockSignal("start").eq(pll.clock),
        ClockSignal("memory").eq(pll.shifted),
    ]
    locked = Signal()
    m.submodules.locked = FFSynchronizer(pll.locked, locked, o_domain="start")
    m.submodules.reset = reset = ResetHold()
    m.d.comb += [
        reset.ask.eq(~locked | button(m, platform, board.reset, "start") | restart), ResetSignal("sync").eq(reset.held)]
    return reset.held


class BoardTop(Elaboratable):
    """Top of a bitstream with the system.

    Parameters
    ----------
    board : Board
    config : SocConfig, optional
        Another configuration than the board's.
    """

    def __init__(self, board: Board, config: SocConfig | None = None):
        self.board = board
        config = soc_configuration(board) if config is None else config
        self.config = replace(config, clock_hz=board.clock_hz, timebase_hz=board.clock_hz, trace=False)
        self.soc = SoC(self.config)

    def elaborate(self, platform):
        m = Module()
        board, soc = self.board, self.soc
        m.submodules.soc = soc
        ended = Signal()
        held = board_clocks(m, platform, board, soc.finisher.reset)
        with m.If(soc.finisher.done):
            m.d.sync += ended.eq(1)

        serial = serial_line(m, platform, board.uart)
        line = soc.uart_line
        m.d.comb += [
            serial.tx.payload.eq(soc.uart_tx.payload), serial.tx.valid.eq(soc.uart_tx.valid),
            soc.uart_tx.ready.eq(serial.tx.ready),
            soc.uart_rx.payload.eq(serial.rx.payload), soc.uart_rx.valid.eq(serial.rx.valid),
            serial.rx.ready.eq(soc.uart_rx.ready),
            serial.divisor.eq(line.divisor), serial.format.eq(line.format),
            line.busy.eq(serial.busy), line.errors.eq(serial.errors),
        ]
        self._memory(m, platform)
        m.d.comb += soc.straps.upload.eq(button(m, platform, board.upload, "sync"))
        if self.config.flash:
            flash_pads(m, platform, board.flash, soc.flash)

        beat = Signal(range(board.clock_hz))
        m.d.sync += beat.eq(Mux(beat == board.clock_hz - 1, 0, beat + 1))
        led(m, platform, board.heartbeat, beat < board.clock_hz // 2)
        led(m, platform, board.halted, ended | held)
        for pin, level in board.held:
            m.submodules += (buffer := io.Buffer("o", find_pin(platform, pin)))
            m.d.comb += buffer.o.eq(level)
        return m

    def _memory(self, m, platform):
        """Main memory: pads of the chip, or block RAM behind the system's port."""
        if isinstance(self.board.memory, Sdram):
            sdram_pads(m, platform, self.soc.sdram)
            sdram_clock(m, platform, "memory")
            return
        m.submodules.memory = memory = BlockRamMemory(self.config.memory_bytes)
        wiring.connect(m, self.soc.memory, memory.bus)
