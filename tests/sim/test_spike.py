"""The machine that Spike is given."""

import fdt

from sim.spike import device_tree
from soc.memory_map import region


def test_tree_describes_the_soc_memory_and_one_hart():
    tree = fdt.parse_dtb(device_tree(4))
    memory = region("memory")
    assert tree.get_property("reg", f"/memory@{memory.base:x}").data == [0, memory.base, 0, memory.size]
    assert tree.get_property("mmu-type", "/cpus/cpu@0").value == "riscv,sv39"
    assert tree.get_property("riscv,pmpregions", "/cpus/cpu@0").value == 4
