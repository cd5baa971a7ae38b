"""A system whose main memory is 256 KiB of block RAM: everything has room, and what has none is told."""

import subprocess
import sys

import pytest

from kernel.build import build_initrd
from sim.bare_metal import build_program
from sim.boot import boot, find_target
from sim.reference.build import build_program as build_reference
from sim.toolchain import ROOT, ToolError
from soc import memory_map
from soc.config import SocConfig
from soc.firmware.boot_rom import build_boot_rom
from soc.firmware.build import build_firmware

CONFIG = SocConfig.from_json("blockram")
GREETING = ["greeting: 64 bytes to the other thread and back",
            "greeting: a capability checks as OK, revoked as BAD_HANDLE"]


def greeting_of(result):
    lines = result.output.replace("\r\n", "\n").splitlines()
    assert result.code == 0 and result.ended_by_guest, result.output
    start = next(i for i, line in enumerate(lines) if line.startswith("process 1: greeting started"))
    assert lines[start + 1:start + 3] == GREETING
    return lines


@pytest.mark.parametrize("bootargs", ["", "init=greeting"])
def test_kernel_and_first_process_on_the_reference_model(bootargs):
    lines = greeting_of(boot(find_target("model"), config=CONFIG, bootargs=bootargs, echo=False))
    assert lines[2].startswith("memory: 256 KiB, ") and "accelerator: capability unit in use" in lines


@pytest.mark.parametrize("size", [512 << 10, 1 << 20])
def test_other_sizes(size):
    config = SocConfig(memory_bytes=size, sdram="", l2_bytes=0)
    lines = greeting_of(boot(find_target("model"), config=config, echo=False))
    assert lines[2].startswith(f"memory: {size >> 10} KiB, ")


def test_demonstration_where_it_has_room():
    """The whole initrd in 2 MiB: three processes at once, each with at most half of what its maker has left."""
    config = SocConfig(memory_bytes=2 << 20, sdram="", l2_bytes=0)
    result = boot(find_target("model"), config=config, initrd=build_initrd("riscv64"), init="demo", echo=False)
    assert result.code == 0 and len(result.measurements) > 0


@pytest.mark.slow
def test_power_on_to_the_first_process():
    """On the RTL, out of the flash, with noise in memory before; 1.8 million cycles, and a model of its own."""
    lines = greeting_of(boot(find_target("soc"), config=CONFIG, source="flash", echo=False, max_cycles=2_500_000))
    assert lines[1:5] == ["Veridian boot ROM", "boot: memory " + "." * 30 + " good", "boot: flash ef4018, quad",
                          "boot: entering 80000000"]


@pytest.mark.slow
def test_every_instruction_as_the_reference_model_does_it():
    greeting_of(boot(find_target("soc"), config=CONFIG, oracle=True, echo=False, max_cycles=2_000_000))


def test_what_does_not_fit_is_one_line():
    """All programs, and a memory that is too small for the kernel alone."""
    with pytest.raises(ToolError, match=r"the image wants \d+ bytes of main memory with each part on its own pages "
                                        r"\(firmware \d+, kernel \d+, initrd \d+, device tree \d+\), and there are "
                                        r"245760 of 262144 below the boot ROM's own$") as caught:
        boot(find_target("model"), config=CONFIG, initrd=build_initrd("riscv64"), echo=False)
    assert caught.value.exit_code == 2
    for tool in ("fpga.image", "sim.boot"):
        target = ["--target", "model"] if tool == "sim.boot" else []
        done = subprocess.run([sys.executable, "-m", tool, "--config", '{"memory_bytes": 131072, "sdram": ""}',
                               *target], cwd=ROOT, capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("veridian: the image wants ") and done.stderr.count("\n") == 1
        assert done.stderr.endswith("and there are 114688 of 131072 below the boot ROM's own\n")


PROBE = """
.section .text.init, "ax"
.globl _start
_start:
    lla t0, trap
    csrw stvec, t0
    li s0, 0
{probes}
    li a0, 0
    j end
.balign 4
trap:
    csrr s0, scause
    csrr t0, sepc
    addi t0, t0, 4
    csrw sepc, t0
    sret
end:
    li t0, {finisher}
    slli a0, a0, 16
    li t1, 0x3333
    or t1, t1, a0
    bnez a0, 1f
    li t1, 0x5555
1:  sw t1, 0(t0)
    j 1b
"""
LOAD_FAULT = 5


def test_what_the_firmware_protects_and_where_memory_ends(tmp_path):
    """Loads by S-mode: the firmware's memory is closed to its last word, all else is open, behind the end is none."""
    layout = CONFIG.layout
    expected = {memory_map.FIRMWARE_BASE: LOAD_FAULT, layout.kernel_base - 8: LOAD_FAULT,
                layout.kernel_base: 0, layout.end - 8: 0, layout.end: LOAD_FAULT}
    probes = "\n".join(f"""    li s0, 0
    li t1, {address:#x}
    .option push
    .option norvc
    ld t2, 0(t1)
    .option pop
    li a0, {number}
    li t3, {cause}
    bne s0, t3, end""" for number, (address, cause) in enumerate(expected.items(), 1))
    source = tmp_path / "probe.S"
    source.write_text(PROBE.format(probes=probes, finisher=memory_map.region("finisher").base))
    program = build_program([source], base=layout.kernel_base, flat=True)
    done = subprocess.run([build_reference(), "--quiet", "--max-cycles", "100000", "--pmp-entries", "4",
                           "--memory-bytes", str(CONFIG.memory_bytes), "--boot-rom", build_boot_rom(CONFIG),
                           "--load", hex(memory_map.FIRMWARE_BASE), build_firmware(1, CONFIG.memory_bytes),
                           "--load", hex(layout.kernel_base), program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("option", "value", "message"), [
    ("--memory-bytes", "5000", "--memory-bytes must be a multiple of 4096 and not 0"),
    ("--boot-rom", "/nothing", "cannot read '/nothing'"),
])
def test_options_of_the_reference_model(option, value, message):
    done = subprocess.run([build_reference(), option, value], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, f"veridian: {message}\n")
