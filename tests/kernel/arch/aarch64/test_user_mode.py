"""User mode on AArch64: which instructions end a process and why, and that a process keeps its registers."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from hw.abi import ExitReason
from kernel import build
from sim.qemu import run_kernel

FOLDER = Path(__file__).parent / "user"
KERNEL_ADDRESS = 0xffff_ffff_8000_0000
EXITED, MEMORY, ILLEGAL = ExitReason.EXITED, ExitReason.MEMORY_FAULT, ExitReason.ILLEGAL_INSTRUCTION


@dataclass(frozen=True)
class Deed:
    """What user/machine.c does, how it must end, and the value that comes with it (None: an address of the program)."""

    name: str
    reason: ExitReason
    value: int | None = None


DEEDS = (
    Deed("init", EXITED), Deed("hold", EXITED, 0),
    Deed("float", ILLEGAL), Deed("simd load", ILLEGAL), Deed("wfi", ILLEGAL), Deed("wfe", EXITED, 0),
    Deed("brk", ExitReason.EXCEPTION, 0x3c << 26 | 1 << 25 | 7), Deed("hvc", ILLEGAL), Deed("smc", ILLEGAL),
    Deed("hlt", ILLEGAL), Deed("cntvct", ILLEGAL), Deed("id register", ILLEGAL), Deed("pmcr", ILLEGAL),
    Deed("mask interrupts", ILLEGAL), Deed("tlbi", ILLEGAL), Deed("cache clean", ILLEGAL),
    Deed("dc zva", MEMORY, KERNEL_ADDRESS), Deed("misaligned exclusive", ExitReason.MISALIGNED),
    Deed("misaligned jump", ExitReason.MISALIGNED), Deed("non-canonical", MEMORY, 0x4000_0000_0000_0000),
    Deed("cycle counter", EXITED, 0), Deed("direct map", MEMORY, 0xffff_0000_4020_0000),
    Deed("misaligned load", EXITED, 0),
)


def build_machine() -> Path:
    """An initrd with user/ as its only program, linked with the user library."""
    build.build_initrd("aarch64")
    user = build.KERNEL / "user"
    flags = [*build.COMMON_FLAGS, *build.ARCHITECTURES["aarch64"].target_flags, "-I", str(user / "include"),
             "-I", str(user / "lib/arch"), "-I", str(build.GENERATED), '-DUSER_ARCHITECTURE="aarch64.h"']
    sources = [*sorted(FOLDER.iterdir()), *sorted((user / "lib").glob("*.[cS]")),
               user / "lib/arch/aarch64.S", build.KERNEL / "lib/memory.c"]
    folder = build.BUILD / "tests/kernel/aarch64"
    elf, archive = folder / "machine.elf", folder / "machine.cpio"
    build._link(user / "user.ld", build._compile(build.ARCHITECTURES["aarch64"], sources, flags, folder), elf)
    archive.write_bytes(build._cpio([("machine", elf.read_bytes())]))
    return archive


@pytest.fixture(scope="module", params=["release", "test"])
def output(request) -> str:
    kernel = build.build_kernel("aarch64", test=request.param == "test")
    finished = run_kernel("aarch64", kernel, initrd=build_machine(), bootargs="init=machine", timeout=60, echo=False)
    assert finished.code == 0 and "all deeds done" in finished.output, finished.output
    return finished.output


def endings(output: str, number: int) -> list[tuple[ExitReason, int]]:
    lines = re.findall(r"^deed (\d+) status 0 reason (\d+) value ([0-9a-f]+)\r?$", output, re.MULTILINE)
    return [(ExitReason(int(reason)), int(value, 16)) for deed, reason, value in lines if int(deed) == number]


@pytest.mark.parametrize("number", range(2, len(DEEDS)), ids=lambda number: DEEDS[number].name)
def test_instruction(output, number):
    deed = DEEDS[number]
    [(reason, value)] = endings(output, number)
    assert reason == deed.reason
    if deed.value is not None:
        assert value == deed.value
    else:
        assert 0x40_0000 <= value < 0x50_0000


def test_registers_survive_system_calls_and_preemption(output):
    assert endings(output, 1) == [(EXITED, 0), (EXITED, 0)]
