"""The netlist of a whole system, its main memory in block RAM too, from power-on to the kernel."""

import subprocess
import sys

import pytest

from fpga.system_netlist import SystemWithMemory
from sim.toolchain import ROOT
from soc.config import SocConfig
from soc.verilog import flat_ports

CONFIG = SocConfig.from_json("blockram")


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "fpga.system_netlist", *arguments], cwd=ROOT, capture_output=True,
                          text=True)


def test_memory_is_inside():
    whole = SystemWithMemory(CONFIG)
    whole._MustUse__silence = True
    ports = flat_ports(whole)
    assert {"uart_tx_payload", "straps", "flash_d_i"} <= set(ports)
    assert not any(port.startswith("memory") for port in ports)


@pytest.mark.parametrize(("config", "message"), [
    ("{}", "an SDRAM chip is outside of the netlist: sdram must be empty"),
    ("tiny", "A configuration is a JSON object"),
])
def test_bad_input_is_one_line(config, message):
    done = command("--config", config)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"veridian: {message}") and done.stderr.count("\n") == 1


@pytest.mark.slow
def test_power_on_to_the_banner():
    done = command("--until", "Veridian 0", "--max-cycles", "2000000")
    assert done.returncode == 0, done.stderr
    assert done.stdout.replace("\r\n", "\n").splitlines()[1:] == [
        "Veridian boot ROM", "boot: memory " + "." * 30 + " good", "boot: flash ef4018, quad",
        "boot: entering 80000000", "Veridian 0"]
