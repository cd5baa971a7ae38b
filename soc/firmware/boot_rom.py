"""Contents of the boot ROM."""

from .. import memory_map

__all__ = ["boot_rom"]


def boot_rom() -> bytes:
    """Contents of the boot ROM: a0 = mhartid, a1 = device tree, jump to FIRMWARE_BASE.

    The two addresses follow the code as data, as in QEMU's reset vector.
    """
    code = (
        0x0000_0297,  # auipc t0, 0
        0xf140_2573,  # csrr  a0, mhartid
        0x0202_b583,  # ld    a1, 32(t0)
        0x0182_b283,  # ld    t0, 24(t0)
        0x0002_8067,  # jr    t0
        0x0000_0013,  # nop
    )
    addresses = (memory_map.FIRMWARE_BASE, memory_map.DEVICE_TREE_BASE)
    return (b"".join(word.to_bytes(4, "little") for word in code)
            + b"".join(address.to_bytes(8, "little") for address in addresses))
