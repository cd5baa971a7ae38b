"""Builds kernel/cap, quotas of kernel/proc and budgets of kernel/sched for the host and loads them through cffi.

The declarations that cffi reads are cut from kernel/cap/cap.h itself, so a changed prototype cannot go unnoticed.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import cffi

from hw.abi import Resource
from sim.toolchain import BUILD, ROOT, digest, locked, tool_versions
from soc.generate.c_header import write_headers

__all__ = ["build", "build_budgets", "build_concurrent", "build_quotas", "load", "load_budgets", "load_quotas",
           "sanitizer_environment"]

_PLAIN_FLAGS = ("-std=c23", "-O1", "-g", "-fPIC", "-Wall", "-Wextra", "-Werror", "-fno-stack-protector",
                "-fsanitize=undefined", "-fsanitize-trap=undefined", "-fno-omit-frame-pointer")
_FLAGS = (*_PLAIN_FLAGS, "-fsanitize=address")
_THREAD_FLAGS = ("-std=c23", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fno-stack-protector",
                 "-fno-sanitize=undefined", "-fsanitize=thread")
_HOST_DECLARATIONS = """
void host_reset(size_t pages);
uint32_t host_take_unreferenced(void);
uint64_t cached_check(uint32_t space, uint64_t query);
void host_set_engine(uint64_t (*use)(uint32_t root, uint32_t limit, uint32_t *dead, bool *finished));
void host_set_attached(bool value);
void host_set_pause(bool value);
void host_set_observer(void (*use)(int what, uint32_t number, uint32_t handle));
void host_set_physical(uint64_t first);
uint64_t *host_at(uint64_t address);
uint32_t host_dead(bool taken);
void cap_hook_invalidate_object(uint32_t object_id);
struct cap_tables { uint64_t spaces; uint32_t space_count; uint64_t slots; uint32_t slot_count;
                    uint64_t objects; uint32_t object_count; };
"""


def _declarations(header: Path) -> str:
    """The prototypes and structs of a C23 header in the C that cffi parses."""
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)
    text = re.sub(r"^(#|constexpr ).*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"(\[\[nodiscard\]\] )?static inline [^{]*\{.*?\}$", "", text, flags=re.DOTALL | re.MULTILINE)
    text = text.replace("[[nodiscard]]", "")
    return re.sub(r"\benum \w+", "uint16_t", text)


def _planted(source: Path, faults: tuple[str, ...]) -> str:
    """The text of a source file with the faults that are for it."""
    text = source.read_text()
    for fault in faults:
        name, _, change = fault.partition(":")
        old, _, new = change.partition("=>")
        if name == source.name:
            if old not in text:
                raise ValueError(f"No {old!r} in {name} to plant a fault at")
            text = text.replace(old, new, 1)
    return text


def _compile(sources: list[Path], folder: Path, flags: tuple[str, ...], faults: tuple[str, ...],
             include: Path) -> list[Path]:
    """Objects, in `folder`, of copies of the sources with the faults."""
    objects = []
    # Copies of the module's headers lie beside those of its sources, and are found first.
    (folder / "cap").mkdir(parents=True, exist_ok=True)
    for header in (ROOT / "kernel/cap").glob("*.h"):
        (folder / "cap" / header.name).write_text(_planted(header, faults))
    for source in sources:
        copy, target = folder / source.name, folder / f"{source.stem}.o"
        copy.write_text(_planted(source, faults))
        # A planted fault may leave a variable without use.
        unused = ["-Wno-unused", "-Wno-unused-parameter"] if faults else []
        includes = [f"-I{path}" for path in (folder, include, ROOT / "kernel/include", ROOT / "kernel")]
        subprocess.run([sys.executable, "-m", "ziglang", "cc", *flags, *unused, *includes, "-c", copy, "-o", target],
                       check=True)
        objects.append(target)
    return objects


def build(faults: tuple[str, ...] = (), *, addresses: bool = True) -> Path:
    """Shared library of kernel/cap with the host's hooks, under AddressSanitizer and UBSan.

    Parameters
    ----------
    faults : tuple of (str)
        `file:old=>new` replacements made in a copy of the source: planted bugs, to show that tests see them.
    addresses : bool
        Under AddressSanitizer. Only a process that has its runtime can load that.
    """
    sources = sorted((ROOT / "kernel/cap").glob("*.c")) + [ROOT / "tests/kernel/host_hooks.c"]
    return _library("cap", sources, faults, addresses)


def build_quotas(faults: tuple[str, ...] = ()) -> Path:
    """The same of kernel/proc/quotas.c."""
    return _library("quotas", [ROOT / "kernel/proc/quotas.c"], faults, True)


def build_budgets(faults: tuple[str, ...] = ()) -> Path:
    """The same of kernel/sched/budget.c."""
    return _library("budgets", [ROOT / "kernel/sched/budget.c"], faults, True)


def _library(name: str, sources: list[Path], faults: tuple[str, ...], addresses: bool) -> Path:
    flags, link = (_FLAGS, ["-fsanitize=address"]) if addresses else (_PLAIN_FLAGS, [])
    headers = [header for folder in ("cap", "include", "proc", "sched")
               for header in sorted((ROOT / "kernel" / folder).glob("*.h"))]
    include = BUILD / "generated/include"
    write_headers(include)
    key = digest(sources, headers, include / "veridian/abi.h", flags, faults, tool_versions("ziglang"))
    library = BUILD / "tests/kernel" / key / f"{name}.so"
    with locked("host-kernel"):
        if library.exists():
            return library
        objects = _compile(sources, library.parent, flags, faults, include)
        # The wheel of the compiler ships no ASan runtime; the host's gcc does.
        partial = library.with_suffix(".part")
        subprocess.run(["gcc", "-shared", *link, *objects, "-o", partial], check=True)
        partial.rename(library)
    return library


def build_concurrent(faults: tuple[str, ...] = (), definitions: tuple[str, ...] = ()) -> Path:
    """concurrent.c with kernel/cap under ThreadSanitizer, as a program.

    Parameters
    ----------
    faults : tuple of (str)
        As :func:`build` takes them.
    definitions : tuple of (str)
        Options of the compiler.
    """
    program = ROOT / "tests/kernel/concurrent.c"
    names = ROOT / "tests/kernel/tsan_names.c"
    sources = [*sorted((ROOT / "kernel/cap").glob("*.c")), ROOT / "tests/kernel/host_hooks.c", program]
    headers = sorted((ROOT / "kernel/cap").glob("*.h")) + sorted((ROOT / "kernel/include").glob("*.h"))
    include = BUILD / "generated/include"
    write_headers(include)
    key = digest(sources, headers, names, include / "veridian/abi.h", _THREAD_FLAGS, faults, definitions,
                 tool_versions("ziglang"))
    target = BUILD / "tests/kernel" / key / "concurrent"
    with locked("host-kernel-threads"):
        if target.exists():
            return target
        objects = _compile(sources, target.parent, (*_THREAD_FLAGS, *definitions), faults, include)
        partial = target.with_suffix(".part")
        # The runtime of the host's gcc, which is called by other names.
        subprocess.run(["gcc", "-fsanitize=thread", *objects, names, "-o", partial], check=True)
        partial.rename(target)
    return target


def sanitizer_environment() -> dict[str, str]:
    """Environment in which a process can load the library."""
    runtime = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    return {"LD_PRELOAD": runtime.stdout.strip(), "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0:halt_on_error=1"}


def load(library: Path):
    """(ffi, lib) of a built library."""
    ffi = cffi.FFI()
    ffi.cdef(_HOST_DECLARATIONS + _declarations(ROOT / "kernel/cap/cap.h"))
    return ffi, ffi.dlopen(str(library))


def load_quotas(library: Path):
    """(ffi, lib) of a built library of quotas."""
    ffi = cffi.FFI()
    text = _declarations(ROOT / "kernel/proc/quotas.h")
    ffi.cdef(text.replace("QUOTA_RESOURCES", str(len(Resource))))
    return ffi, ffi.dlopen(str(library))


def load_budgets(library: Path):
    """(ffi, lib) of a built library of budgets."""
    ffi = cffi.FFI()
    ffi.cdef(_declarations(ROOT / "kernel/sched/budget.h"))
    return ffi, ffi.dlopen(str(library))
