"""Parameters of the capability unit are checked."""

import pytest

from hw.abi import INSTRUCTIONS
from hw.bus.register import registers
from hw.capability.config import FAULTS, MAX_HARTS, CapabilityUnitConfig
from hw.capability.unit import CapabilityUnit
from hw.capability.units import CapabilityUnits, capability_unit
from hw.capability.window import ADDRESS_BITS, WindowCommand


@pytest.mark.parametrize(("parameters", "error", "message"), [
    ({"lines": "many"}, TypeError, "lines must be a non-negative integer, not 'many'"),
    ({"lines": True}, TypeError, "lines must be a non-negative integer, not True"),
    ({"patience": -1}, TypeError, "patience must be a non-negative integer, not -1"),
    ({"ways": 1}, ValueError, "ways must be a power of two and at least 2, not 1"),
    ({"ways": 3}, ValueError, "ways must be a power of two and at least 2, not 3"),
    ({"lines": 48}, ValueError, "lines must be a power of two and at least 4, not 48"),
    ({"lines": 4, "ways": 4}, ValueError, "lines must be a power of two and at least 8, not 4"),
    ({"lines": 1 << 18}, ValueError, "lines must make at most 65536 sets, not 131072"),
    ({"max_walk_cycles": 15}, ValueError, "max_walk_cycles must be at least 16, not 15"),
    ({"patience": 0}, ValueError, "patience must be at least 1, not 0"),
    ({"memory_bytes": 0}, ValueError, "memory_bytes must be a power of two, not 0x0"),
    ({"memory_bytes": 3 << 20}, ValueError, "memory_bytes must be a power of two, not 0x300000"),
    ({"memory_base": 0x8000_1000}, ValueError, "memory_base must be a multiple of memory_bytes, not 0x80001000"),
    ({"memory_base": 1 << 32}, ValueError, "memory must end within 32 bits, not at 0x180000000"),
    ({"error_injection": 1}, TypeError, "error_injection must be true or false, not 1"),
    ({"harts": 0}, ValueError, "harts must be 1 to 4, not 0"),
    ({"harts": 5}, ValueError, "harts must be 1 to 4, not 5"),
    ({"harts": "2"}, TypeError, "harts must be a non-negative integer, not '2'"),
    ({"counters": None}, TypeError, "counters must be true or false, not None"),
    ({"revocation": 0}, TypeError, "revocation must be true or false, not 0"),
    ({"revocation": False, "harts": 2}, ValueError, "revocation must be true with 2 harts"),
    ({"faults": frozenset({"drop_everything"})}, ValueError, "not drop_everything"),
    ({"faults": frozenset({"leave_out"})}, ValueError, "not leave_out"),
])
def test_refused(parameters, error, message):
    with pytest.raises(error, match=message):
        CapabilityUnitConfig(**parameters)


def test_product_has_no_faults():
    config = CapabilityUnitConfig()
    assert (config.faults, config.fault_inputs, config.sets) == (frozenset(), False, 128)
    unit = _silent(CapabilityUnit(config))
    assert "faults" not in unit.signature.members
    for fault in FAULTS:
        assert unit._planted(fault).value == 0


def test_configuration_must_be_one():
    with pytest.raises(TypeError, match="Configuration must be a CapabilityUnitConfig, not 16"):
        CapabilityUnit(16)
    with pytest.raises(TypeError, match="Configuration must be a CapabilityUnitConfig, not 16"):
        CapabilityUnits(16)


def test_several_harts_have_units_of_their_own():
    with pytest.raises(ValueError, match="CapabilityUnit is for one hart, not 2: CapabilityUnits is for several"):
        CapabilityUnit(CapabilityUnitConfig(harts=2))
    with pytest.raises(ValueError, match="at least 2 harts, not 1: CapabilityUnit is for one"):
        CapabilityUnits(CapabilityUnitConfig())
    assert isinstance(_silent(capability_unit()), CapabilityUnit)
    for harts in range(2, MAX_HARTS + 1):
        units = capability_unit(CapabilityUnitConfig(harts=harts))
        for part in (units, units._decoder, *(part for unit in units._units for part in (unit, *_hart_parts(unit)))):
            part._MustUse__silence = True
        assert isinstance(units, CapabilityUnits)
        windows = [(start, end) for _, _, start, end in units.window.memory_map.windows()]
        assert windows == [(number << ADDRESS_BITS, number + 1 << ADDRESS_BITS) for number in range(harts)]
        one = {each.name for each in registers(units._units[0].window.memory_map)}
        alone = {each.name for each in registers(_silent(CapabilityUnit()).window.memory_map)}
        assert one - alone == {"harts", "remote_invalidations", "unanswered"} and not alone - one


def test_window_registers_follow_each_other():
    unit = _silent(CapabilityUnit())
    found = list(registers(unit.window.memory_map))
    assert unit.window.memory_map.addr_width == ADDRESS_BITS
    assert [each.offset for each in found[:3]] == [0, 8, 16]
    assert len({each.offset for each in found}) == len(found) == 30
    assert all(each.description and field.description for each in found for field in each.fields)


def test_counters_can_be_left_out():
    unit = _silent(CapabilityUnit(CapabilityUnitConfig(counters=False)))
    assert not any(each.name == "hits" for each in registers(unit.window.memory_map))


def test_revocation_engine_can_be_left_out():
    def registers_and_ports(**parameters):
        unit = _silent(CapabilityUnit(CapabilityUnitConfig(**parameters)))
        return ({each.name: each.offset for each in registers(unit.window.memory_map)}, set(unit.signature.members))
    registers_with, ports_with = registers_and_ports()
    registers_without, ports_without = registers_and_ports(revocation=False)
    assert registers_with.keys() - registers_without.keys() == {"revocation", "revoked_at", "dead", "revoked"}
    # All others are where they were.
    assert registers_without.items() <= registers_with.items()
    assert ports_with - ports_without == {"revoker"}


def test_errors_are_injected_on_demand_alone():
    def names(**parameters):
        unit = _silent(CapabilityUnit(CapabilityUnitConfig(**parameters)))
        return {each.name for each in registers(unit.window.memory_map)}
    assert names(error_injection=True) - names() == {"flip"}


def test_commands_are_the_privileged_instructions():
    functions = {each.funct3 for each in INSTRUCTIONS if each.name.startswith("cap.") and not each.user}
    assert functions == {each.value for each in WindowCommand} - {WindowCommand.INVALIDATE_ALL.value}


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def _silent(unit):
    """A unit that nobody elaborates, without the complaint."""
    for part in (unit, unit._window, unit._window._bridge, *_parts(unit)):
        part._MustUse__silence = True
    return unit


def _hart_parts(unit):
    return unit._window, unit._window._bridge, *_parts(unit)


def _parts(unit):
    for resource, *_ in unit.window.memory_map.resources():
        yield resource
        yield from vars(resource.f).values()
