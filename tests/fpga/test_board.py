"""The table of boards, and the top of each."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest
from amaranth.build.res import ResourceError

from fpga.board import DEFAULT, BlockRam, Board, Pin, Sdram, boards, find_board
from fpga.design import make_design
from fpga.family import CAPACITY, FAMILIES
from fpga.pll import Ecp5Pll
from fpga.top import soc_configuration
from sim.toolchain import ROOT, ToolError
from soc.config import SocConfig
from soc.presets import PRESETS

#: The smallest system: pads are the same with any.
TINY = ("capability_unit=false", "mailbox=false", "l2_bytes=0")
NAMES = sorted(boards())


def build(*arguments):
    return subprocess.run([sys.executable, "-m", "fpga.build", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_boards_that_there_are():
    assert set(NAMES) >= {"ulx3s-85f", "ulx3s-45f", "ulx3s-25f", "ulx3s-12f", "ecpix5-85f", "orangecrab-r0.2-85f",
                          "icepi-zero", "icesugar-pro", "icebreaker"}
    assert DEFAULT in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_board_can_be_built(name):
    board = find_board(name)
    assert board.device in CAPACITY and board.family in FAMILIES
    oscillator = board.make_platform().lookup(board.platform.default_clk).clock
    if board.design != "soc":
        assert oscillator.frequency == board.clock_hz
        return
    config = soc_configuration(board)
    assert config.clock_hz == board.clock_hz and not config.trace
    pll = Ecp5Pll(int(oscillator.frequency), board.clock_hz, getattr(board.memory, "degrees", 0))
    pll._MustUse__silence = True
    if isinstance(board.memory, Sdram):
        assert config.sdram_config.clock_hz == board.clock_hz
    else:
        assert isinstance(board.memory, BlockRam) and not config.sdram
        # Four block RAMs for each 8 KiB, with room for the caches.
        assert board.memory.size // 2048 < CAPACITY[board.device].bram - 60


@pytest.mark.parametrize("name", NAMES)
def test_top_is_elaborated_and_its_pins_exist(name):
    board = find_board(name)
    design = make_design(board, TINY if board.design == "soc" else ())
    located = re.findall(r'LOCATE COMP "(\S+?)" SITE "(\S+)"' if board.family == "ecp5" else r"set_io (\S+) (\S+)",
                         design.constraints)
    ports = set(re.findall(r"wire (?:width \d+ )?(?:input|output|inout) \d+ +\\(\w+__io)$", design.text, re.MULTILINE))
    pins = [pin for _, pin in located]
    assert len(pins) == len(set(pins)), "a pin is used twice"
    assert {port.partition("[")[0] for port, _ in located} == ports
    wanted = {"uart_0__rx__io", "uart_0__tx__io"}
    if isinstance(board.memory, Sdram):
        wanted |= {f"sdram_0__{part}__io" for part in ("clk", "ras", "cas", "we", "ba", "a", "dqm", "dq")}
        assert design.text.count("\\IFS1P3DX ") == design.text.count("\\ODDRX1F ") * 16 == 16
    if board.flash is not None:
        wanted |= {f"{board.flash.resource}_0__{part}__io" for part in (
            ("cs", "copi", "cipo", "wp", "hold") if board.flash.resource == "spi_flash" else ("cs", "dq"))}
        assert design.text.count("\\USRMCLK ") == 1
    assert wanted <= ports
    assert re.search(r"FREQUENCY PORT|set_frequency", design.constraints)
    assert f"clock_hz={board.clock_hz}" in design.parameters.split() or board.design != "soc"


def test_parameters_win_over_the_board():
    board = find_board("ulx3s-25f")
    assert board.configuration == {"preset": "small"}
    config = soc_configuration(board)
    assert config.capability_lines == PRESETS["small"]["capability_lines"]
    assert config.core.tlb_entries == PRESETS["small"]["core"]["tlb_entries"]
    assert soc_configuration(find_board("ulx3s-85f")).l2_bytes == SocConfig().l2_bytes
    assert "mailbox=false" in make_design(board, TINY).parameters.split()


def test_another_clock_than_the_boards():
    board = find_board("ulx3s-85f")
    design = make_design(board, (*TINY, "clock_hz=30000000"))
    assert (board.clock_hz, design.board.clock_hz) == (60_000_000, 30_000_000)
    assert {"clock_hz=30000000", "timebase_hz=30000000"} <= set(design.parameters.split())
    divider = r"parameter \\CLKOP_DIV (\d+)"
    slow, fast = (int(re.search(divider, text)[1]) for text in (design.text, make_design(board, TINY).text))
    assert slow != fast
    for parameter, words in (("clock_hz=fast", "number of Hz"), ("clock_hz=30000001", "the PLL makes no 30 MHz")):
        with pytest.raises(ToolError, match=words):
            make_design(board, (*TINY, parameter))


def test_a_board_of_ones_own_takes_one_object():
    board = replace(find_board("ulx3s-85f"), name="mine", heartbeat=Pin("led", 7), reset=None, clock_hz=50_000_000)
    design = make_design(board, TINY)
    assert "led_7__io" in design.constraints and "led_0__io" not in design.constraints


def test_a_pin_that_the_platform_lacks():
    board = replace(find_board("ulx3s-85f"), heartbeat=Pin("led", 99))
    with pytest.raises(ResourceError, match="led#99"):
        make_design(board, TINY)


@pytest.mark.parametrize("name, near", [("ulx3s", "ulx3s-85f"), ("ulx3s-85", "ulx3s-85f"), ("ULX3S-85F", "ulx3s-85f"),
                                        ("icebraker", "icebreaker"), ("orangecrab", "orangecrab-r0.2-85f")])
def test_near_names(name, near):
    with pytest.raises(ToolError, match=f"there is no board '{name}'; did you mean .*{re.escape(near)}") as error:
        find_board(name)
    assert error.value.exit_code == 2


def test_name_that_is_near_to_none():
    with pytest.raises(ToolError, match="there are .*icebreaker.*ulx3s-85f"):
        find_board("zzz")


def test_two_boards_of_a_name(monkeypatch):
    from fpga.boards import ulx3s
    monkeypatch.setattr(ulx3s, "BOARDS", ulx3s.BOARDS * 2)
    with pytest.raises(ValueError, match="Two boards are called ulx3s-85f"):
        boards()


def test_table_lists_family_memory_and_configuration():
    done = build("--list")
    assert done.returncode == 0, done.stderr
    for name in NAMES:
        board: Board = find_board(name)
        row = next(line for line in done.stdout.splitlines() if name in line.split())
        assert board.family in row.split() and board.device in row
        assert str(board.memory) in row
    assert build("list").stdout == done.stdout


@pytest.mark.parametrize("arguments, message", [
    (("ulx4s-85f",), "veridian: there is no board 'ulx4s-85f'; did you mean ulx3s-85f"),
    (("ulx3s-85f", "tlbs=4"), "there is no parameter 'tlbs'"),
    (("ulx3s-85f", "harts=2"), "harts must be 1"),
    (("icebreaker", "lines=3"), "lines must be a power of two"),
    (("--seeds", "0"), "Usage: "),
])
def test_refusals(arguments, message):
    done = build(*arguments)
    assert done.returncode == 2 and message in done.stderr
    assert "Traceback" not in done.stderr and not done.stdout
