from elftools.elf.elffile import ELFFile

from sim.bare_metal import build_program
from soc import memory_map
from soc.config import SocConfig
from soc.firmware.boot_rom import boot_rom, build_boot_rom
from soc.firmware.build import build_firmware
from soc.generate.linker_script import bare_metal_script, firmware_script


def test_scripts_take_addresses_from_the_memory_map():
    assert f". = {memory_map.FIRMWARE_BASE:#x};" in firmware_script()
    assert f"firmware_end <= {memory_map.KERNEL_BASE:#x}" in firmware_script()
    assert f". = {0x8765_4000:#x};" in bare_metal_script(0x8765_4000)


def test_firmware_lies_where_the_boot_rom_jumps_to():
    image = build_firmware()
    with (image.parent / "firmware.elf").open("rb") as file:
        elf = ELFFile(file)
        assert elf["e_entry"] == memory_map.FIRMWARE_BASE
        segments = [segment for segment in elf.iter_segments("PT_LOAD")]
        # Nothing is left to be cleared: the flat binary holds the zeroed data too.
        assert all(segment["p_filesz"] == segment["p_memsz"] for segment in segments)
        end = max(segment["p_paddr"] + segment["p_memsz"] for segment in segments)
    assert image.stat().st_size == end - memory_map.FIRMWARE_BASE


def test_firmware_of_a_small_memory_ends_below_the_kernel():
    size = 256 << 10
    assert f"firmware_end <= {memory_map.layout(size).kernel_base:#x}" in firmware_script(size)
    assert build_firmware(1, size) != build_firmware()


def test_boot_rom_contents():
    rom = memory_map.region("boot_rom")
    image = build_boot_rom()
    assert image.read_bytes() == boot_rom() and len(boot_rom()) <= rom.size
    with (image.parent / "boot_rom.elf").open("rb") as file:
        elf = ELFFile(file)
        assert elf["e_entry"] == memory_map.RESET_VECTOR == rom.base
        symbols = elf.get_section_by_name(".symtab")
        # The loader's variables lie behind its copy of the ROM, with room for the stack.
        variables = elf.get_section_by_name(".bss")
        assert variables["sh_addr"] == rom.base + rom.size
        end = symbols.get_symbol_by_name("loader_end")[0]["st_value"]
        assert end - rom.base <= memory_map.LOADER_BYTES - 1024


def test_boot_rom_follows_the_configuration():
    small = boot_rom(SocConfig(flash=False))
    assert len(small) < len(boot_rom()) and b"flash" not in small
    assert boot_rom(SocConfig(flash_offset=0x20_0000)) != boot_rom()
    assert boot_rom(SocConfig(baud=9600)) != boot_rom()
    assert boot_rom(SocConfig(memory_bytes=1 << 20, sdram="")) != boot_rom(SocConfig(sdram=""))


def test_bare_metal_program(tmp_path):
    source = tmp_path / "tiny.S"
    source.write_text('.section .text.init, "ax"\n.globl _start\n_start: j _start\n'
                      '.section .tohost, "aw"\n.balign 64\n.globl tohost\ntohost: .dword 0\n')
    with build_program([source]).open("rb") as file:
        elf = ELFFile(file)
        assert elf["e_entry"] == memory_map.FIRMWARE_BASE
        assert elf.get_section_by_name(".symtab").get_symbol_by_name("tohost")[0]["st_value"] % 64 == 0
