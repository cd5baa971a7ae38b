import pytest
from elftools.elf.elffile import ELFFile

from kernel.build import BuildError, _packed, build_initrd
from sim.toolchain import BUILD

PROGRAMS = ("demo", "greeting", "suite")


def segments(file):
    return [(s["p_vaddr"], s["p_flags"], s["p_memsz"], s.data()) for s in ELFFile(file).iter_segments("PT_LOAD")
            if s["p_memsz"]]


@pytest.mark.parametrize("architecture", ["riscv64", "x86_64", "aarch64"])
def test_packed_programs_hold_what_was_linked(architecture, tmp_path):
    build_initrd(architecture)
    for name in PROGRAMS:
        linked = BUILD / "kernel" / architecture / "user" / f"{name}.elf"
        packed = tmp_path / name
        packed.write_bytes(_packed(linked))
        with linked.open("rb") as one, packed.open("rb") as other:
            assert segments(other) == segments(one)
            assert [ELFFile(other)[field] for field in ("e_entry", "e_machine", "e_type", "e_flags")] == [
                ELFFile(one)[field] for field in ("e_entry", "e_machine", "e_type", "e_flags")]
            assert all(s["p_offset"] % 16 == 0 for s in ELFFile(other).iter_segments())
        # No room in between: the linker's file has whole pages of it.
        assert packed.stat().st_size < sum(len(content) + 16 for *_, content in segments(packed.open("rb"))) + 256


def test_some_programs_alone():
    whole, one = (build_initrd("riscv64", only).read_bytes() for only in ((), ("greeting",)))
    assert b"greeting\0" in one and b"demo\0" not in one and len(one) < len(whole) / 10
    with pytest.raises(BuildError, match="there is no program 'nobody'; there are agent, "):
        build_initrd("riscv64", ["nobody"])
