"""The generated C header compiles everywhere and says what hw.abi says."""

import ctypes
import subprocess
import sys

import pytest
from amaranth.lib import data

from hw import abi
from soc import memory_map
from soc.generate.c_header import memory_map_header, write_headers

TARGETS = ("riscv64-freestanding-none", "x86_64-freestanding-none", "aarch64-freestanding-none")
ZIG = (sys.executable, "-m", "ziglang", "cc", "-std=c23", "-Wall", "-Wextra", "-Werror", "-pedantic")


@pytest.fixture(scope="module")
def include(tmp_path_factory):
    folder = tmp_path_factory.mktemp("include")
    write_headers(folder)
    return folder


@pytest.mark.parametrize("target", TARGETS)
def test_compiles_without_warning(include, tmp_path, target):
    source = tmp_path / "all.c"
    source.write_text("#include <veridian/calls.h>\n#include <veridian/image.h>\n#include <veridian/memory_map.h>\n"
                      "static_assert(sizeof(struct slot) == SLOT_BYTES);\n"
                      "static_assert(sizeof(struct object_entry) == OBJECT_ENTRY_BYTES);\n"
                      "#define ROW(c, n, ...) [CALL_##c] = {__VA_ARGS__},\n"
                      "extern struct call_rule const rules[];\n"
                      "struct call_rule const rules[CALL_COUNT] = {CALL_TABLE(ROW)};\n")
    subprocess.run([*ZIG, "-target", target, "-ffreestanding", f"-I{include}", "-c", source, "-o", tmp_path / "o"],
                   check=True)


@pytest.fixture(scope="module")
def library(include, tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    source = folder / "probe.c"
    fields = [name for name, _ in abi.Slot.as_shape() if name != "reserved"]
    source.write_text(
        "#include <veridian/abi.h>\n"
        + "".join(f"uint64_t get_{f}(struct slot *s) {{ return slot_get_{f}(s); }}\n"
                  f"void set_{f}(struct slot *s, uint64_t v) {{ slot_set_{f}(s, v); }}\n" for f in fields)
        + "uint64_t query(uint64_t h, uint64_t t, uint64_t r) { return query_make(h, t, r); }\n"
        "uint64_t verdict(uint64_t w) { return answer_get_verdict(w); }\n"
        "uint64_t value(uint64_t w) { return answer_get_value(w); }\n")
    subprocess.run([*ZIG, "-shared", "-fPIC", f"-I{include}", source, "-o", folder / "probe.so"], check=True)
    probe = ctypes.CDLL(str(folder / "probe.so"))
    for name in ["query", "verdict", "value", *(f"get_{f}" for f in fields)]:
        getattr(probe, name).restype = ctypes.c_uint64
    return probe


@pytest.mark.parametrize("field", [name for name, _ in abi.Slot.as_shape()])
def test_slot_accessors_touch_their_field_only(library, field):
    layout = data.Layout.cast(abi.Slot)
    slot = (ctypes.c_uint64 * 4)(*([(1 << 64) - 1] * 4))
    getattr(library, f"set_{field}")(slot, ctypes.c_uint64(0))
    value = sum(word << 64 * n for n, word in enumerate(slot))
    cleared = ((1 << layout[field].width) - 1) << layout[field].offset
    assert value == ((1 << layout.size) - 1) & ~cleared
    getattr(library, f"set_{field}")(slot, ctypes.c_uint64((1 << 64) - 1))
    assert list(slot) == [(1 << 64) - 1] * 4
    assert getattr(library, f"get_{field}")(slot) == (1 << layout[field].width) - 1


def test_words_are_packed_as_the_layout_says(library):
    word = library.query(ctypes.c_uint64(0x12345678), ctypes.c_uint64(5), ctypes.c_uint64(0x108))
    expected = abi.Query.const({"handle": 0x12345678, "cap_type": 5, "rights": 0x108}).as_bits()
    assert word == expected
    answer = abi.Answer.const({"verdict": 3, "value": 0xdeadbeef}).as_bits()
    assert library.verdict(ctypes.c_uint64(answer)) == 3
    assert library.value(ctypes.c_uint64(answer)) == 0xdeadbeef


def test_memory_map_header_lists_every_region():
    text = memory_map_header()
    for region in memory_map.REGIONS:
        assert f"#define {region.name.upper()}_BASE {region.base:#x}\n" in text


def test_headers_are_left_alone_when_they_are_current(include):
    before = (include / "veridian/abi.h").stat().st_mtime_ns
    write_headers(include)
    assert (include / "veridian/abi.h").stat().st_mtime_ns == before
