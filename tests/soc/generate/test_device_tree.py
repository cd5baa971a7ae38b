import shutil
import subprocess

import fdt
import pytest

from soc import memory_map
from soc.config import SocConfig
from soc.generate.device_tree import ISA, device_tree
from soc.memory_map import region


def parse(**arguments):
    config = arguments.pop("config", SocConfig())
    return fdt.parse_dtb(device_tree(config, **arguments))


def cells(tree, path, name):
    return list(tree.get_property(name, path).data)


def pair(value):
    return [value >> 32, value & 0xffff_ffff]



def test_memory_and_timebase():
    tree = parse(config=SocConfig(timebase_hz=10_000_000))
    memory = region("memory")
    assert cells(tree, f"memory@{memory.base:x}", "reg") == pair(memory.base) + pair(memory.size)
    assert tree.get_property("device_type", f"memory@{memory.base:x}").value == "memory"
    assert cells(tree, "cpus", "timebase-frequency") == [10_000_000]


def test_hart():
    tree = parse()
    assert tree.get_property("riscv,isa", "cpus/cpu@0").value == ISA
    assert tree.get_property("mmu-type", "cpus/cpu@0").value == "riscv,sv39"


@pytest.mark.parametrize("target", [one for one in memory_map.REGIONS if one.compatible])
def test_each_listed_region_is_a_node(target):
    tree = parse(config=SocConfig(l2_bytes=65536))
    found = [(path, properties) for path, _, properties in tree.walk()
             for one in properties if one.name == "compatible" and one.data[0] == target.compatible[0]]
    assert len(found) == 1
    path = found[0][0]
    assert cells(tree, path, "reg") == pair(target.base) + pair(target.size)
    assert tuple(tree.get_property("compatible", path).data) == target.compatible
    if target.interrupt is None:
        assert not tree.exist_property("interrupts", path)
    else:
        assert cells(tree, path, "interrupts") == [target.interrupt]
        assert cells(tree, path, "interrupt-parent") == cells(tree, f"soc/plic@{region('plic').base:x}", "phandle")


def test_accelerators_only_when_configured():
    tree = parse(config=SocConfig(capability_unit=False, mailbox=False, l2_bytes=0, flash=False))
    names = [one for _, _, properties in tree.walk() for item in properties if item.name == "compatible"
             for one in item.data]
    assert not any(name in names for name in ("veridian,capability-unit", "veridian,mailbox", "veridian,l2-cache",
                                        "veridian,spi-flash", "mtd-rom"))


@pytest.mark.parametrize("revocation", [True, False])
def test_revocation_by_software_is_said(revocation):
    tree = parse(config=SocConfig(capability_revocation=revocation))
    path = f"soc/capability-unit@{region('capability_unit').base:x}"
    assert tree.exist_property("veridian,software-revocation", path) != revocation


def test_chosen():
    tree = parse(bootargs="accel=off init=demo", initrd_bytes=0x1234)
    assert tree.get_property("bootargs", "chosen").value == "accel=off init=demo"
    assert tree.get_property("stdout-path", "chosen").value == f"/soc/serial@{region('uart').base:x}"
    assert tree.exist_node(tree.get_property("stdout-path", "chosen").value)
    assert cells(tree, "chosen", "linux,initrd-start") == pair(memory_map.INITRD_BASE)
    assert cells(tree, "chosen", "linux,initrd-end") == pair(memory_map.INITRD_BASE + 0x1234)


def test_chosen_without_initrd():
    assert not parse().exist_property("linux,initrd-start", "chosen")


def test_small_memory():
    tree = parse(config=SocConfig.from_json("blockram"), initrd_bytes=4608)
    assert cells(tree, "memory@80000000", "reg") == pair(0x8000_0000) + pair(256 << 10)
    assert cells(tree, "reserved-memory/firmware@80000000", "reg") == pair(0x8000_0000) + pair(8192)
    assert cells(tree, "chosen", "linux,initrd-start") == pair(0x8003_9000)
    assert cells(tree, "chosen", "linux,initrd-end") == pair(0x8003_9000 + 4608)


def test_tree_too_large():
    with pytest.raises(ValueError, match="reaches into the boot ROM's memory at 0x8003c000"):
        device_tree(SocConfig.from_json("blockram"), bootargs="x" * 4096)


def test_initrd_too_large():
    with pytest.raises(ValueError, match="reaches into the device tree"):
        device_tree(SocConfig(), initrd_bytes=memory_map.DEVICE_TREE_BASE - memory_map.INITRD_BASE + 1)


def test_every_phandle_that_is_used_exists():
    tree = parse()
    exist = {value for _, _, properties in tree.walk() for one in properties if one.name == "phandle"
             for value in one.data}
    used = {value for _, _, properties in tree.walk() for one in properties
            if one.name in ("interrupt-parent", "regmap") for value in one.data}
    used |= {value for _, _, properties in tree.walk() for one in properties if one.name == "interrupts-extended"
             for value in one.data[::2]}
    assert used and used <= exist


@pytest.mark.skipif(shutil.which("dtc") is None, reason="dtc is not installed")
def test_dtc_has_nothing_to_say():
    done = subprocess.run(["dtc", "-I", "dtb", "-O", "dts", "-"], capture_output=True,
                          input=device_tree(SocConfig(), bootargs="x", initrd_bytes=1))
    assert done.returncode == 0
    assert done.stderr == b""
