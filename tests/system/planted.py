"""Kernel images with a planted fault, to show that tests of booted systems see it."""

from pathlib import Path

from elftools.elf.elffile import ELFFile

from hw import abi
from kernel.build import build_kernel

__all__ = ["handle_rule", "without_right", "without_type"]


def handle_rule(call: abi.Call, index: int = 0) -> abi.HandleArgument:
    """What the table says of a call's handle."""
    [rule] = [rule for rule in abi.CALLS if rule.call == call]
    return rule.handles[index]


def _changed(folder: Path, call: abi.Call, offset: int, expected: int) -> Path:
    """The riscv64 kernel image with 16 bits of a call's row in the dispatcher's table cleared, which are `expected`."""
    image = bytearray(build_kernel("riscv64").read_bytes())
    with build_kernel("riscv64").with_name("kernel.elf").open("rb") as file:
        elf = ELFFile(file)
        [table] = [symbol for symbol in elf.get_section_by_name(".symtab").iter_symbols() if symbol.name == "rules"]
        base = min(segment["p_vaddr"] for segment in elf.iter_segments()
                   if segment["p_type"] == "PT_LOAD" and segment["p_filesz"])
    size = table["st_size"] // len(abi.CALLS)
    place = table["st_value"] - base + call.value * size + offset
    assert int.from_bytes(image[place:place + 2], "little") == expected
    image[place:place + 2] = bytes(2)
    planted = folder / "kernel.bin"
    planted.write_bytes(image)
    return planted


def without_right(folder: Path, call: abi.Call) -> Path:
    """An image, in `folder`, whose dispatcher asks for no rights of a call's first handle."""
    return _changed(folder, call, 2, handle_rule(call).rights.value)


def without_type(folder: Path, call: abi.Call) -> Path:
    """An image, in `folder`, whose dispatcher takes capabilities of any type for a call's first handle."""
    return _changed(folder, call, 0, handle_rule(call).cap_type.value)
