"""The device tree of a SoC, in the shape of QEMU's `virt` (Devicetree specification 0.4).

The tree is what tells the one kernel image for QEMU and for the SoC where it runs.
"""

import fdt

from .. import memory_map
from ..config import SocConfig
from ..memory_map import Region, region

__all__ = ["ISA", "device_tree"]

#: What the core implements, as Linux's `riscv,isa` writes it.
ISA = "rv64imac_zicntr_zicsr_zifencei_sstc"

_PHANDLE_PLIC = 1
_PHANDLE_TEST = 2
_PHANDLE_HART = 16

# Interrupt numbers of a hart's own controller (privileged specification, table of mcause values).
_SUPERVISOR_EXTERNAL, _MACHINE_EXTERNAL, _MACHINE_SOFTWARE, _MACHINE_TIMER = 9, 11, 3, 7

# Words that the test finisher takes, as on QEMU.
_FINISHER_PASS, _FINISHER_RESET = 0x5555, 0x7777


def _cells(*values: int) -> list[int]:
    """64-bit numbers as pairs of cells."""
    return [cell for value in values for cell in (value >> 32, value & 0xffff_ffff)]


def _node(name: str, properties: dict) -> fdt.Node:
    """Node with properties: True stands for an empty one, a list for cells, a tuple for several strings."""
    node = fdt.Node(name)
    for key, value in properties.items():
        if value is True:
            node.append(fdt.Property(key))
        elif isinstance(value, int):
            node.append(fdt.PropWords(key, value))
        elif isinstance(value, list):
            node.append(fdt.PropWords(key, *value))
        else:
            node.append(fdt.PropStrings(key, *((value,) if isinstance(value, str) else value)))
    return node


def _device(name: str, target: Region, properties: dict) -> fdt.Node:
    node = _node(f"{name}@{target.base:x}", {"compatible": target.compatible,
                                             "reg": _cells(target.base, target.size)} | properties)
    if target.interrupt is not None:
        node.append(fdt.PropWords("interrupt-parent", _PHANDLE_PLIC))
        node.append(fdt.PropWords("interrupts", target.interrupt))
    return node


def _cpus(config: SocConfig) -> fdt.Node:
    cpus = _node("cpus", {"#address-cells": 1, "#size-cells": 0, "timebase-frequency": config.timebase_hz})
    for hart in range(config.harts):
        cpu = _node(f"cpu@{hart}", {
            "device_type": "cpu", "reg": hart, "status": "okay", "compatible": "riscv", "riscv,isa": ISA,
            "mmu-type": "riscv,sv39", "clock-frequency": config.clock_hz,
        })
        cpu.append(_node("interrupt-controller", {
            "#address-cells": 0, "#interrupt-cells": 1, "interrupt-controller": True,
            "compatible": "riscv,cpu-intc", "phandle": _PHANDLE_HART + hart,
        }))
        cpus.append(cpu)
    return cpus


def _hart_interrupts(config: SocConfig, *numbers: int) -> list[int]:
    return [cell for hart in range(config.harts) for number in numbers
            for cell in (_PHANDLE_HART + hart, number)]


def _devices(config: SocConfig) -> fdt.Node:
    soc = _node("soc", {"#address-cells": 2, "#size-cells": 2, "compatible": "simple-bus", "ranges": True})
    soc.append(_device("test", region("finisher"), {"phandle": _PHANDLE_TEST}))
    soc.append(_device("clint", region("clint"), {
        "interrupts-extended": _hart_interrupts(config, _MACHINE_SOFTWARE, _MACHINE_TIMER),
    }))
    soc.append(_device("plic", region("plic"), {
        "#address-cells": 0, "#interrupt-cells": 1, "interrupt-controller": True, "phandle": _PHANDLE_PLIC,
        "riscv,ndev": max(memory_map.INTERRUPTS.values()),
        "interrupts-extended": _hart_interrupts(config, _MACHINE_EXTERNAL, _SUPERVISOR_EXTERNAL),
    }))
    soc.append(_device("serial", region("uart"), {"clock-frequency": config.clock_hz}))
    if config.capability_unit:
        engine = {} if config.capability_revocation else {"veridian,software-revocation": True}
        soc.append(_device("capability-unit", region("capability_unit"), engine))
    if config.l2_bytes:
        soc.append(_device("cache-controller", region("l2_cache"), {}))
    if config.flash:
        soc.append(_device("flash-controller", region("flash"), {}))
        soc.append(_device("flash", region("flash_window"), {"bank-width": 8}))
    if config.mailbox:
        soc.append(_device("mailbox", region("mailbox"), {}))
    return soc


def device_tree(config: SocConfig, *, bootargs: str = "", initrd_bytes: int = 0) -> bytes:
    """Flattened device tree.

    Parameters
    ----------
    config : SocConfig
        The machine.
    bootargs : str
        The kernel's command line.
    initrd_bytes : int
        Size of the initrd, which lies where the layout says; 0: none.

    Raises
    ------
    ValueError
        When the initrd or the tree reaches into what comes behind it.
    """
    layout, memory = config.layout, config.memory
    initrd_base = layout.initrd_base(initrd_bytes)
    initrd_end = initrd_base + initrd_bytes
    if initrd_end > layout.device_tree_base:
        raise ValueError(f"The initrd of {initrd_bytes} bytes reaches into the device tree at "
                         f"{layout.device_tree_base:#x}")
    cells = {"#address-cells": 2, "#size-cells": 2}
    uart = region("uart")
    root = _node("/", cells | {"compatible": "veridian,soc", "model": "veridian,soc"})
    chosen = _node("chosen", {"stdout-path": f"/soc/serial@{uart.base:x}"})
    if bootargs:
        chosen.append(fdt.PropStrings("bootargs", bootargs))
    if initrd_bytes:
        chosen.append(fdt.PropWords("linux,initrd-start", *_cells(initrd_base)))
        chosen.append(fdt.PropWords("linux,initrd-end", *_cells(initrd_end)))
    root.append(chosen)
    root.append(_node(f"memory@{memory.base:x}", {"device_type": "memory", "reg": _cells(memory.base, memory.size)}))
    root.append(_cpus(config))
    # The firmware's own memory, which S-mode must leave alone.
    reserved = _node("reserved-memory", cells | {"ranges": True})
    firmware_bytes = layout.kernel_base - memory_map.FIRMWARE_BASE
    reserved.append(_node(f"firmware@{memory_map.FIRMWARE_BASE:x}", {
        "no-map": True, "reg": _cells(memory_map.FIRMWARE_BASE, firmware_bytes),
    }))
    root.append(reserved)
    for name, value in (("poweroff", _FINISHER_PASS), ("reboot", _FINISHER_RESET)):
        root.append(_node(name, {"compatible": f"syscon-{name}", "regmap": _PHANDLE_TEST, "offset": 0,
                                 "value": value}))
    root.append(_devices(config))
    tree = fdt.FDT()
    tree.root = root
    content = tree.to_dtb(version=17)
    if layout.device_tree_base + len(content) > layout.loader_base:
        raise ValueError(f"The device tree of {len(content)} bytes reaches into the boot ROM's memory at "
                         f"{layout.loader_base:#x}")
    return content
