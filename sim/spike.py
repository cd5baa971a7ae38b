"""Runs Spike, the RISC-V instruction set simulator, for lockstep.

Spike compiles the device tree of its machine with `dtc` unless it is given one; the tree here, made by a library,
spares the tests a system package.
"""

from __future__ import annotations

import sys
from pathlib import Path

import fdt

from hw.core.pmp import GRAIN
from soc.generate.device_tree import ISA
from soc.memory_map import region

from .toolchain import run_tool

__all__ = ["commit_log", "device_tree"]

_PMP_GRANULARITY = 4 << GRAIN


def device_tree(pmp_entries: int) -> bytes:
    """Spike's bare machine with the SoC's memory: one hart with Sv39 and as many PMP entries."""
    memory = region("memory")
    tree = fdt.FDT()
    tree.header.version = 17
    tree.header.last_comp_version = 16

    def words(path: str, name: str, *values: int):
        tree.set_property(name, list(values), path)

    def texts(path: str, **values: str):
        for name, value in values.items():
            tree.set_property(name.replace("__", ",").replace("_", "-"), value, path)

    words("/", "#address-cells", 2)
    words("/", "#size-cells", 2)
    texts("/", compatible="ucbbar,spike-bare-dev")
    words("/cpus", "#address-cells", 1)
    words("/cpus", "#size-cells", 0)
    words("/cpus", "timebase-frequency", 10_000_000)
    texts("/cpus/cpu@0", compatible="riscv", status="okay", riscv__isa=ISA, mmu_type="riscv,sv39")
    tree.set_property("device_type", "cpu", "/cpus/cpu@0")
    words("/cpus/cpu@0", "reg", 0)
    words("/cpus/cpu@0", "riscv,pmpregions", pmp_entries)
    words("/cpus/cpu@0", "riscv,pmpgranularity", _PMP_GRANULARITY)
    controller = "/cpus/cpu@0/interrupt-controller"
    words(controller, "#interrupt-cells", 1)
    texts(controller, compatible="riscv,cpu-intc")
    words(controller, "phandle", 1)
    tree.set_property("device_type", "memory", f"/memory@{memory.base:x}")
    words(f"/memory@{memory.base:x}", "reg", 0, memory.base, 0, memory.size)
    texts("/htif", compatible="ucb,htif0")
    return tree.to_dtb()


def commit_log(elf: Path, log: Path, *, pmp_entries: int = 0) -> Path:
    """Run `elf` to its store to `tohost` and write its commit log; raises ToolError when Spike fails.

    Without `--instructions`: with it, Spike sometimes ends at a trap long before that number.
    """
    memory = region("memory")
    tree = log.with_suffix(".dtb")
    tree.write_bytes(device_tree(pmp_entries))
    spike = Path(sys.executable).with_name("spike")
    run_tool([spike, f"--isa={ISA}", f"--dtb={tree}", f"--pmpregions={pmp_entries}",
              f"--pmpgranularity={_PMP_GRANULARITY}", f"-m{memory.base:#x}:{memory.size:#x}", "--log-commits",
              f"--log={log}", elf],
             log=log.with_suffix(".out"))
    return log
