"""The parts of random programs that are not random: handlers, beginning and end, in assembly files beside this one."""

from pathlib import Path

__all__ = ["constants", "runtime"]


def runtime(name: str) -> str:
    """Text of one of the assembly files."""
    return Path(__file__).with_name(f"{name}.S").read_text()


def constants(**values: int) -> list[str]:
    """Lines that give constants to such a file."""
    return [f".equ {name}, {value:#x}" for name, value in values.items()]
