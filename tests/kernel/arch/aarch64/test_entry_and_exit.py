"""What only AArch64 has: ways to be entered and to end, PAN, and code free of floating-point registers."""

import re
import struct
import subprocess
from pathlib import Path

import capstone
import pytest
from elftools.elf.elffile import ELFFile

from kernel.build import build_initrd, build_kernel
from sim.qemu import EMULATORS, ensure_installed

TEXT_OFFSET = 8          # arm64 Image header
PROGRAM = EMULATORS["aarch64"].program


def boot(*, machine: str = "virt", cpu: str = "cortex-a72", semihosting: bool = True, kernel: Path | None = None,
         memory: str = "128M", init: str = "demo") -> subprocess.CompletedProcess:
    ensure_installed(EMULATORS["aarch64"])
    command = [PROGRAM, "-machine", machine, "-cpu", cpu, "-m", memory, "-smp", "1", "-icount", "shift=0",
               "-nodefaults", "-display", "none", "-serial", "stdio",
               "-kernel", str(kernel or build_kernel("aarch64")), "-initrd", str(build_initrd("aarch64")),
               "-append", f"init={init}"]
    command += ["-semihosting"] if semihosting else []
    return subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


def passes(done: subprocess.CompletedProcess) -> bool:
    return done.returncode == 0 and "Veridian 0.1 (aarch64, " in done.stdout and "panic" not in done.stdout


@pytest.mark.parametrize("offset", [0x1000, 0x7f000, 0x1ff000])
def test_runs_at_any_page(tmp_path, offset):
    """QEMU loads the image `text_offset` above a 2 MiB boundary."""
    image = bytearray(build_kernel("aarch64").read_bytes())
    struct.pack_into("<Q", image, TEXT_OFFSET, 0x200000 + offset)
    moved = tmp_path / "kernel.bin"
    moved.write_bytes(image)
    done = boot(kernel=moved)
    assert passes(done), done.stdout


@pytest.mark.parametrize("cpu", ["cortex-a53", "cortex-a72", "max"])
def test_drops_from_el2(cpu):
    done = boot(machine="virt,virtualization=on", cpu=cpu)
    assert passes(done), done.stdout


def test_suite_with_privileged_access_never():
    """`max` has PAN: a kernel that touched user memory outside the copy routines would panic."""
    done = boot(cpu="max", init="suite")
    assert passes(done) and "\nnot ok" not in done.stdout, done.stdout


@pytest.mark.parametrize("machine", ["virt", "virt,virtualization=on"])
def test_ends_by_psci_without_semihosting(machine):
    done = boot(machine=machine, semihosting=False)
    assert passes(done), done.stdout


def test_memory_beyond_one_block():
    """3 GiB and 16 MiB: a 1 GiB mapping, 2 MiB mappings and the split around the kernel."""
    done = boot(memory="3088M")
    assert passes(done), done.stdout


#: fmov d0, xzr: user_float_instruction() of kernel/user/lib/arch/aarch64.h, which the program `hostile` dies of.
FLOAT_DEED = (0x9e6703e0).to_bytes(4, "little")


def test_no_floating_point_register_is_named():
    """Both modes trap on the first one (CPACR_EL1), and the compiler likes them for clearing memory."""
    kernel = build_kernel("aarch64").with_suffix(".elf")
    build_initrd("aarch64")
    programs = sorted((kernel.parent.parent / "user").glob("*.elf"))
    assert programs
    disassembler = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_LITTLE_ENDIAN)
    disassembler.skipdata = True
    for path in [kernel, *programs]:
        with path.open("rb") as file:
            for section in ELFFile(file).iter_sections():
                if not section["sh_flags"] & 4:
                    continue
                for instruction in disassembler.disasm(section.data(), section["sh_addr"]):
                    deed = path.name.startswith("hostile") and instruction.bytes == FLOAT_DEED
                    assert deed or not re.search(r"\b[vqdsh]\d+\b", instruction.op_str), f"{path.name}: {instruction}"
