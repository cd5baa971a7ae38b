"""`make wave TEST=`: finds the test, names what is near, runs it, and writes waveform and layout."""

import subprocess

import pytest

from sim.toolchain import ROOT, ToolError
from tests.hw.wave import WAVES, find, layout, tests

VCD = """$timescale 1ps $end
$scope module TOP $end
$var wire 1 ! clk $end
$var wire 1 " bus_cyc $end
$var wire 29 # bus_adr [28:0] $end
$scope module mailbox $end
$var wire 1 ! clk $end
$scope module commands $end
$var wire 3 $ fsm_state [2:0] $end
$upscope $end
$upscope $end
$upscope $end
$enddefinitions $end
"""


@pytest.mark.parametrize("name", ["capability.directed.torn_slots_are_read_again", "directed.torn_slots_are_read_again",
                                  "torn_slots_are_read_again"])
def test_names(name):
    assert find(name) == "capability.directed.torn_slots_are_read_again"


@pytest.mark.parametrize(("name", "message"), [
    ("torn_slot_is_read", "there is no test torn_slot_is_read; near are capability.directed.torn_slots_are_read_again"),
    ("capability.directd.window_registers",
     "there is no test capability.directd.window_registers; near are capability.directed.window_registers"),
    ("killed_instructions_never_happened",
     "more than one test is called killed_instructions_never_happened; near are "
     "capability.directed.killed_instructions_never_happened, mailbox.instruction.killed_instructions_never_happened"),
])
def test_near_names(name, message):
    with pytest.raises(ToolError) as caught:
        find(name)
    assert caught.value.message.startswith(message) and caught.value.exit_code == 2


def test_every_bench_is_known():
    assert {"mailbox.unit.revoked_sender", "memory.l2.any_traffic", "bench_of.counts"} <= set(tests())


def test_layout(tmp_path):
    (tmp_path / "a.vcd").write_text(VCD)
    lines = layout(tmp_path / "a.vcd").splitlines()
    assert "TOP.clk" in lines and "-bus" in lines and "-states" in lines
    assert any("bus_adr" in line and "TOP.bus_adr[28:0]" in line for line in lines)
    assert any("mailbox.commands" in line and "TOP.mailbox.commands.fsm_state[2:0]" in line for line in lines)


@pytest.mark.slow
def test_waveform_of_a_failure():
    """The command, on a test that fails: waveform and layout are there, and the exit code says so."""
    done = subprocess.run(["make", "wave", "TEST=bench_of.fails", "SEED=3"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0 and "red on purpose" in done.stderr
    assert "gtkwave build/wave/bench_of.fails-3.gtkw" in done.stderr
    assert ".operands_left[7:0]" in (WAVES / "bench_of.fails-3.gtkw").read_text()
    assert (WAVES / "bench_of.fails-3.vcd").stat().st_size > 500
