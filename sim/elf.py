"""Loads RISC-V programs from ELF files."""

from dataclasses import dataclass, field
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from soc.memory_map import FIRMWARE_BASE, region

from .toolchain import ToolError

__all__ = ["Program", "load_program"]

#: Exit code for a file that this machine cannot run.
BAD_INPUT = 2


@dataclass(frozen=True)
class Program:
    """What a bare-metal ELF file says.

    Attributes
    ----------
    segments : tuple of (address, content)
        Loadable segments by physical address; what the file does not hold is zero.
    symbols : dict of str to int
    """

    segments: tuple[tuple[int, bytes], ...]
    symbols: dict[str, int] = field(default_factory=dict)


def load_program(path: str | Path) -> Program:
    """Read the ELF file `path`.

    Raises
    ------
    ToolError
        With exit code 2 and one line: no such file, no ELF file, another machine's, nothing to load, outside main
        memory, or an entry that is not where the boot ROM jumps to.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return _read(path, ELFFile(file))
    except OSError as error:
        raise ToolError(f"cannot read '{path}': {error.strerror}", BAD_INPUT) from None
    except (ELFError, ValueError, UnicodeDecodeError, KeyError) as error:
        raise ToolError(f"'{path}' is not a whole ELF file ({error or type(error).__name__})", BAD_INPUT) from None


def _read(path: Path, elf: ELFFile) -> Program:
    if elf["e_machine"] != "EM_RISCV" or elf.elfclass != 64 or not elf.little_endian:
        machine = str(elf["e_machine"]).removeprefix("EM_")
        raise ToolError(f"'{path}' is a {elf.elfclass}-bit program for {machine}; this machine is 64-bit RISCV",
                        BAD_INPUT)
    if elf["e_type"] != "ET_EXEC":
        raise ToolError(f"'{path}' is not a linked program (type {elf['e_type']})", BAD_INPUT)
    memory = region("memory")
    segments = []
    for segment in elf.iter_segments("PT_LOAD"):
        address, size = segment["p_paddr"], segment["p_memsz"]
        if size == 0:
            continue
        if not memory.base <= address <= address + size <= memory.base + memory.size:
            raise ToolError(f"'{path}' has a segment at {address:#x}, outside main memory "
                            f"({memory.base:#x} to {memory.base + memory.size - 1:#x})", BAD_INPUT)
        if len(content := segment.data()) != segment["p_filesz"]:
            raise ToolError(f"'{path}' is cut short", BAD_INPUT)
        segments.append((address, content))
    if not segments:
        raise ToolError(f"'{path}' has nothing to load", BAD_INPUT)
    if elf["e_entry"] != FIRMWARE_BASE:
        raise ToolError(f"'{path}' starts at {elf['e_entry']:#x}; the boot ROM enters {FIRMWARE_BASE:#x}", BAD_INPUT)
    symbols = {symbol.name: symbol["st_value"] for section in elf.iter_sections()
               if isinstance(section, SymbolTableSection) for symbol in section.iter_symbols() if symbol.name}
    return Program(tuple(segments), symbols)
