"""`make verilog`: what it writes is Verilog that Verilator accepts, and says what it is."""

import re
import subprocess
import sys

import pytest

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
def test_mailbox_without_instructions_lints(tmp_path):
    path = tmp_path / "block.v"
    path.write_text(export("mailbox", parameters=["contexts=0"]))
    done = lint(path, "veridian_mailbox")
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
