"""Addresses and interrupts of the SoC, in the shape of QEMU's riscv64 `virt` machine.

The device tree, the SVD, the C header, the linker scripts and the RTL's decoder all come from this table. Where
firmware, kernel, initrd and device tree lie in main memory follows from its size: :func:`layout`.
"""

from dataclasses import dataclass
from functools import cache

__all__ = ["Layout", "Region", "REGIONS", "INTERRUPTS", "layout", "region", "FIRMWARE_BASE", "KERNEL_BASE",
           "INITRD_BASE", "DEVICE_TREE_BASE", "LOADER_BASE", "LOADER_BYTES", "MEMORY_BYTES", "MEMORY_MIN_BYTES",
           "PAGE_BYTES", "RESET_VECTOR"]


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

#: 32 MiB, as the SDRAM of a ULX3S. A system can have less, in block RAM.
MEMORY_BYTES = 32 << 20
#: Less holds nothing beside the boot ROM's own and the firmware.
MEMORY_MIN_BYTES = 64 << 10
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
#: M-mode firmware, where OpenSBI stands on QEMU: at the start of main memory.
FIRMWARE_BASE = 0x8000_0000
#: The end of main memory, where the boot ROM works: an image may use it, but not be loaded there.
LOADER_BYTES = 16 << 10

PAGE_BYTES = 4096
#: What the firmware protects, for itself, in a small memory; the device tree's room there.
_SMALL_FIRMWARE, _SMALL_TREE = 2 * PAGE_BYTES, PAGE_BYTES


@dataclass(frozen=True)
class Layout:
    """Where the parts of an image lie in a main memory of some size.

    Attributes
    ----------
    memory_bytes : int
    kernel_base : int
        The kernel's first byte, where the firmware enters it; everything from FIRMWARE_BASE to there is the firmware's,
        one naturally aligned power of two.
    device_tree_base : int
    loader_base : int
        Up to the end of memory the boot ROM works.
    """

    memory_bytes: int
    kernel_base: int
    device_tree_base: int
    loader_base: int

    @property
    def end(self) -> int:
        """First address behind main memory."""
        return FIRMWARE_BASE + self.memory_bytes

    @property
    def small(self) -> bool:
        """Whether the parts lie side by side, for lack of room."""
        return self.memory_bytes < MEMORY_BYTES

    def initrd_base(self, initrd_bytes: int) -> int:
        """First byte of an initrd of that size: a fixed place or, in a small memory, the last page from which on it
        ends below the device tree."""
        return (self.device_tree_base - initrd_bytes) & -PAGE_BYTES if self.small else INITRD_BASE


@cache
def layout(memory_bytes: int = MEMORY_BYTES) -> Layout:
    """The layout of a main memory of `memory_bytes`.

    Raises
    ------
    ValueError
        For a size that is no power of two from MEMORY_MIN_BYTES to MEMORY_BYTES.
    """
    if memory_bytes & (memory_bytes - 1) or not MEMORY_MIN_BYTES <= memory_bytes <= MEMORY_BYTES:
        raise ValueError(f"main memory must be a power of two from {MEMORY_MIN_BYTES} to {MEMORY_BYTES} bytes, not "
                         f"{memory_bytes}")
    loader = FIRMWARE_BASE + memory_bytes - LOADER_BYTES
    if memory_bytes == MEMORY_BYTES:
        # QEMU puts a flat kernel image 2 MiB behind the start of memory.
        return Layout(memory_bytes, 0x8020_0000, 0x81f0_0000, loader)
    return Layout(memory_bytes, FIRMWARE_BASE + _SMALL_FIRMWARE, loader - _SMALL_TREE, loader)


#: The places in 32 MiB.
INITRD_BASE = 0x8100_0000
KERNEL_BASE, DEVICE_TREE_BASE, LOADER_BASE = layout().kernel_base, layout().device_tree_base, layout().loader_base


def region(name):
    """The region called `name`. Raises KeyError with the names there are."""
    for candidate in REGIONS:
        if candidate.name == name:
            return candidate
    raise KeyError(f"No region {name!r}; there are {', '.join(r.name for r in REGIONS)}")
