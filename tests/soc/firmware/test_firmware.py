"""The firmware's SBI, called by a program that runs in S-mode in the kernel's place."""

import shutil
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from sim.bare_metal import build_program
from sim.model import build_model
from soc import memory_map
from soc.config import SocConfig
from soc.firmware.build import build_firmware
from soc.generate.device_tree import device_tree

PROGRAM = Path(__file__).with_name("sbi_program.c")


@pytest.fixture
def program():
    return build_program([PROGRAM], base=memory_map.KERNEL_BASE, flat=True)


def on_rtl(program, tmp_path, *arguments):
    tree = tmp_path / "soc.dtb"
    tree.write_bytes(device_tree(SocConfig()))
    images = {memory_map.FIRMWARE_BASE: build_firmware(), memory_map.KERNEL_BASE: program,
              memory_map.DEVICE_TREE_BASE: tree}
    loads = [word for address, path in images.items() for word in ("--load", hex(address), path)]
    return subprocess.run([build_model(SocConfig()), "--quiet", "--max-cycles", "1000000", *loads, *arguments],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)


def test_every_call_on_the_rtl(program, tmp_path):
    done = on_rtl(program, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "sbi: all checks passed\n", "")


@pytest.mark.skipif(shutil.which("qemu-system-riscv64") is None, reason="QEMU is not installed")
def test_every_call_on_qemu(program):
    done = subprocess.run(["qemu-system-riscv64", "-M", "virt", "-cpu", "rv64", "-m", "128M", "-display", "none",
                           "-serial", "stdio", "-monitor", "none", "-bios", build_firmware(), "-kernel", program],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert (done.returncode, done.stdout) == (0, "sbi: all checks passed\n")


def test_stopped_hart_stays_stopped(tmp_path):
    source = tmp_path / "stop.S"
    source.write_text('.section .text.init, "ax"\n.globl _start\n'
                      '_start: li a7, 0x48534d\n li a6, 1\n ecall\n unimp\n')
    program = build_program([source], base=memory_map.KERNEL_BASE, flat=True)
    done = on_rtl(program, tmp_path, "--max-cycles", "20000")
    assert (done.returncode, done.stdout) == (3, "")


def test_trap_of_the_firmware_itself_fails_the_machine(program, tmp_path):
    image = build_firmware()
    with (image.parent / "firmware.elf").open("rb") as file:
        [symbol] = ELFFile(file).get_section_by_name(".symtab").get_symbol_by_name("sbi_call")
    broken = bytearray(image.read_bytes())
    offset = symbol["st_value"] - memory_map.FIRMWARE_BASE
    broken[offset:offset + 4] = bytes(4)  # an illegal instruction
    path = tmp_path / "broken.bin"
    path.write_bytes(broken)
    done = on_rtl(program, tmp_path, "--load", hex(memory_map.FIRMWARE_BASE), path)
    assert done.returncode == 125
    assert done.stdout.startswith("firmware: unexpected trap, hart 0x0000000000000000 mcause 0x0000000000000002 "
                                  f"mepc {symbol['st_value']:#018x}")
    assert done.stdout.count("\n") == 1
