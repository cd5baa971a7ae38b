"""Clocks, crossings, pads and resets of netlists: small designs with planted defects, through Yosys."""

from dataclasses import replace

import pytest
from amaranth import *
from amaranth.lib import io
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.memory import Memory

from fpga.board import Pin, find_board
from fpga.crossings import check_review, review
from fpga.design import TOP, elaborate, make_design
from fpga.graph import read_graph
from fpga.pads import (
    SDRAM_REGISTERS,
    PadRules,
    TimedInput,
    find_pin,
    flash_pads,
    led,
    pad_rules,
    sdram_clock,
    sdram_pads,
    serial_line,
)
from fpga.primitives import FLIP_FLOP, PAD_REGISTER, primitive
from fpga.synthesis import synthesize_top
from fpga.top import board_clocks
from hw.debug.jtag import JtagTransport
from hw.memory.sdram import SdramController
from hw.memory.sdram_config import SdramConfig
from hw.peripherals.spi_flash import SpiFlash
from sim.toolchain import ToolError

BUTTONS = {"good": Pin("button_fire", 0), "twice": Pin("button_fire", 1), "mixed": Pin("button_up"),
           "alone": Pin("button_down"), "enable": Pin("button_left"), "reset": Pin("button_right"),
           "shared": Pin("switch")}


def pad(m, platform, pin):
    m.submodules += (buffer := io.Buffer("i", find_pin(platform, pin)))
    return buffer.i


def graph_of(board, top):
    design = elaborate(board, top, "")
    netlist, _ = synthesize_top(design.text, TOP, design.family.synthesis)
    return read_graph(netlist, TOP)


class Clean(Elaboratable):
    """Everything as it should be: all pads of a board with SDRAM with their real controllers, an inverted button, and a
    signal to the other clock. What the controllers are asked comes from a shift register."""

    def elaborate(self, platform):
        m = Module()
        board = find_board("ulx3s-12f")
        held = board_clocks(m, platform, board, restart=Signal())
        serial = serial_line(m, platform, board.uart)
        m.submodules.sdram = sdram = SdramController(SdramConfig(input_registers=SDRAM_REGISTERS))
        m.submodules.flash = flash = SpiFlash()
        sdram_pads(m, platform, sdram.pins)
        sdram_clock(m, platform, "memory")
        flash_pads(m, platform, board.flash, flash.pins)
        asked, answers = [], []
        for bus in (sdram.bus, flash.window, flash.bus):
            asked += [bus.adr, bus.dat_w, bus.sel, bus.cyc, bus.stb, bus.we]
            answers += [bus.dat_r, bus.ack]
        asked += [sdram.bus.cti]
        shift = Signal(Cat(asked).shape())
        inverted, crossed, sent = Signal(), Signal(), Signal()
        m.d.sync += [shift.eq(Cat(serial.rx.payload ^ inverted, shift)), sent.eq(Cat(answers).xor())]
        m.d.comb += [
            Cat(asked).eq(shift),
            serial.divisor.eq(32), serial.format.word_length.eq(3), serial.rx.ready.eq(serial.tx.ready),
            serial.tx.payload.eq(sent), serial.tx.valid.eq(serial.rx.valid)]
        led(m, platform, board.halted, held)
        m.submodules.inverted = FFSynchronizer(~pad(m, platform, BUTTONS["twice"]), inverted)
        m.submodules.crossed = FFSynchronizer(sent, crossed, o_domain="memory")
        led(m, platform, Pin("led", 3), crossed)
        return m


class Planted(Elaboratable):
    """A defect of each kind; pads and registers have its name."""

    def elaborate(self, platform):
        m = Module()
        board = find_board("ulx3s-12f")
        held = board_clocks(m, platform, replace(board, reset=None), restart=Signal())
        button = {name: pad(m, platform, pin) for name, pin in BUTTONS.items()}
        count = Signal(4)
        m.d.sync += count.eq(count + 1)
        seen = []

        def register(name, domain="sync", **more):
            seen.append(Signal(name=name, **more))
            return seen[-1]

        good = register("good")
        m.submodules.good = FFSynchronizer(button["good"], good)
        m.d.sync += register("twice_0").eq(button["twice"])
        with m.If(count == 3):
            m.d.sync += register("twice_1").eq(button["twice"])
        first, second = Signal(name="mixed_0"), register("mixed_1")
        m.d.sync += [first.eq(button["mixed"] & count[0]), second.eq(first)]
        m.d.sync += register("alone").eq(button["alone"] & 1)
        alone = seen[-1]
        m.d.sync += [register("after_0").eq(alone & good), register("after_1").eq(alone | good)]
        early, late = Signal(name="shared_0"), register("shared_1")
        m.d.sync += [early.eq(button["shared"]), late.eq(early), register("peek").eq(early & count[3])]
        enabled = register("enabled")
        with m.If(button["enable"]):
            m.d.sync += enabled.eq(count[1])
        m.domains.away = ClockDomain(async_reset=True)
        m.d.comb += [ClockSignal("away").eq(ClockSignal("sync")), ResetSignal("away").eq(button["reset"])]
        m.d.away += register("reset_away").eq(count[2])

        m.domains.wild = ClockDomain(async_reset=True)
        m.d.comb += [ClockSignal("wild").eq(ClockSignal("sync")), ResetSignal("wild").eq(count[1] & count[3])]
        m.d.wild += register("wild_one").eq(~seen[-1])

        # From clock to clock: safe, without a second flip-flop, through logic, and by a memory.
        m.submodules.over = FFSynchronizer(count[3], register("over"), o_domain="memory")
        m.d.memory += [register("bare").eq(count[2]), register("bare_too").eq(good ^ count[0])]
        m.submodules.table = table = Memory(shape=16, depth=512, init=[1])
        m.submodules.rom = rom = Memory(shape=16, depth=512, init=range(512))
        fixed = rom.read_port()
        m.d.comb += [fixed.addr.eq(Cat(count, count, count[0])), fixed.en.eq(1)]
        write, read = table.write_port(), table.read_port(domain="memory")
        m.d.comb += [write.addr.eq(count), write.data.eq(count), write.en.eq(good)]
        m.d.comb += [read.addr.eq(seen[-1]), read.en.eq(1)]
        seen += [read.data.xor(), fixed.data.xor()]

        m.domains.gated = ClockDomain(reset_less=True)
        m.d.comb += ClockSignal("gated").eq(ClockSignal("sync") & good)
        m.d.gated += register("gated").eq(~seen[-1])

        # Of the outputs those that others act on.
        line = find_pin(platform, board.uart)
        m.submodules.tx = tx = io.Buffer("o", line.tx)
        m.d.comb += tx.o.eq(count[0] & good)
        led(m, platform, board.halted, held)
        led(m, platform, board.heartbeat, Cat(seen).xor())
        return m


class Small(Elaboratable):
    """On an iCE40: one button with a synchroniser, one without."""

    def elaborate(self, platform):
        m = Module()
        serial = serial_line(m, platform, Pin("uart"))
        m.d.comb += [serial.divisor.eq(3), serial.format.word_length.eq(3), serial.rx.ready.eq(serial.tx.ready),
                     serial.tx.payload.eq(serial.rx.payload), serial.tx.valid.eq(serial.rx.valid)]
        bare = Signal()
        m.d.sync += bare.eq(bare ^ pad(m, platform, Pin("button")))
        led(m, platform, Pin("led_r"), bare & serial.busy)
        return m


BOARD = find_board("ulx3s-12f")


@pytest.fixture(scope="module")
def clean_graph():
    return graph_of(BOARD, Clean())


@pytest.fixture(scope="module")
def clean(clean_graph):
    return review(clean_graph, pad_rules(BOARD))


@pytest.fixture(scope="module")
def planted():
    return review(graph_of(BOARD, Planted()), pad_rules(BOARD))


def by_pad(rows):
    """Rows of pads by the pad's port without Amaranth's additions."""
    return {row.pad.replace("__io", "").replace("_0__", "."): row for row in rows}


def problems(found, *words):
    """Problems with all `words`."""
    return [problem for problem in found.problems if all(word in problem for word in words)]


def test_nothing_is_wrong_with_pads_as_the_boards_have_them(clean):
    assert clean.problems == []
    check_review(clean)


def test_domains(clean):
    system, memory = clean.domains
    assert (system.clock, memory.clock) == ("system_clock", "memory_clock")
    # Command 3, bank 2, address 13, mask 2, clock enable, select, with an enable each; data of both ways and enables.
    assert system.rising[PAD_REGISTER] == 2 * (3 + 2 + 13 + 2 + 2) + 3 * 16
    assert system.rising[FLIP_FLOP] > 300 and memory.rising == {PAD_REGISTER: 2, FLIP_FLOP: 4}
    assert not system.falling and not memory.falling


def test_inputs_that_are_safe(clean):
    rows = by_pad(clean.inputs)
    for name in ("uart.rx", "button_fire_0", "pll.pll.LOCK"):
        row = rows.pop(name)
        assert row.how == "synchroniser" and row.clock == "system_clock" and row.cells == 0, row
        assert len(row.registers) == 1 and row.synchroniser not in ("", *row.registers)
    assert rows.pop("button_fire_1").cells == 1, "an inverter alone makes no glitch"
    assert rows.pop("clk25_0").how == "clock"
    for bit in range(16):
        assert rows.pop(f"sdram.dq[{bit}]").registers == (f"sdram_dq.i_ff{bit}",)
    assert {name for name in rows} == {f"spi_flash.{line}" for line in ("copi", "cipo", "wp", "hold")}
    assert all(row.how == "timed" and row.clock == "system_clock" and "clock" in row.why for row in rows.values())


def test_outputs(clean):
    rows = by_pad(clean.outputs)
    sdram = {name: row for name, row in rows.items() if name.startswith("sdram.")}
    assert len(sdram) == 39 and all(row.how == row.enable == "register in the pad" for row in sdram.values())
    assert {row.clock for row in sdram.values()} == {"system_clock", "memory_clock"}
    assert rows["sdram.clk"].clock == "memory_clock"
    assert rows["flash_clk"].how == rows["uart.tx"].how == "flip-flop"
    assert rows["flash_clk"].enable == "flip-flop", "the device wants a signal there"
    assert rows["spi_flash.cs"].how == "inverted flip-flop"
    assert rows["spi_flash.copi"].how == "logic" and rows["led_3"].how == "flip-flop"


def test_crossing_with_a_synchroniser(clean):
    (crossing,) = clean.crossings
    assert (crossing.source_clock, crossing.clock) == ("system_clock", "memory_clock")
    assert len(crossing.registers) == 1 and crossing.synchroniser


def test_resets(clean):
    resets = clean.resets
    assert resets.signal == "reset.held" and resets.direct > 250 and resets.asynchronous == 0
    # Those that hold the reset, three synchronisers of inputs, the other clock's four and its pad's, the pads of the
    # system's clock.
    flip_flops = sum(number for domain in clean.domains for kind, number in domain.rising.items()
                     if kind in (FLIP_FLOP, PAD_REGISTER))
    assert resets.direct + resets.combined + resets.data + resets.other + resets.none == flip_flops
    assert resets.signal in resets.set_by_bitstream and len(resets.set_by_bitstream) == 3


@pytest.mark.parametrize("words", [
    ("input button_fire_1__io goes to 2 registers without a synchroniser: twice_0, twice_1",),
    ("input button_up_0__io goes through logic with other signals to mixed_0",),
    ("input button_down_0__io goes to alone, which no second flip-flop follows alone",),
    ("input switch_0__io goes to shared_0, which no second flip-flop follows alone",),
    ("input button_left_0__io is enable of enabled without a synchroniser",),
    ("input button_right_0__io is reset of ", "without a synchroniser"),
    ("count[2] (system_clock to memory_clock) goes to bare, which no second flip-flop follows alone",),
    ("count[0] (system_clock to memory_clock) goes through logic with other signals to bare_too",),
    ("good", "stage1 (system_clock to memory_clock) goes through logic with other signals to bare_too",),
    ("memory table", "has ports of different clocks: memory_clock, system_clock"),
    ("asynchronous reset of ", " comes out of logic"),
    ("clock gated", "comes out of logic"),
    ("output uart_0__tx__io comes out of logic and not of a flip-flop",),
], ids=["two registers", "logic", "one flip-flop", "shared first flip-flop",
        "enable", "asynchronous reset", "crossing", "crossing by logic",
        "crossing by logic, second signal", "memory", "reset by logic", "gated clock", "output"])
def test_planted_defect_is_found_by_name(planted, words):
    assert len(problems(planted, *words)) == 1, planted.problems


def test_nothing_else_is_found(planted):
    assert len(planted.problems) == 13
    assert not problems(planted, "button_fire_0") and not problems(planted, "count[3]")
    assert planted.resets.asynchronous == 2


def test_refusal_is_one_line(planted):
    with pytest.raises(ToolError, match=r"(?s)^\S[^\n]+ \(and 12 more such signals\)$"):
        check_review(planted)


def test_memories_with_contents(clean, planted):
    assert not clean.contents
    assert planted.contents == {"rom": False, "table": True}


class Jtag(Elaboratable):
    """The debug transport at pins."""

    def elaborate(self, platform):
        m = Module()
        board_clocks(m, platform, BOARD, restart=Signal())
        m.submodules.transport = transport = JtagTransport()
        pins = transport.pins
        for signal, name in ((pins.tck, "mixed"), (pins.tms, "alone"), (pins.tdi, "enable")):
            m.d.comb += signal.eq(pad(m, platform, BUTTONS[name]))
        led(m, platform, Pin("led", 5), pins.tdo)
        return m


def test_jtag_pins():
    found = review(graph_of(BOARD, Jtag()), replace(pad_rules(BOARD), steady=("led_5",)))
    assert not found.problems and len(found.domains) == 1 and not found.crossings
    assert all(row.how == "synchroniser" for row in found.inputs if row.pad != "clk25_0__io")
    assert {"button_up_0__io", "button_down_0__io", "button_left_0__io"} < {row.pad for row in found.inputs}


def test_only_what_the_rules_name_is_timed(clean_graph):
    found = review(clean_graph, PadRules())
    assert len(found.problems) == 4
    for line in ("copi", "cipo", "wp", "hold"):
        assert len(problems(found, f"input spi_flash_0__{line}__io goes ")) == 1


def test_timed_input_whose_register_is_not_in_the_pad(clean_graph):
    rules = replace(pad_rules(BOARD), timed=(*pad_rules(BOARD).timed, TimedInput("uart_0__rx", True, "")))
    assert review(clean_graph, rules).problems == [
        "input uart_0__rx__io does not go to one register in its pad, but to serial.synchronizer.stage0"]


def test_steady_output_whose_enable_is_logic(clean_graph):
    rules = replace(pad_rules(BOARD), steady=("spi_flash_0__cipo",))
    assert review(clean_graph, rules).problems == [
        f"{what} spi_flash_0__cipo__io comes out of logic and not of a flip-flop" for what in (
            "output", "enable of output")]


def test_ice40():
    board = find_board("icebreaker")
    found = review(graph_of(board, Small()), pad_rules(board))
    assert found.problems == ["input button_0__io goes through logic with other signals to bare"]
    rows = by_pad(found.inputs)
    assert rows["uart.rx"].how == "synchroniser" and rows["clk12_0"].how == "clock"
    assert [(domain.clock, set(domain.rising)) for domain in found.domains] == [("clk12_0__io", {FLIP_FLOP})]
    assert found.resets.signal and found.resets.direct > 30
    # A flip-flop that begins with 1 is one with an inverter there.
    assert by_pad(found.outputs)["uart.tx"].how == "inverted flip-flop"


def test_cell_that_is_not_known():
    with pytest.raises(ToolError, match="does not know the cell EXTREFB"):
        primitive("EXTREFB", {}, {})
    with pytest.raises(ToolError, match="MULT18X18D without registers only, not with REG_INPUTA_CLK"):
        primitive("MULT18X18D", {"REG_INPUTA_CLK": "CLK0"}, {})
    with pytest.raises(ToolError, match="SB_IO without registers only, not with PIN_TYPE 000000"):
        primitive("SB_IO", {"PIN_TYPE": "000000"}, {})


def test_every_cell_of_a_flip_flop():
    """Names of an iCE40's flip-flops: edge, enable, reset that is synchronous or not, value."""
    for kind, expected in {"SB_DFF": (False, "", False, "RESET"), "SB_DFFNESS": (True, "S", False, "SET"),
                           "SB_DFFER": (False, "R", True, "RESET"), "SB_DFFS": (False, "S", True, "SET"),
                           "SB_DFFSR": (False, "R", False, "RESET"), "SB_DFFNE": (True, "", False, "RESET")}.items():
        found = primitive(kind, {}, {})
        assert (found.clocked[0].falling, found.reset, found.asynchronous_reset, found.reset_value) == expected, kind


@pytest.mark.slow
@pytest.mark.parametrize("name", ["orangecrab-r0.2-85f", "ulx3s-85f", "icebreaker"])
def test_board(name):
    """Tops of boards: with SDRAM, with DDR3 that is not driven, of the other family."""
    board = find_board(name)
    design = make_design(board)
    netlist, _ = synthesize_top(design.text, TOP, design.family.synthesis)
    found = review(read_graph(netlist, TOP), pad_rules(design.board))
    check_review(found)
    assert not found.crossings and found.resets.asynchronous == 0
    assert found.contents == ({"soc.boot_rom.memory": False} if board.design == "soc" else {})
    # Two of each synchroniser, one that holds the reset, and those in pads are not reset, and data of memories.
    assert found.resets.none < 700 and len(found.resets.set_by_bitstream) <= 3
