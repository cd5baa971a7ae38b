"""Power-on without a backdoor: memory holds noise, everything comes from the flash or over the UART."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import serial

from fpga import xmodem
from sim.bare_metal import build_program
from sim.boot import boot, find_target
from sim.model import build_model
from sim.toolchain import ROOT, ToolError
from soc import memory_map
from soc.config import SocConfig
from soc.image import Image, Segment, pack

BANNER = "Veridian 0"
QUICK, UPLOAD = 4, 1
#: The loader's work and the kernel's up to its banner: 6.12 million, most of it 16 cycles for each byte of the image,
#: in which there are the programs that tests start too.
BUDGET = 6_500_000


@pytest.fixture(scope="module")
def payload():
    program = build_program([Path(__file__).parent / "programs" / "payload.S"], flat=True)
    base = memory_map.FIRMWARE_BASE
    return pack(Image((Segment(base, program.read_bytes()),), base, memory_map.DEVICE_TREE_BASE))


def simulation(*arguments):
    return [build_model(SocConfig()), "--quiet", "--max-cycles", "30000000", *map(str, arguments)]


def run(*arguments):
    done = subprocess.run(simulation(*arguments), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600)
    return done.returncode, done.stdout.replace("\r\n", "\n"), done.stderr


def in_flash(content, tmp_path):
    path = tmp_path / "flash.bin"
    path.write_bytes(content)
    return "--straps", QUICK, "--flash", memory_map.FLASH_IMAGE_OFFSET, path


def test_flash_to_banner():
    result = boot(find_target("soc"), source="flash", until=BANNER, echo=False, max_cycles=BUDGET)
    lines = result.output.replace("\r\n", "\n").splitlines()
    assert result.code == 0, result.output
    assert lines[1:] == ["Veridian boot ROM", "boot: memory " + "." * 30 + " good", "boot: flash ef4018, quad",
                         "boot: entering 80000000", BANNER]


def test_flash_without_quad_commands(payload, tmp_path):
    code, shown, errors = run(*in_flash(payload, tmp_path), "--flash-single")
    assert (code, errors) == (0, "")
    assert shown.endswith("boot: flash ef4018, single\nboot: entering 80000000\npayload runs\n")


def test_memory_that_fails_is_told_with_its_address(payload, tmp_path):
    code, shown, _ = run(*in_flash(payload, tmp_path), "--memory-stuck", "0x80100000", "--until", "again\r\n")
    assert code == 0
    assert re.search(r"\nboot: memory fails at 80100000, wrote [0-9a-f]{15}[13579bdf], read [0-9a-f]{15}[02468ace]\n"
                     r"boot: any key: again\n$", shown), shown


class Session:
    """A running simulation whose UART is a pseudo-terminal."""

    def __init__(self, *arguments, folder):
        self.output = (folder / "console").open("w+b")
        self.process = subprocess.Popen(simulation("--uart-pty", *arguments), stdout=self.output,
                                        stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        self.port = re.fullmatch(r"veridian: UART at (\S+)\n", self.process.stderr.readline())[1]

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.output.close()

    @property
    def shown(self):
        self.output.seek(0)
        return self.output.read().decode(errors="replace").replace("\r\n", "\n")

    def wait_for(self, text, seconds=300):
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < deadline and self.process.poll() is None, self.shown
            time.sleep(0.2)

    def upload(self, image, *arguments):
        return subprocess.run([sys.executable, "-m", "fpga.upload", self.port, image, "--wait", "300", "--timeout",
                               "60", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=600)


def test_damaged_flash_then_uploads(payload, tmp_path):
    """One machine: its flash is damaged, so is the first upload; the second breaks off in a block; the third runs."""
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(payload)
    bad.write_bytes(payload[:-1] + b"\0")
    with Session(*in_flash(bad.read_bytes(), tmp_path), folder=tmp_path) as machine:
        machine.wait_for("boot: send an image by XMODEM\n")
        assert "boot: refused: checksum of a segment\nboot: flash again, single\n" in machine.shown
        done = machine.upload(bad, "--force", "--quiet")
        assert (done.returncode, done.stderr) == (1, "veridian: the loader refused the image: checksum of a segment\n")

        # A sender that dies within its second block, and tells nobody.
        with serial.serial_for_url(machine.port, timeout=0.05) as line:
            xmodem.summon(line, 300)
            line.write(xmodem.block(1, payload[:xmodem.BLOCK]))
            while line.read(1) != bytes([xmodem.ACK]):
                assert machine.process.poll() is None
            line.write(xmodem.block(2, payload[xmodem.BLOCK:2 * xmodem.BLOCK])[:500])

        done = machine.upload(good)
        assert done.returncode == 0, done.stderr
        assert machine.process.wait(300) == 0
        assert machine.shown.endswith("boot: entering 80000000\npayload runs\n")
        assert machine.shown.count("boot: entering") == 1


def test_upload_strap_leaves_the_flash_alone(payload, tmp_path):
    code, shown, _ = run(*in_flash(payload, tmp_path), "--straps", QUICK | UPLOAD, "--until", "XMODEM\r\n")
    assert (code, "flash" in shown) == (0, False)


def test_options_that_do_not_go_together():
    for options, message in (({"source": "flash", "config": SocConfig(flash=False)}, "wants a SoC with flash"),
                             ({"image": Path("x")}, "--image wants --from flash or --from uart")):
        with pytest.raises(ToolError, match=message):
            boot(find_target("soc"), **options)
    with pytest.raises(ToolError, match="--from is for the targets on the RTL, not for model"):
        boot(find_target("model"), source="flash")
