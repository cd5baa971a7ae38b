"""W^X on AArch64: walks the page tables of the running kernel and of its processes, decoded from the Arm ARM alone."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from kernel.build import build_initrd, build_kernel
from sim.qemu import EMULATORS, ensure_installed
from tests.kernel.arch.aarch64.gdb_remote import Debugger

DIRECT_MAP = 0xffff_0000_0000_0000
MEMORY = 128 << 20
MEMORY_BASE = 0x4000_0000
SPACES = 12
"""Activations of a user address space to look at; from the first ones on, all pages of a program are mapped."""


@dataclass(frozen=True)
class Mapping:
    """One leaf entry (Arm ARM, D8.3): block or page, with the rights of EL1 and EL0."""

    address: int
    physical: int
    size: int
    entry: int

    @property
    def writable(self) -> bool:
        return not self.entry >> 7 & 1

    @property
    def user_data(self) -> bool:
        return bool(self.entry >> 6 & 1)

    @property
    def kernel_code(self) -> bool:
        return not self.entry >> 53 & 1

    @property
    def user_code(self) -> bool:
        return not self.entry >> 54 & 1

    @property
    def not_global(self) -> bool:
        return bool(self.entry >> 11 & 1)

    @property
    def device(self) -> bool:
        return self.entry >> 2 & 7 == 1


def walk(debugger: Debugger, read_at: int, upper: bool) -> Iterator[Mapping]:
    """All leaves below the root table at kernel address `read_at`."""

    def table(at: int, level: int, base: int) -> Iterator[Mapping]:
        size = 4096 << 9 * level
        for index, entry in enumerate(struct.unpack("<512Q", debugger.read(at, 4096))):
            if not entry & 1:
                continue
            address, physical = base + index * size, entry & 0xffff_ffff_f000
            if level > 0 and entry & 2:
                yield from table(debugger.at_physical(physical), level - 1, address)
            else:
                assert level < 3 and bool(entry & 2) == (level == 0), f"malformed entry {entry:#x}"
                yield Mapping(address, physical, size, entry)

    yield from table(read_at, 3, 0xffff << 48 if upper else 0)


class Machine(Debugger):
    """The kernel in QEMU with its symbols; reads physical memory where the kernel itself sees it."""

    def __init__(self, arguments: str = "init=demo") -> None:
        emulator = EMULATORS["aarch64"]
        ensure_installed(emulator)
        image = build_kernel("aarch64")
        super().__init__([emulator.program, *emulator.machine, "-m", str(MEMORY >> 20), "-nodefaults",
                          "-display", "none", "-icount", "shift=0", "-kernel", str(image),
                          "-initrd", str(build_initrd("aarch64")), "-append", arguments])
        with Path(image).with_suffix(".elf").open("rb") as file:
            table = ELFFile(file).get_section_by_name(".symtab")
            self.symbols = {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}
        self.base = 0

    def at_physical(self, physical: int) -> int:
        offset = physical - self.base
        image = self.symbols["kernel_end"] - self.symbols["kernel_start"]
        return self.symbols["kernel_start"] + offset if 0 <= offset < image else DIRECT_MAP + physical

    def boot(self) -> None:
        """Runs to the portable kernel's first instruction, when all of the kernel's mappings are made."""
        self.break_at(self.symbols["aarch64_start"])
        self.resume()
        self.base = self.register(0)
        self.break_at(self.symbols["kernel_main"])
        self.resume()


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine() as machine:
        machine.boot()
        yield machine


@pytest.fixture(scope="module")
def kernel_mappings(machine: Machine) -> list[Mapping]:
    return list(walk(machine, machine.symbols["boot_tables"], upper=True))


@pytest.fixture(scope="module")
def user_mappings(machine: Machine, kernel_mappings: list[Mapping]) -> list[Mapping]:
    """Of every address space that was made current, including the empty one."""
    machine.break_at(machine.symbols["arch_space_activate"])
    found = []
    for _ in range(SPACES):
        machine.resume()
        found += walk(machine, machine.at_physical(machine.register(0)), upper=False)
    return found


def test_nothing_is_writable_and_executable(kernel_mappings, user_mappings):
    for mapping in [*kernel_mappings, *user_mappings]:
        assert not (mapping.writable and (mapping.kernel_code or mapping.user_code)), hex(mapping.address)


def test_exactly_the_text_is_executable_by_the_kernel(machine, kernel_mappings):
    code = {m.address for m in kernel_mappings if m.kernel_code}
    assert code == set(range(machine.symbols["kernel_start"], machine.symbols["text_end"], 4096))


def test_text_and_constants_have_no_writable_alias(machine, kernel_mappings, user_mappings):
    sealed = range(machine.base, machine.base + machine.symbols["rodata_end"] - machine.symbols["kernel_start"])
    for mapping in [*kernel_mappings, *user_mappings]:
        outside = mapping.physical + mapping.size <= sealed.start or mapping.physical >= sealed.stop
        assert outside or not mapping.writable, hex(mapping.address)


def test_kernel_half_is_closed_to_users_and_global(kernel_mappings):
    assert all(not m.user_data and not m.user_code and not m.not_global for m in kernel_mappings)


def test_direct_map_covers_all_memory(kernel_mappings):
    covered = sum(m.size for m in kernel_mappings if DIRECT_MAP <= m.address and not m.device
                  and m.address - DIRECT_MAP == m.physical)
    assert covered == MEMORY
    assert all(MEMORY_BASE <= m.physical < MEMORY_BASE + MEMORY for m in kernel_mappings if not m.device)


def test_page_below_the_kernel_stack_is_not_mapped(machine, kernel_mappings):
    guard = machine.symbols["kernel_stack_guard"]
    addresses = {m.address for m in kernel_mappings}
    assert guard not in addresses and guard + 4096 in addresses


def test_start_up_mappings_are_gone(machine, kernel_mappings):
    """Neither the device tree's window nor the identity mapping outlives the boot."""
    tree = range(0xffff_ffff_4000_0000, 0xffff_ffff_8000_0000)
    assert not [m for m in kernel_mappings if m.address in tree]


def test_user_half_is_closed_to_the_kernel_s_fetch_and_not_global(user_mappings):
    assert user_mappings, "no process ran"
    assert any(m.user_code for m in user_mappings) and any(m.user_data and m.writable for m in user_mappings)
    assert all(not m.kernel_code and m.not_global and not m.device for m in user_mappings)
