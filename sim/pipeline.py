"""Pipeline traces for the viewer Konata (https://github.com/shioyadan/Konata, format Kanata 0004)."""

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Pipeline", "disassembler"]

#: A label as the simulation program writes it: address and encoding.
_LABEL = re.compile(r"L\t(\d+)\t0\t([0-9a-f]{16}) ([0-9a-f]{4}|[0-9a-f]{8})\n")


def disassembler():
    """Text of an instruction at an address; without capstone (a package for tests) the encoding alone."""
    try:
        import capstone
    except ImportError:
        return lambda address, code: code.hex()
    engine = capstone.Cs(capstone.CS_ARCH_RISCV, capstone.CS_MODE_RISCV64 | capstone.CS_MODE_RISCVC)

    def disassemble(address: int, code: bytes) -> str:
        for _, _, name, operands in engine.disasm_lite(code, address, 1):
            return f"{name} {operands}".strip()
        return code[::-1].hex()
    return disassemble


@dataclass(frozen=True)
class Pipeline:
    """A pipeline trace to be written.

    Attributes
    ----------
    path : Path
    start, cycles : int
        The first cycle that is written, and how many.
    """

    path: Path
    start: int = 0
    cycles: int = 100_000

    def arguments(self) -> list[str]:
        """For the simulation program."""
        return ["--pipeline", str(self.path), "--pipeline-start", str(self.start),
                "--pipeline-end", str(self.start + self.cycles)]

    def disassemble(self) -> None:
        """Put instructions in place of encodings in the finished file."""
        text_of = disassembler()

        def label(match: re.Match) -> str:
            number, address, encoding = match.groups()
            code = int(encoding, 16).to_bytes(len(encoding) // 2, "little")
            return f"L\t{number}\t0\t{int(address, 16):x}: {text_of(int(address, 16), code)}\n"

        scratch = self.path.with_name(self.path.name + ".part")
        with self.path.open() as before, scratch.open("w") as after:
            for line in before:
                after.write(_LABEL.sub(label, line))
        scratch.replace(self.path)
