"""The models of the ECP5's cells do what references in Python do, and refuse what they do not know."""

import os
import re
import subprocess

import pytest

from fpga.netlist import cell_models, netlist
from tests.fpga.cells_bench import component
from tests.hw.cocotb_bench import BenchFailure, build, model_of, run
from tests.hw.simulators import SIMULATORS

BENCH = "tests.fpga.cells_bench"
GOOD = 'DP16KD #(.GSR("DISABLED")) block (.CLKA(clk), .CLKB(clk));'


@pytest.mark.parametrize("simulator", ["netlist", pytest.param("verilator", marks=pytest.mark.slow)])
def test_cells(simulator):
    run(model_of(BENCH, simulator=simulator), BENCH)


def test_every_width_and_write_mode_is_tried():
    cells = re.findall(r"DP16KD #\((.*?)\n  \) ", netlist(component(), "cells"), re.DOTALL)
    ports = {(int(width), mode) for cell in cells for width, mode in zip(
        re.findall(r"DATA_WIDTH_A\(32'd(\d+)\)", cell), re.findall(r'WRITEMODE_A\("(\w+)"\)', cell) or ["NORMAL"],
        strict=True)}
    assert {width for width, _ in ports} == {1, 2, 4, 9, 18, 36}
    assert {mode for width, mode in ports if width == 18} == {"NORMAL", "WRITETHROUGH", "READBEFOREWRITE"}
    assert re.search(r"^  MULT18X18D ", netlist(component(), "cells"), re.MULTILINE)


#: Wrong models, and the test that sees each.
WRONG = {
    "no byte enables": ("dp16kd.v", r"\{9\{address\[[0-3]\]\}\}", "9'h1ff", "memories"),
    "halves exchanged": ("dp16kd.v", r"DATA_WIDTH_B == 36 \? out_b\[35:18\]", "DATA_WIDTH_B == 36 ? out_b[17:0]",
                         "memories"),
    "old contents in every mode": ("dp16kd.v", r"\? new_a : old_a", "? old_a : old_a", "memories"),
    "no initial contents": ("dp16kd.v", r"memory\[line\] = .*;", "memory[line] = 0;", "memories"),
    "no signs": ("mult18x18d.v", r"SIGNEDA & A17", "1'b0", "products"),
}


@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_model_is_noticed(wrong):
    name, pattern, replacement, testcase = WRONG[wrong]

    def alter(sources):
        text, count = re.subn(pattern, replacement, sources[name])
        assert count, f"nothing of {wrong} in {name}"
        return {**sources, name: text}

    model = build(component(), name="cells", simulator="netlist", alter=alter)
    with pytest.raises(BenchFailure, match="AssertionError"):
        run(model, BENCH, testcase)


def lint(tmp_path, body):
    """What Verilator says about a module with this in it."""
    files = {**cell_models(), "top.v": f"module top(input clk);\n{body}\nendmodule\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    tool = SIMULATORS["netlist"]
    done = subprocess.run(["verilator", "--lint-only", "--top-module", "top", *tool.options(False), *files],
                          cwd=tmp_path, env={**os.environ, **tool.environment()}, capture_output=True, text=True)
    return done.returncode, done.stderr


def test_a_plain_block_is_taken(tmp_path):
    assert lint(tmp_path, GOOD)[0] == 0


@pytest.mark.parametrize(("parameter", "said"), [
    ('.REGMODE_A("OUTREG")', "output registers are not modelled"), (".DATA_WIDTH_B(36)", "widths 18 and 36"),
    (".DATA_WIDTH_A(5)", "widths 5 and 18"), ('.CSDECODE_B("0b001")', "chip selects are not modelled"),
    ('.CLKBMUX("INV")', "inverted clocks are not modelled"), ('.WRITEMODE_A("OTHER")', "write modes OTHER and NORMAL"),
    ('.INIT_DATA("DYNAMIC")', "INIT_DATA"),
])
def test_other_block_rams_are_refused(tmp_path, parameter, said):
    code, text = lint(tmp_path, GOOD.replace("#(", f"#({parameter}, "))
    assert code and said in text, text


def test_a_global_reset_is_refused(tmp_path):
    code, text = lint(tmp_path, GOOD.replace("DISABLED", "ENABLED"))
    assert code and "global reset is not modelled" in text, text


def test_multipliers_with_registers_are_refused(tmp_path):
    code, text = lint(tmp_path, 'MULT18X18D #(.REG_OUTPUT_CLK("CLK0")) block (.CLK0(clk));')
    assert code and "REG_OUTPUT_CLK" in text and "CLK0" in text, text
