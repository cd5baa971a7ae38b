"""Builds the reference model: a library for the simulation of the RTL, and a program of its own."""

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

from ..toolchain import BUILD, ROOT, ToolError, console, digest, locked, python_sources, run_tool, tool_versions

__all__ = ["LIBRARY", "build_library", "build_program"]

LIBRARY = "libreference.a"
PROGRAM = "veridian-reference"
FLAGS = ("-std=gnu++20", "-O2", "-Wall", "-Wextra", "-fno-stack-protector")
#: What both programs have in common.
SHARED = ("commit_log.cpp", "console.cpp", "ending.cpp", "memory.cpp", "options.cpp", "pseudo_terminal.cpp")


def _sources() -> tuple[list[Path], list[Path]]:
    """Files to compile for the library, and every file that the result depends on."""
    folder, host = ROOT / "sim" / "reference", ROOT / "sim" / "host"
    compiled = [path for path in sorted(folder.glob("*.cpp")) if path.name != "main.cpp"]
    headers = [*sorted(folder.glob("*.hpp")), *sorted(host.glob("*.hpp"))]
    return compiled, [*compiled, *headers]


def _compiler() -> str:
    try:
        return subprocess.run(["g++", "--version"], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        raise ToolError("g++ is not installed; type: apt-get install g++ make") from None


def _numbers() -> str:
    """Text of `numbers.hpp`; kept, because working it out takes longer than looking whether anything changed."""
    key = digest(python_sources("hw", "soc"), sorted((ROOT / "soc" / "firmware" / "boot").iterdir()),
                 tool_versions("ziglang"), ROOT / "sim" / "reference" / "numbers.py")
    path = BUILD / "reference" / f"numbers-{key}.hpp"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        from .numbers import numbers_header

        scratch = path.with_suffix(".part")
        scratch.write_text(numbers_header())
        scratch.replace(path)
    return path.read_text()


def build_library(*, quiet: bool = False) -> Path:
    """Folder with the library and `numbers.hpp`."""
    compiled, inputs = _sources()
    with locked("reference"):
        numbers = _numbers()
    key = digest(inputs, numbers, FLAGS, _compiler())
    folder = BUILD / "reference" / f"library-{key}"
    with locked("reference"):
        if folder.exists():
            return folder
        scratch = folder.with_name(folder.name + ".part")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        (scratch / "numbers.hpp").write_text(numbers)

        def compile_one(source: Path) -> Path:
            target = scratch / f"{source.stem}.o"
            run_tool(["g++", *FLAGS, f"-I{scratch}", "-c", source, "-o", target], log=target.with_suffix(".log"))
            return target

        message = "Compiling the reference model"
        status = nullcontext() if quiet else console.status(message)
        with status, ThreadPoolExecutor(2) as pool:
            objects = list(pool.map(compile_one, compiled))
        run_tool(["ar", "rcs", scratch / LIBRARY, *objects], log=scratch / "ar.log")
        scratch.rename(folder)
    return folder


def build_program(*, quiet: bool = False) -> Path:
    """The model as a program of its own; `--help` lists its options."""
    library = build_library(quiet=quiet)
    sources = [ROOT / "sim" / "reference" / "main.cpp", *(ROOT / "sim" / "host" / name for name in SHARED)]
    folder = BUILD / "reference" / f"program-{digest(library.name, sources, FLAGS)}"
    with locked("reference"):
        if not folder.exists():
            scratch = folder.with_name(folder.name + ".part")
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True)
            run_tool(["g++", *FLAGS, f"-I{library}", *sources, library / LIBRARY, "-o", scratch / PROGRAM],
                     log=scratch / "link.log")
            scratch.rename(folder)
    return folder / PROGRAM
