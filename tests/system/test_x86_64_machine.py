"""What only x86_64 has to show: the image's shape, big and multiprocessor PCs, processors that it refuses."""

import re
import shutil
import struct
import subprocess
import time
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from hw.abi import CALL_REGISTERS
from kernel.build import build_kernel
from sim.qemu import EMULATORS

EMULATOR = EMULATORS["x86_64"]
XEN_ELFNOTE_PHYS32_ENTRY = 18
DIRECT_MAP = 0xffff_8000_0000_0000
LOCAL_APIC, IO_APIC = 0xfee0_0000, 0xfec0_0000

needs_qemu = pytest.mark.skipif(shutil.which(EMULATOR.program) is None, reason=f"{EMULATOR.program} is not installed")


@pytest.fixture(scope="module")
def image():
    return build_kernel("x86_64")


def command_line(image: Path, *options: str, machine: tuple[str, ...] = EMULATOR.machine) -> list[str]:
    """Without an initrd the kernel panics when it looks for the first process: the log up to there counts here."""
    return [EMULATOR.program, *machine, "-icount", "shift=0", "-display", "none", "-no-reboot", "-nodefaults",
            "-kernel", str(image), "-append", "init=nobody", *options]


def boot(image: Path, *options: str, machine: tuple[str, ...] = EMULATOR.machine) -> tuple[int, str]:
    """Guest's exit code and console."""
    done = subprocess.run(command_line(image, "-serial", "stdio", *options, machine=machine), capture_output=True,
                          timeout=60, stdin=subprocess.DEVNULL)
    return EMULATOR.guest_code(done.returncode), done.stdout.decode().replace("\r", "")


def halted_machine(image: Path, log: Path, command: str, wanted: bytes = b"") -> str:
    """Answer of the emulator's monitor to `command` after boot, and when `wanted` has appeared on the console.

    There is no exit device, so the kernel halts where it would end the machine.
    """
    def wait_for(text: bytes) -> None:
        deadline = time.monotonic() + 60
        while text not in log.read_bytes() and time.monotonic() < deadline:
            time.sleep(0.05)

    # To a file: a full pipe would hold the answer back until `quit` drops it.
    answer = log.with_suffix(".monitor")
    log.write_bytes(b"")
    with answer.open("w") as output:
        process = subprocess.Popen(command_line(image, "-serial", f"file:{log}", "-monitor", "stdio", "-m", "64M",
                                                machine=("-machine", "q35", "-cpu", "max")),
                                   stdin=subprocess.PIPE, stdout=output, text=True)
        try:
            wait_for(b"kernel panic")
            process.stdin.write(f"{command}\n")
            process.stdin.flush()
            wait_for(wanted)
            process.communicate("quit\n", timeout=30)
        finally:
            process.kill()
            process.wait()
    return answer.read_text()


def test_no_segment_is_writable_and_executable(image):
    with image.open("rb") as file:
        flags = {s["p_flags"] for s in ELFFile(file).iter_segments() if s["p_type"] == "PT_LOAD"}
    assert flags == {4, 5, 6}


def test_pvh_note_names_the_entry_point(image):
    with image.open("rb") as file:
        elf = ELFFile(file)
        [note] = (s.data() for s in elf.iter_segments() if s["p_type"] == "PT_NOTE")
        lowest = min(s["p_paddr"] for s in elf.iter_segments() if s["p_type"] == "PT_LOAD")
    assert note == struct.pack("<III4sQ", 4, 8, XEN_ELFNOTE_PHYS32_ENTRY, b"Xen", lowest)


@needs_qemu
def test_running_page_tables(image, tmp_path):
    lines = re.findall(r"^([0-9a-f]{16}): ([0-9a-f]{16}) ([A-Z-]{9})\s*$",
                       halted_machine(image, tmp_path / "console", "info tlb"), re.MULTILINE)
    pages = [(int(virtual, 16), int(physical, 16), flags) for virtual, physical, flags in lines]
    with image.open("rb") as file:
        elf = ELFFile(file)
        constant = {s["p_paddr"] + offset for s in elf.iter_segments() if s["p_type"] == "PT_LOAD"
                    and not s["p_flags"] & 2 for offset in range(0, s["p_memsz"], 4096)}
        guard = elf.get_section_by_name(".symtab").get_symbol_by_name("kernel_stack_guard")[0]["st_value"]
    assert {DIRECT_MAP + page for page in constant} <= {virtual for virtual, _, _ in pages}
    for virtual, physical, flags in pages:
        assert virtual >= DIRECT_MAP, f"{virtual:#x} is mapped in the user half"
        assert "U" not in flags, f"user mode reaches {virtual:#x}"
        assert "X" in flags or "W" not in flags, f"{virtual:#x} is writable and executable"
        if physical in constant and "P" not in flags:
            assert "W" not in flags, f"{virtual:#x} shows constant {physical:#x} writable"
    assert {physical for _, physical, flags in pages if "C" in flags} == {LOCAL_APIC, IO_APIC}
    assert guard not in {virtual for virtual, _, _ in pages}


@needs_qemu
def test_unexpected_trap_shows_the_registers(image, tmp_path):
    """A non-maskable interrupt takes the path of double faults: own stack, no trust in gs, a dump, the end."""
    log = tmp_path / "console"
    halted_machine(image, log, "nmi", wanted=b"unexpected trap")
    with image.open("rb") as file:
        [stack] = [s["st_value"] for s in ELFFile(file).get_section_by_name(".symtab").iter_symbols()
                   if s.name == "kernel_stack_top"]
    text = log.read_text()
    dump = text[text.index("trap 2 "):]
    registers = dict(re.findall(r"(\w+) +0x([0-9a-f]+)", dump))
    assert stack - 16384 < int(registers["rsp"], 16) < stack
    assert int(registers["cs"], 16) == 8
    assert registers.keys() == {*CALL_REGISTERS["x86_64"], "rcx", "r11", "rsp", "rip", "cs", "rflags", "error", "cr2",
                                "cr3"}
    assert dump.endswith("kernel panic: unexpected trap 2\n")


@needs_qemu
def test_memory_above_4_gib_and_processors_from_the_madt(image):
    _, log = boot(image, "-m", "5G", "-smp", "3")
    assert "Veridian" in log and "Q35" in log
    assert "harts: 3, 1 used\n" in log
    total = int(log.split("memory: ")[1].split()[0])
    assert 5 * 1024 * 1024 - 2048 < total < 5 * 1024 * 1024


@needs_qemu
def test_clocks_run_at_the_emulators_rate(image):
    """Under -icount the TSC counts instructions at 1 GHz of virtual time, and the APIC's timer a 16th of that."""
    _, log = boot(image, "-m", "64M")
    timer, clock = map(int, re.search(r"^timer: .* (\d+) kHz, .* (\d+) kHz,", log, re.MULTILINE).groups())
    assert abs(timer - 62_500) < 63 and abs(clock - 1_000_000) < 1_000


@needs_qemu
@pytest.mark.parametrize("missing", ["smep", "smap", "nx"])
def test_refuses_a_processor_that_cannot_protect(image, missing):
    machine = tuple(f"max,-{missing}" if option == "max" else option for option in EMULATOR.machine)
    code, log = boot(image, "-m", "64M", machine=machine)
    assert code == 1
    assert log == "veridian: the processor lacks one of: long mode, NX, SMEP, SMAP (QEMU: use -cpu max)\n"
