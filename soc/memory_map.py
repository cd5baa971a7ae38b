"""Addresses and interrupts of the SoC, in the shape of QEMU's riscv64 `virt` machine.

The device tree, the SVD, the C header, the linker scripts and the RTL's decoder all come from this table.
"""

from dataclasses import dataclass

__all__ = ["Region", "REGIONS", "INTERRUPTS", "region", "FIRMWARE_BASE", "KERNEL_BASE", "INITRD_BASE",
           "DEVICE_TREE_BASE", "LOADER_BASE", "LOADER_BYTES", "RESET_VECTOR"]


@dataclass(frozen=True)
class Region:
    """One target on the system bus.

    Attributes
    ----------
    name : str
    base, size : int
        Bytes; the size is a power of two and the base a multiple of it.
    compatible : tuple of str
        Device tree names, most specific first; empty when the tree does not list it.
    interrupt : int or None
        PLIC source.
    cached : bool
        Main memory: cacheable, executable, target of atomics. Everything else is strongly ordered I/O.
    """

    name: str
    base: int
    size: int
    compatible: tuple[str, ...] = ()
    interrupt: int | None = None
    cached: bool = False


INTERRUPTS = {"mailbox": 8, "l2_cache": 9, "uart": 10}

#: 32 MiB, as the SDRAM of a ULX3S.
MEMORY_BYTES = 32 << 20
#: The flash of most boards.
FLASH_BYTES = 16 << 20
#: Where an image lies in the flash unless the configuration says otherwise: behind the longest bitstream, 2 MiB, with
#: as much to spare.
FLASH_IMAGE_OFFSET = 4 << 20

REGIONS = (
    # Where QEMU has it too; only on a SoC that is built with a debug module.
    Region("debug", 0x0000_0000, 0x1000),
    Region("boot_rom", 0x0000_1000, 0x1000),
    Region("finisher", 0x0010_0000, 0x1000, ("sifive,test1", "sifive,test0", "syscon")),
    Region("clint", 0x0200_0000, 0x1_0000, ("sifive,clint0", "riscv,clint0")),
    # Only with a second-level cache.
    Region("l2_cache", 0x0201_0000, 0x1000, ("veridian,l2-cache",), INTERRUPTS["l2_cache"]),
    Region("plic", 0x0c00_0000, 0x400_0000, ("sifive,plic-1.0.0", "riscv,plic0")),
    Region("uart", 0x1000_0000, 0x100, ("ns16550a",), INTERRUPTS["uart"]),
    Region("capability_unit", 0x1100_0000, 0x1000, ("veridian,capability-unit",)),
    Region("mailbox", 0x1101_0000, 0x1_0000, ("veridian,mailbox",), INTERRUPTS["mailbox"]),
    # Only with a flash controller: its registers, and the contents where QEMU has its flash.
    Region("flash", 0x1102_0000, 0x1000, ("veridian,spi-flash",)),
    Region("straps", 0x1102_1000, 0x1000),
    Region("flash_window", 0x2000_0000, FLASH_BYTES, ("mtd-rom",)),
    Region("memory", 0x8000_0000, MEMORY_BYTES, cached=True),
)

#: First instruction after reset, in the boot ROM as on QEMU.
RESET_VECTOR = 0x0000_1000
#: M-mode firmware, where OpenSBI stands on QEMU.
FIRMWARE_BASE = 0x8000_0000
#: Where QEMU puts a flat kernel image; the firmware enters it here.
KERNEL_BASE = 0x8020_0000
#: Where the loader of the simulation puts the initrd and the device tree on the SoC.
INITRD_BASE = 0x8100_0000
DEVICE_TREE_BASE = 0x81f0_0000
#: The end of main memory, where the boot ROM works: an image may use it, but not be loaded there.
LOADER_BYTES = 16 << 10
LOADER_BASE = 0x8000_0000 + MEMORY_BYTES - LOADER_BYTES


def region(name):
    """The region called `name`. Raises KeyError with the names there are."""
    for candidate in REGIONS:
        if candidate.name == name:
            return candidate
    raise KeyError(f"No region {name!r}; there are {', '.join(r.name for r in REGIONS)}")
