"""The opcode test that tells privileged instructions from other general protection faults, run on the host.

The instructions are assembled here, so that no encoding is copied from the code under test.
"""

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from sim.toolchain import BUILD, ROOT, digest, locked, tool_versions

SOURCE = ROOT / "kernel/arch/x86_64/privileged.c"
ZIG = (sys.executable, "-m", "ziglang")

PRIVILEGED = (
    "hlt", "cli", "sti", "inb %dx, %al", "inl $0x60, %eax", "outb %al, %dx", "outw %ax, $0x80", "rep insb", "rep outsl",
    "movq %cr0, %rax", "movq %r15, %cr8", "movq %rax, %cr3", "movq %dr7, %rbx", "movq %r9, %dr0", "clts",
    "invd", "wbinvd", "invlpga",
    "lgdt (%rax)", "lidt 8(%r12)", "sgdt (%rsp)", "sidt (%rsp)", "smsw %eax", "lmsw %ax", "invlpg (%r8)", "swapgs",
    "lldt %ax", "ltr %cx", "sldt %eax", "str %edx", "wrmsr", "rdmsr", "rdpmc", "sysretq", "sysexitq", "xsetbv",
)
ORDINARY = (
    "movl (%rax), %eax", "movq %r15, 8(%r12,%rbx,2)", "lock incl (%rcx)", "movw %ax, %ss", "movl %eax, %ds",
    "int $0x30", "iretq", "lretq", "jmpq *(%rax)", "call *%r11", "pushq (%rdi)", "rep movsb", "divq (%rcx)",
    "fs movl (%rax), %ecx", "bswapl %eax", "cmpxchg16b (%rsi)", "nopl (%rax)", "syscall", "rdtsc", "cpuid",
    "lar %ax, %eax",
)


def built(key_parts: tuple, name: str, make) -> Path:
    """File `name` in a folder of the test's own, made once for each content."""
    target = BUILD / "tests/kernel" / digest(*key_parts, tool_versions("ziglang")) / name
    with locked("x86_64-privileged"):
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_suffix(".part")
            make(partial)
            partial.rename(target)
    return target


@pytest.fixture(scope="module")
def is_privileged():
    def compile_library(target: Path) -> None:
        subprocess.run([*ZIG, "cc", "-std=c23", "-O1", "-fPIC", "-shared", "-fsanitize=undefined",
                        "-fsanitize-trap=undefined", str(SOURCE), "-o", str(target)], check=True)

    library = ctypes.CDLL(str(built(([SOURCE, SOURCE.with_suffix(".h")],), "privileged.so", compile_library)))
    function = library.instruction_is_privileged
    function.argtypes, function.restype = (ctypes.c_char_p, ctypes.c_size_t), ctypes.c_bool
    return lambda code: function(code, len(code))


def assemble(instructions: tuple[str, ...]) -> list[bytes]:
    """Code of each instruction, from one assembly: each stands on a 16-byte border and is cut off at the next one."""
    text = "".join(f".balign 16, 0x90\n{line}\n" for line in instructions) + ".balign 16, 0x90\n"

    def run(target: Path) -> None:
        source, elf = target.with_suffix(".s"), target.with_suffix(".o")
        source.write_text(text)
        subprocess.run([*ZIG, "cc", "-target", "x86_64-freestanding-none", "-c", str(source), "-o", str(elf)],
                       check=True)
        subprocess.run([*ZIG, "objcopy", "-O", "binary", "-j", ".text", str(elf), str(target)], check=True)

    code = built((text,), "code.bin", run).read_bytes()
    return [code[at:at + 15] for at in range(0, 16 * len(instructions), 16)]


def test_privileged_instructions(is_privileged):
    for instruction, code in zip(PRIVILEGED, assemble(PRIVILEGED), strict=True):
        assert is_privileged(code), instruction


def test_ordinary_instructions(is_privileged):
    for instruction, code in zip(ORDINARY, assemble(ORDINARY), strict=True):
        assert not is_privileged(code), instruction


def test_prefixes_change_nothing(is_privileged):
    for prefix in (b"\x66", b"\xf2\x67", b"\x2e\x48", b"\xf0" * 13):
        assert is_privileged(prefix + b"\xf4")
        assert not is_privileged(prefix + b"\x90\xf4")


def test_cut_off_opcode_is_not_read_past_its_end(is_privileged):
    for code in (b"", b"\x66", b"\x48" * 15, b"\x0f", b"\x66\x0f"):
        assert not is_privileged(code)
