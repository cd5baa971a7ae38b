import subprocess
import sys

import pytest

from sim.boot import TARGETS, boot, find_target
from sim.toolchain import ROOT, ToolError
from soc.config import SocConfig


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "sim.boot", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_unknown_target_is_one_line_with_the_list():
    done = command("--target", "toaster")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == ("veridian: there is no target 'toaster'; there are soc, soc-sw, model, "
                           "qemu-riscv64, qemu-x86_64, qemu-aarch64\n")


def test_wave_of_unknown_kind():
    done = command("--wave", "wave.png")
    assert (done.returncode, done.stderr) == (2, "veridian: a waveform file ends in .vcd or .fst, not 'wave.png'\n")


def test_configuration_that_is_none():
    done = command("--config", "tiny")
    assert done.returncode == 2
    assert done.stderr.startswith("veridian: A configuration is a JSON object: ")
    assert done.stderr.endswith(", nor is it ideal or blockram or small\n")


@pytest.mark.parametrize("name", [name for name in TARGETS if name.startswith("qemu")])
def test_options_of_the_soc_are_refused_for_qemu(name):
    with pytest.raises(ToolError, match="--max-cycles is for the SoC"):
        boot(find_target(name), max_cycles=5)
    with pytest.raises(ToolError, match="--config is for the SoC"):
        boot(find_target(name), config=SocConfig())


def test_rtl_targets_share_the_architecture_of_the_emulated_one():
    assert {TARGETS[name].architecture for name in ("soc", "soc-sw", "qemu-riscv64")} == {"riscv64"}
