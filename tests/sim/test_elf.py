import struct

import pytest

from sim.bare_metal import build_program
from sim.elf import load_program
from sim.toolchain import ToolError
from soc.memory_map import FIRMWARE_BASE

SOURCE = '.section .text.init, "ax"\n.globl _start\n_start: j _start\n.data\n.globl word\nword: .dword 0x1234\n'


@pytest.fixture
def elf(tmp_path):
    source = tmp_path / "program.S"
    source.write_text(SOURCE)
    copy = tmp_path / "program.elf"
    copy.write_bytes(build_program([source]).read_bytes())
    return copy


def refusal(path):
    with pytest.raises(ToolError) as caught:
        load_program(path)
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.message
    return caught.value.message


def patch(path, offset, form, value):
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, offset, value)
    path.write_bytes(content)
    return path


def test_good_program(elf):
    program = load_program(elf)
    assert program.segments[0][0] == FIRMWARE_BASE
    address = program.symbols["word"]
    base, content = next(one for one in program.segments if one[0] <= address < one[0] + len(one[1]))
    assert content[address - base:address - base + 2] == b"\x34\x12"


def test_missing_file(tmp_path):
    assert refusal(tmp_path / "none.elf").endswith("No such file or directory")


def test_no_elf_file(tmp_path):
    path = tmp_path / "text"
    path.write_text("hello")
    assert "is not a whole ELF file" in refusal(path)


def test_empty_file(tmp_path):
    path = tmp_path / "empty"
    path.touch()
    assert "is not a whole ELF file" in refusal(path)


def test_other_machine(elf):
    assert "is a 64-bit program for X86_64" in refusal(patch(elf, 0x12, "<H", 62))


def test_relocatable(elf):
    assert "is not a linked program" in refusal(patch(elf, 0x10, "<H", 1))


def test_entry_elsewhere(elf):
    assert "the boot ROM enters 0x80000000" in refusal(patch(elf, 0x18, "<Q", FIRMWARE_BASE + 4))


def test_outside_memory(elf):
    header = struct.unpack_from("<Q", elf.read_bytes(), 0x20)[0]
    assert "outside main memory" in refusal(patch(elf, header + 0x18, "<Q", 0x1000))


@pytest.mark.parametrize("length", [20, 70, 130, 4100])
def test_cut_short(elf, length):
    elf.write_bytes(elf.read_bytes()[:length])
    refusal(elf)
