from xml.etree import ElementTree

import pytest

from hw.bus.register import registers
from soc.config import SocConfig
from soc.generate.svd import svd
from soc.memory_map import region
from soc.top import SoC


@pytest.fixture(scope="module")
def memory_map():
    return SoC(SocConfig()).memory_map


@pytest.fixture(scope="module")
def device(memory_map):
    return ElementTree.fromstring(svd(memory_map).encode())


def peripheral(device, name):
    [found] = [one for one in device.iter("peripheral") if one.findtext("name") == name]
    return found


@pytest.mark.parametrize("name", ["uart", "clint", "plic", "finisher", "capability_unit"])
def test_peripherals_and_their_places(device, name):
    found = peripheral(device, name.upper())
    assert int(found.findtext("baseAddress"), 16) == region(name).base
    number = region(name).interrupt
    assert found.findtext("interrupt/value") == (None if number is None else str(number))


def test_every_register_and_field_is_there(device, memory_map):
    for window, name, _, _ in memory_map.windows():
        expected = {info.name: info for info in registers(window)}
        if not expected:
            continue
        found = {one.findtext("name"): one for one in peripheral(device, name.upper()).iter("register")}
        assert set(found) == set(expected)
        for register, info in expected.items():
            element = found[register]
            assert int(element.findtext("addressOffset"), 16) == info.offset
            assert int(element.findtext("size")) == info.width
            fields = [(one.findtext("name"), int(one.findtext("bitOffset")), int(one.findtext("bitWidth")))
                      for one in element.iter("field")]
            assert fields == [(field.name, field.lsb, field.width) for field in info.fields]


def test_fields_lie_in_their_registers_and_do_not_overlap(device):
    count = 0
    for register in device.iter("register"):
        used = 0
        for field in register.iter("field"):
            mask = ((1 << int(field.findtext("bitWidth"))) - 1) << int(field.findtext("bitOffset"))
            assert used & mask == 0 and mask < 1 << int(register.findtext("size"))
            used |= mask
            count += 1
    assert count > 20


def test_qemu_compatible_offsets(device):
    """A few registers whose places software outside this project relies on."""
    def offset(name, register):
        [found] = [one for one in peripheral(device, name).iter("register") if one.findtext("name") == register]
        return int(found.findtext("addressOffset"), 16)

    assert offset("CLINT", "mtimecmp_0") == 0x4000
    assert offset("PLIC", "claim_1") == 0x20_1004
    assert offset("FINISHER", "control") == 0
