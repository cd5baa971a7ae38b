"""The FuseSoC cores: what `fusesoc` makes of them is the block, and it lints."""

import re
import subprocess
import sys

import pytest

from sim.toolchain import ROOT, verilator_environment
from soc.blocks import ROOTS

pytest.importorskip("fusesoc")

CORES = ROOT / "cores"
BLOCKS = ("capability-unit", "mailbox")


def fusesoc(folder, *arguments, cores=CORES):
    """FuseSoC with the Python and the tools of the tests, and nothing of the user's."""
    configuration = folder / "fusesoc.conf"
    configuration.write_text(f"[main]\ncache_root = {folder / 'cache'}\n")
    environment = verilator_environment()
    environment["PATH"] = f"{sys.prefix}/bin:{environment['PATH']}"
    program = "from fusesoc.main import main; main()"
    return subprocess.run([sys.executable, "-c", program, "--config", configuration, "--cores-root", cores, *arguments],
                          cwd=folder, env=environment, capture_output=True, text=True, timeout=600)


def test_each_block_has_a_core():
    for block in BLOCKS:
        text = (CORES / f"{block}.core").read_text()
        assert f"block: {block}\n" in text and f"toplevel: {ROOTS[block].module}\n" in text


@pytest.mark.parametrize("block", ["mailbox", pytest.param("capability-unit", marks=pytest.mark.slow)])
def test_lint(tmp_path, block):
    """It passes, and not because nothing has run: an output that nobody drives fails in the same folder."""
    name = block.replace("-", "_")
    done = fusesoc(tmp_path, "run", "--target=lint", f"veridian:blocks:{name}")
    assert done.returncode == 0, done.stdout + done.stderr
    folder = next(tmp_path.rglob("Makefile")).parent
    source = next(folder.rglob(f"veridian_{name}.v"))
    text = source.read_text()
    assert text.startswith(f"// Module veridian_{name}; ")
    source.write_text(re.sub(r"^  assign \w+_dat_r = .*$", "", text, count=1, flags=re.MULTILINE))
    again = subprocess.run(["make", "-C", folder, "lint-only"], env=verilator_environment(), capture_output=True,
                           text=True)
    assert again.returncode != 0 and "_dat_r" in again.stderr


def test_parameters_that_are_none(tmp_path):
    """The generator says in one line what is wrong, and FuseSoC ends with an error."""
    cores = tmp_path / "cores"
    cores.mkdir()
    for name in ("verilog.core", "generate.py"):
        (cores / name).symlink_to(CORES / name)
    text = (CORES / "mailbox.core").read_text()
    (cores / "mailbox.core").write_text(text.replace("parameters: []", "parameters: [depth=3]"))
    done = fusesoc(tmp_path, "run", "--target=lint", "veridian:blocks:mailbox", cores=cores)
    assert done.returncode != 0
    assert re.search(r"veridian-verilog: .*depth", done.stderr + done.stdout, re.IGNORECASE)
