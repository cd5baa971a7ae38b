"""The printer of counterexamples."""

import pytest
from click.testing import CliRunner
from vcd import VCDWriter

from tests.formal.core.show import main, packets, read_steps


@pytest.fixture
def trace(tmp_path):
    """Three cycles; in the second an addi retires."""
    path = tmp_path / "trace.vcd"
    with path.open("w") as file, VCDWriter(file, timescale="1 ns") as writer:
        widths = {"valid": 1, "pc_rdata": 64, "insn": 32, "mode": 2, "rd_addr": 5, "rd_wdata": 64}
        signals = {name: writer.register_var("top.bench.core.commit.observer", f"rvfi__{name}", "wire", size=width)
                   for name, width in widths.items()}
        writer.register_var("top.bench", "other", "wire", size=1)
        for cycle, values in enumerate((
                dict.fromkeys(widths, 0),
                {"valid": 1, "pc_rdata": 0x8000_0000, "insn": 0x00508093, "mode": 3, "rd_addr": 1, "rd_wdata": 5},
                {"valid": 0})):
            for name, value in values.items():
                writer.change(signals[name], 10 * cycle, value)
            writer.change(signals["mode"], 10 * cycle + 5, 3)
    return path


def test_packets(trace):
    (cycle, values), = packets(read_steps(trace))
    assert cycle == 1
    assert values["pc_rdata"] == 0x8000_0000 and values["rd_wdata"] == 5


def test_command(trace):
    result = CliRunner().invoke(main, [str(trace)], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert "80000000" in result.output and "x1=5" in result.output and "00508093" in result.output


def test_command_refuses_other_files(tmp_path):
    path = tmp_path / "notes.vcd"
    path.write_text("# no waveform\n")
    result = CliRunner().invoke(main, [str(path)])
    assert result.exit_code == 1 and "no waveform of a proof" in result.output
