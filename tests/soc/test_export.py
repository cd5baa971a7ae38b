"""`make verilog`: what it writes is Verilog that Verilator accepts, and says what it is."""

import re
import shutil
import subprocess
import sys

import pytest

from hw.capability.config import CapabilityUnitConfig
from hw.capability.window import UNIT_VERSION
from hw.mailbox.config import MailboxConfig
from hw.mailbox.registers import VERSION, Identity
from sim.toolchain import ROOT, verilator_environment, verilator_root
from soc.blocks import ROOTS, find_block, root_of
from soc.export import export


def lint(path, module):
    verilator = verilator_root() / "bin" / "verilator"
    return subprocess.run([verilator, "--lint-only", "-Wall", "--top-module", module, path],
                          env=verilator_environment(), capture_output=True, text=True)


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "soc.generate", "verilog", *arguments], cwd=ROOT, capture_output=True,
                          text=True)


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) if name == "soc" else name
                                  for name in ROOTS])
def test_exported_file_lints(tmp_path, name):
    path = tmp_path / "block.v"
    path.write_text(export(name))
    done = lint(path, ROOTS[name].module)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("parameter", ["contexts=0", "harts=2"])
def test_mailbox_of_other_ports_lints(tmp_path, parameter):
    path = tmp_path / "block.v"
    path.write_text(export("mailbox", parameters=[parameter]))
    done = lint(path, "veridian_mailbox")
    assert (done.returncode, done.stderr) == (0, "")


def test_units_of_two_harts_lint(tmp_path):
    path = tmp_path / "block.v"
    path.write_text(export("capability-unit", parameters=["harts=2"]))
    done = lint(path, "veridian_capability_unit")
    assert (done.returncode, done.stderr) == (0, "")


def test_lint_notices(tmp_path):
    """The warnings that are off are those of style: an output that nothing drives is none of them."""
    path = tmp_path / "block.v"
    text = export("mailbox")
    path.write_text(re.sub(r"^  assign irq = .*$", "", text, count=1, flags=re.MULTILINE))
    done = lint(path, "veridian_mailbox")
    assert done.returncode != 0 and "irq" in done.stderr


def test_first_line_writes_the_same_again():
    text = export("mailbox", "{}", ["depth=8"])
    first = text.splitlines()[0]
    match = re.fullmatch(r"// Module veridian_mailbox; parameters: (.*); written by: "
                         r"python -m soc\.generate verilog --block mailbox (.*)", first)
    assert "depth=8" in match[1].split()
    assert export("mailbox", "{}", match[2].split()) == text


def test_command_writes_a_file(tmp_path):
    out = tmp_path / "deeper" / "mailbox.v"
    done = command("--block", "mailbox", "depth=2", "--output", str(out))
    assert (done.returncode, done.stdout) == (0, f"{out}\n")
    assert re.match(r"// Module veridian_mailbox; parameters: .* depth=2 ", out.read_text())


@pytest.mark.parametrize("arguments, message", [
    (("--block", "cpu"), "Error: there is no block 'cpu'; there are soc, core, capability-unit, mailbox, l2-cache\n"),
    (("--block", "core", "tlbs=4"), r"Error: core: there is no parameter 'tlbs'; there are hart_id, .*\n"),
    (("--block", "core", "tlb_entries=many"), "Error: core: .* must be an integer, not 'many'\n"),
    (("--block", "core", "--config", "{"), r"Error: core: a configuration is a JSON object: .*\n"),
    (("--block", "mailbox", "--output", "/"), "Error: cannot write '/': Is a directory\n"),
])
def test_refusals(arguments, message):
    done = command(*arguments)
    assert done.returncode == 1
    assert re.fullmatch(message, done.stderr)


def test_parts_are_found_by_path_and_by_name():
    assert find_block("capability-unit.engine.walker").module == "capability_unit.engine.walker"
    assert find_block("alu").module == "core.execute.alu"
    assert root_of("soc.uart") == "soc"
    assert root_of("alu") == "core"


def test_ports_of_a_block():
    ports = {port.name: port for port in find_block("mailbox").ports}
    assert (ports["clk"].width, ports["clk"].is_input) == (1, True)
    assert (ports["irq"].width, ports["irq"].is_input) == (1, False)
    assert ports["bus_dat_r"].width == 64


@pytest.mark.parametrize("name, message", [
    ("mailbox.nothing", "there is no block 'mailbox.nothing'; there are soc, core, "),
    ("cache", "block 'cache' may be core"),
])
def test_blocks_that_are_not(name, message):
    with pytest.raises(ValueError, match=message):
        find_block(name)


#: Reads the first register of a block and prints it; the other inputs are low.
BENCH = """\
`timescale 1ns/1ps
module bench;
  reg clk = 0, rst = 1, strobe = 0;
  wire ack;
  wire [63:0] data;
  {module} block (.clk(clk), .rst(rst), .{bus}_cyc(strobe), .{bus}_stb(strobe), .{bus}_adr({width}'d0),
                  .{bus}_we(1'b0), .{bus}_sel(8'hff), .{bus}_dat_w(64'd0), .{bus}_ack(ack), .{bus}_dat_r(data){low});
  always #5 clk = ~clk;
  initial begin
    repeat (4) @(negedge clk);
    rst = 0;
    strobe = 1;
    repeat (2000) begin
      @(negedge clk);
      if (ack === 1'b1) begin
        $display("%h", data);
        $finish;
      end
    end
    $display("no acknowledge");
    $finish;
  end
endmodule
"""


def identities():
    """Bus and first register of the blocks that have one."""
    unit, queues = CapabilityUnitConfig(), MailboxConfig()
    shown = {name: getattr(queues, name) for name, _ in Identity.as_shape() if name != "version"}
    return [("capability-unit", "window", UNIT_VERSION | unit.ways << 16 | unit.lines << 32),
            ("mailbox", "bus", Identity.const({"version": VERSION, **shown}).as_bits())]


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")
@pytest.mark.parametrize("name, bus, first", identities())
def test_exported_file_runs_in_icarus(tmp_path, name, bus, first):
    """In Icarus 11 a process `always @*` does not run before one of its inputs changes, so there may be none."""
    driven = {"clk", "rst", *(f"{bus}_{member}" for member in ("cyc", "stb", "adr", "we", "sel", "dat_w"))}
    ports = find_block(name).ports
    low = "".join(f", .{port.name}({port.width}'d0)" for port in ports if port.is_input and port.name not in driven)
    width = next(port.width for port in ports if port.name == f"{bus}_adr")
    (tmp_path / "block.v").write_text(export(name))
    (tmp_path / "bench.v").write_text(BENCH.format(module=ROOTS[name].module, bus=bus, width=width, low=low))
    subprocess.run(["iverilog", "-g2012", "-s", "bench", "-o", "bench.vvp", "block.v", "bench.v"], cwd=tmp_path,
                   check=True)
    done = subprocess.run(["vvp", "-n", "bench.vvp"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == [f"{first:016x}"]
