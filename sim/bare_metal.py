"""Compiles small bare-metal programs (C23 or assembly) for the SoC.

``python -m sim.bare_metal SOURCE... --output FILE`` makes an ELF file that :mod:`sim.run_elf` runs.
"""

import os
import subprocess
from importlib import util
from pathlib import Path

import click

from soc.generate.c_header import write_headers
from soc.generate.linker_script import bare_metal_script
from soc.memory_map import FIRMWARE_BASE

from .toolchain import BUILD, ToolError, digest, run_command, tool_versions

__all__ = ["build_program"]

FLAGS = ("-target", "riscv64-freestanding-none", "-mcpu=generic_rv64+m+a+c+zicsr+zifencei", "-mabi=lp64",
         "-mcmodel=medany", "-std=c23", "-O2", "-ffreestanding", "-fno-stack-protector", "-fno-sanitize=undefined",
         "-fno-pic", "-fno-asynchronous-unwind-tables", "-Wall", "-Wextra", "-Werror")


def _zig(*arguments: str | Path) -> None:
    zig = Path(util.find_spec("ziglang").origin).parent / "zig"
    cache = str(BUILD / "zig-cache")
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
    done = subprocess.run([zig, *arguments], capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise ToolError(done.stderr.strip() or f"zig {arguments[0]} failed")


def build_program(sources: list[Path], *, base: int = FIRMWARE_BASE, flat: bool = False,
                  flags: tuple[str, ...] = (), include: tuple[Path, ...] = ()) -> Path:
    """Compile and link `sources`; cached by content.

    Parameters
    ----------
    sources : list of Path
        The symbol `_start`, in section `.text.init`, is entered.
    base : int
        Where the program lies.
    flat : bool
        Make a flat binary in place of an ELF file.
    flags : tuple of str
        Compiler flags on top.
    include : tuple of Path
        Folders of the program's own headers.

    Raises
    ------
    ToolError
        With the compiler's messages.
    """
    script = bare_metal_script(base)
    generated = BUILD / "generated" / "include"
    headers = [*write_headers(generated), *(header for folder in include for header in sorted(folder.glob("*.h")))]
    folders = [f"-I{folder}" for folder in (generated, *include)]
    key = digest(sources, headers, script, FLAGS, flags, str(flat), tool_versions("ziglang"))
    target = BUILD / "programs" / f"{Path(sources[0]).stem}-{key}.{'bin' if flat else 'elf'}"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_suffix(f".{os.getpid()}")
    linker_script = scratch.with_suffix(".ld")
    linker_script.write_text(script)
    objects = []
    try:
        for number, source in enumerate(sources):
            objects.append(scratch.with_suffix(f".{number}.o"))
            _zig("cc", *FLAGS, *flags, *folders, "-c", source, "-o", objects[-1])
        _zig("ld.lld", "--build-id=none", "-z", "max-page-size=4096", "-T", linker_script,
             *(["--oformat=binary"] if flat else []), *objects, "-o", scratch)
        scratch.replace(target)
    finally:
        for path in [*objects, linker_script]:
            path.unlink(missing_ok=True)
    return target


@click.command()
@click.argument("sources", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The ELF file to write.")
@click.option("--include", multiple=True, type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
              help="Folder of headers; may come more than once.")
@click.option("--flag", "flags", multiple=True, metavar="FLAG",
              help="Flag for the compiler (--flag=-DITERATIONS=10); may come more than once.")
def main(sources, output, include, flags):
    """Compile bare-metal SOURCES and link them for 0x8000_0000."""
    program = build_program(list(sources), include=include, flags=flags).read_bytes()
    try:
        output.write_bytes(program)
    except OSError as error:
        raise ToolError(f"cannot write '{output}': {error.strerror}", 2) from None


if __name__ == "__main__":
    run_command(main)
