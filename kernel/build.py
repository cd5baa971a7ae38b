"""Builds the kernel image and the initrd of user programs for one architecture.

``python -m kernel.build --arch riscv64`` prints the paths of what it built. Everything lies under
``build/kernel/ARCH``; objects are named by the hash of what went into them, so nothing is compiled twice.
"""

import hashlib
import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
import ziglang
from elftools.elf.elffile import ELFFile

from soc.generate.c_header import write_headers

from .registers import write_register_headers

__all__ = ["ARCHITECTURES", "Architecture", "BuildError", "build_kernel", "build_initrd"]

KERNEL = Path(__file__).resolve().parent
ROOT = KERNEL.parent
BUILD = ROOT / "build"
GENERATED = BUILD / "generated" / "include"
ZIG = Path(ziglang.__file__).resolve().parent / "zig"

#: Folders of portable kernel code.
PORTABLE = ("boot", "cap", "drivers", "ipc", "lib", "mm", "proc", "sched", "sys")

COMMON_FLAGS = (
    "-std=c23", "-fasm", "-O2", "-g1", "-fomit-frame-pointer",
    "-ffreestanding", "-fno-stack-protector", "-fno-sanitize=undefined", "-fno-pic",
    "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-ffunction-sections", "-fdata-sections",
    "-Wall", "-Wextra", "-Werror", "-Wmissing-prototypes", "-Wno-missing-field-initializers",
)
#: The kernel is optimised as a whole, so what is one step of a call may be a function in a file of its own.
KERNEL_FLAGS = ("-flto",)
#: A test build stops at every failed assertion and at every undefined operation.
TEST_FLAGS = ("-DVERIDIAN_TEST=1", "-fsanitize=undefined", "-fsanitize-trap=undefined")


class BuildError(Exception):
    """The compiler or linker refused; the message is its output."""


@dataclass(frozen=True)
class Architecture:
    """How one architecture is compiled and linked.

    Attributes
    ----------
    name : str
        Also the folder below kernel/arch.
    target_flags : tuple of str
        For kernel and user code alike.
    kernel_flags, user_flags : tuple of str
        On top, for one of them.
    flat : bool
        The kernel image is a flat binary entered at its first byte; else it is the ELF file.
    """

    name: str
    target_flags: tuple[str, ...]
    kernel_flags: tuple[str, ...] = ()
    user_flags: tuple[str, ...] = ()
    flat: bool = True


ARCHITECTURES = {arch.name: arch for arch in (
    Architecture(
        "riscv64",
        ("-target", "riscv64-freestanding-none", "-mcpu=generic_rv64+m+a+c+zicsr+zifencei+relax", "-mabi=lp64",
         "-mcmodel=medany"),
    ),
    Architecture(
        "x86_64",
        ("-target", "x86_64-freestanding-none", "-mcpu=x86_64-mmx-sse-sse2-x87+soft_float", "-mno-red-zone"),
        kernel_flags=("-mcmodel=kernel",), user_flags=("-mcmodel=small",), flat=False,
    ),
    Architecture(
        "aarch64",
        ("-target", "aarch64-freestanding-none", "-mcpu=generic+el3-neon-fp_armv8+strict_align"),
    ),
)}


def _architecture(name: str) -> Architecture:
    if name not in ARCHITECTURES:
        raise ValueError(f"Unknown architecture {name!r}; there are {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]


def _run(command: list[str]) -> None:
    environment = dict(os.environ, ZIG_GLOBAL_CACHE_DIR=str(BUILD / "zig-cache"),
                       ZIG_LOCAL_CACHE_DIR=str(BUILD / "zig-cache"))
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    if done.returncode != 0:
        raise BuildError(f"{' '.join(command[1:])}\n{done.stdout}{done.stderr}")


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()[:24]


def _generate() -> None:
    write_headers(GENERATED)
    write_register_headers(GENERATED)


def _headers_hash() -> bytes:
    """Hash of every header; an object depends on all of them, which is simple and rarely too much."""
    digest = hashlib.sha256()
    for folder in (KERNEL, GENERATED):
        for header in sorted(folder.rglob("*.h")):
            digest.update(str(header.relative_to(folder)).encode())
            digest.update(header.read_bytes())
    return digest.digest()


def _compile(arch: Architecture, sources: list[Path], flags: list[str], folder: Path) -> list[Path]:
    """Compile what is not there yet; two at a time. Returns the objects in the order of the sources."""
    folder.mkdir(parents=True, exist_ok=True)
    headers = _headers_hash()
    jobs, objects = [], []
    for source in sources:
        key = _hash(source.read_bytes(), headers, "\0".join(flags).encode(), str(source).encode())
        target = folder / f"{source.stem}-{key}.o"
        objects.append(target)
        if not target.exists():
            temporary = target.with_suffix(f".{os.getpid()}.tmp.o")
            jobs.append((temporary, target, [str(ZIG), "cc", *flags, "-c", str(source), "-o", str(temporary)]))

    def one(job):
        temporary, target, command = job
        _run(command)
        temporary.replace(target)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, jobs))
    return objects


def _link(script: Path, objects: list[Path], target: Path) -> None:
    """Link `objects` by `script` into `target`, unless it is there (its name carries the hash)."""
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    _run([str(ZIG), "ld.lld", "-static", "--build-id=none", "--gc-sections", "-z", "max-page-size=4096",
          "-z", "noexecstack", "--no-dynamic-linker", "-T", str(script), "-o", str(temporary), *map(str, objects)])
    temporary.replace(target)


def _flat_binary(elf: Path, target: Path) -> None:
    """Write the loadable segments of `elf` as they lie in memory from the lowest physical address on."""
    with elf.open("rb") as file:
        segments = [(s["p_paddr"], s.data()) for s in ELFFile(file).iter_segments()
                    if s["p_type"] == "PT_LOAD" and s["p_filesz"]]
    base = min(address for address, _ in segments)
    image = bytearray(max(address + len(content) for address, content in segments) - base)
    for address, content in segments:
        image[address - base:address - base + len(content)] = content
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_bytes(image)
    temporary.replace(target)


def _sources(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*") if p.suffix in (".c", ".S"))


def _latest(path: Path, content: Path) -> Path:
    """Make `path` a copy of `content` and return it."""
    if not path.exists() or path.read_bytes() != content.read_bytes():
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_bytes(content.read_bytes())
        temporary.replace(path)
    return path


def build_kernel(arch: str, test: bool = False) -> Path:
    """Build the kernel image.

    Parameters
    ----------
    arch : str
        A key of `ARCHITECTURES`.
    test : bool
        With assertions and undefined-behaviour traps.

    Returns
    -------
    Path
        The image that an emulator or the simulation loads; the ELF file with symbols is `kernel.elf` beside it.

    Raises
    ------
    BuildError
        With the compiler's messages.
    """
    architecture = _architecture(arch)
    _generate()
    folder = BUILD / "kernel" / arch / ("test" if test else "release")
    machine = KERNEL / "arch" / arch
    script = machine / "kernel.ld"
    if not script.exists():
        raise BuildError(f"kernel/arch/{arch} has no kernel.ld yet")
    sources = [source for name in PORTABLE for source in _sources(KERNEL / name)] + _sources(machine)
    flags = [*COMMON_FLAGS, *KERNEL_FLAGS, *architecture.target_flags, *architecture.kernel_flags,
             *(TEST_FLAGS if test else ()),
             "-I", str(KERNEL / "include"), "-I", str(KERNEL), "-I", str(machine), "-I", str(GENERATED)]
    objects = _compile(architecture, sources, flags, folder / "objects")
    elf = folder / f"kernel-{_hash(script.read_bytes(), *(o.name.encode() for o in objects))}.elf"
    if not elf.exists():
        _link(script, objects, elf)
    if not architecture.flat:
        return _latest(folder / "kernel.elf", elf)
    image = elf.with_suffix(".bin")
    if not image.exists():
        _flat_binary(elf, image)
    _latest(folder / "kernel.elf", elf)
    return _latest(folder / "kernel.bin", image)


def _cpio(files: list[tuple[str, bytes]]) -> bytes:
    """Archive in cpio's `newc` form."""
    out = bytearray()
    for inode, (name, content) in enumerate([*files, ("TRAILER!!!", b"")], start=1):
        mode = 0 if name == "TRAILER!!!" else 0o100755
        # More NULs behind the name put the content on a 16-byte boundary, which makes copying fast.
        padded = name.encode() + b"\0" * (1 + -(len(out) + 110 + len(name) + 1) % 16)
        fields = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(padded), 0)
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + padded + content
        out += bytes(-len(out) % 4)
    return bytes(out)


#: ELF64's header and an entry of its program header table (System V ABI, chapters 4 and 5).
_ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
_ET_EXEC, _PT_LOAD = 2, 1
#: Of a segment's content in a packed file: the kernel copies whole words.
_SEGMENT_ALIGNMENT = 16


def _packed(elf: Path) -> bytes:
    """The ELF file with its loaded segments alone, one right behind the other.

    The linker leaves room between them so that a file can be mapped; the kernel copies.
    """
    with elf.open("rb") as file:
        parsed = ELFFile(file)
        segments = [(s.header, s.data()) for s in parsed.iter_segments() if s["p_type"] == "PT_LOAD" and s["p_memsz"]]
        header = parsed.header
        file.seek(0)
        identification, machine = struct.unpack("<16s2xH", file.read(20))
    table, body = b"", b""
    start = _ELF_HEADER.size + len(segments) * _PROGRAM_HEADER.size
    for segment, content in segments:
        body += bytes(-(start + len(body)) % _SEGMENT_ALIGNMENT)
        table += _PROGRAM_HEADER.pack(_PT_LOAD, segment["p_flags"], start + len(body), segment["p_vaddr"],
                                      segment["p_paddr"], segment["p_filesz"], segment["p_memsz"], _SEGMENT_ALIGNMENT)
        body += content
    return _ELF_HEADER.pack(
        identification, _ET_EXEC, machine, 1, header["e_entry"], _ELF_HEADER.size, 0, header["e_flags"],
        _ELF_HEADER.size, _PROGRAM_HEADER.size, len(segments), 0, 0, 0) + table + body


def build_initrd(arch: str, only: Sequence[str] = ()) -> Path:
    """Build the programs of kernel/user/programs and pack them into an initrd (cpio newc).

    Parameters
    ----------
    arch : str
        A key of `ARCHITECTURES`.
    only : sequence of str
        Names of programs; default all.

    Raises
    ------
    BuildError
        With the compiler's messages, or the name of a program that there is not.
    """
    architecture = _architecture(arch)
    _generate()
    folder = BUILD / "kernel" / arch / "user"
    user = KERNEL / "user"
    script = user / "user.ld"
    flags = [*COMMON_FLAGS, *architecture.target_flags, *architecture.user_flags,
             "-I", str(user / "include"), "-I", str(user / "lib" / "arch"), "-I", str(GENERATED),
             f'-DUSER_ARCHITECTURE="{arch}.h"']
    library_sources = [*_sources(user / "lib"), *(p for p in _sources(user / "lib" / "arch") if p.stem == arch)]
    library_sources.append(KERNEL / "lib" / "memory.c")
    # A program is a file or a folder of files.
    programs = {path.stem: [path] if path.is_file() else _sources(path)
                for path in sorted((user / "programs").iterdir()) if path.suffix == ".c" or path.is_dir()}
    if missing := set(only) - set(programs):
        raise BuildError(f"there is no program '{min(missing)}'; there are {', '.join(programs)}")
    programs = {name: group for name, group in programs.items() if not only or name in only}
    sources = [*library_sources, *(source for group in programs.values() for source in group)]
    objects = dict(zip(sources, _compile(architecture, sources, flags, folder / "objects"), strict=True))
    library = [objects[source] for source in library_sources]
    files = []
    for name, group in programs.items():
        parts = [*(objects[source] for source in group), *library]
        elf = folder / f"{name}-{_hash(script.read_bytes(), *(part.name.encode() for part in parts))}.elf"
        if not elf.exists():
            _link(script, parts, elf)
        _latest(folder / f"{name}.elf", elf)
        files.append((name, _packed(elf)))
    target = folder / "-".join(["initrd", *sorted(only)])
    packed = target.with_suffix(f".{os.getpid()}.new")
    packed.write_bytes(_cpio(files))
    target = _latest(target.with_suffix(".cpio"), packed)
    packed.unlink()
    return target


@click.command()
@click.option("--arch", type=click.Choice(sorted(ARCHITECTURES)), required=True)
@click.option("--test", is_flag=True, help="With assertions and undefined-behaviour traps.")
@click.option("--no-initrd", is_flag=True, help="The kernel only.")
def main(arch: str, test: bool, no_initrd: bool) -> None:
    """Build the kernel and its initrd; print their paths."""
    try:
        print(build_kernel(arch, test).relative_to(ROOT))
        if not no_initrd:
            print(build_initrd(arch).relative_to(ROOT))
    except BuildError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
