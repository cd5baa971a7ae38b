from dataclasses import replace

import pytest

from hw.core.config import CoreConfig
from hw.memory.sdram_config import AS4C16M16SA_7, CHIPS, IS42S16160G_7, SdramConfig
from soc.config import SocConfig
from soc.presets import PRESETS, read_fields


def test_defaults_are_the_boot_configuration():
    config = SocConfig()
    assert (config.harts, config.clock_hz, config.capability_unit, config.mailbox) == (1, 60_000_000, True, True)


@pytest.mark.parametrize("fields, error, message", [
    ({"core": 5}, TypeError, "Core must be a CoreConfig, not 5"),
    ({"harts": "two"}, TypeError, "harts must be a positive integer, not 'two'"),
    ({"harts": True}, TypeError, "harts must be a positive integer, not True"),
    ({"harts": 0}, ValueError, "harts must be a positive integer, not 0"),
    ({"harts": 2}, ValueError, "harts must be 1 in this version, not 2"),
    ({"clock_hz": 6e7}, TypeError, "clock_hz must be a positive integer, not 60000000.0"),
    ({"clock_hz": -1}, ValueError, "clock_hz must be a positive integer, not -1"),
    ({"timebase_hz": 7_000_000}, ValueError, "timebase_hz must divide the clock of 60000000 Hz, not 7000000"),
    ({"capability_unit": 1}, TypeError, "capability_unit must be True or False, not 1"),
    ({"capability_revocation": 1}, TypeError, "capability_revocation must be True or False, not 1"),
    ({"capability_counters": "no"}, TypeError, "capability_counters must be True or False, not 'no'"),
    ({"mailbox": None}, TypeError, "mailbox must be True or False, not None"),
    ({"trace": "yes"}, TypeError, "trace must be True or False, not 'yes'"),
    ({"l2_bytes": "64K"}, TypeError, "l2_bytes must be an integer, not '64K'"),
    ({"l2_bytes": 8192}, ValueError, "l2_bytes must be 0 or from 16384 to 262144, not 8192"),
    ({"l2_bytes": 512 << 10}, ValueError, "l2_bytes must be 0 or from 16384 to 262144, not 524288"),
    ({"l2_bytes": 65536, "l2_ways": 3}, ValueError,
     "Second-level cache: ways must be a power of two from 1 to 8, not 3"),
    ({"l2_bytes": 65536, "l2_line_bytes": 16}, ValueError,
     "Second-level cache: line_bytes must be a power of two from 32 to 128, not 16"),
    ({"memory_bytes": 65536, "sdram": "", "l2_bytes": 65536, "l2_ways": 1}, ValueError,
     "Second-level cache: memory_bytes must be a power of two from 131072 to 4294967296, not 65536"),
    ({"memory_bytes": "1M"}, TypeError, "memory_bytes must be a positive integer, not '1M'"),
    ({"memory_bytes": 32 << 10}, ValueError,
     "memory_bytes: main memory must be a power of two from 65536 to 33554432 bytes, not 32768"),
    ({"memory_bytes": 96 << 10}, ValueError,
     "memory_bytes: main memory must be a power of two from 65536 to 33554432 bytes, not 98304"),
    ({"memory_bytes": 256 << 10}, ValueError,
     "sdram must have the 262144 bytes of main memory, AS4C16M16SA-7 has 33554432"),
    ({"sdram": None}, TypeError, "sdram must be a chip's name or empty, not None"),
    ({"sdram": "DDR3"}, ValueError, "sdram must be empty or one of AS4C16M16SA-7, IS42S16160G-7, not 'DDR3'"),
    ({"sdram": "AS4C16M16SA-7", "sdram_input_registers": 5}, ValueError,
     "SDRAM: input_registers must be from 0 to 4, not 5"),
    ({"sdram": "AS4C16M16SA-7", "clock_hz": 150_000_000, "timebase_hz": 1_000_000}, ValueError,
     "SDRAM: clock_hz must be at most 143 MHz for AS4C16M16SA-7, not 150 MHz"),
    ({"capability_lines": 3}, ValueError, "Capability unit: lines must be a power of two and at least 4, not 3"),
    ({"mailbox_queues": 65}, ValueError, "Mailbox: queues must be from 1 to 64, not 65"),
    ({"mailbox_depth": "4"}, TypeError, "Mailbox: depth must be an integer, not '4'"),
    ({"flash": 1}, TypeError, "flash must be True or False, not 1"),
    ({"flash_offset": "4M"}, TypeError, "flash_offset must be an integer, not '4M'"),
    ({"flash_offset": 1000}, ValueError, "flash_offset must be a multiple of 4096 below 16777216, not 1000"),
    ({"flash_offset": 16 << 20}, ValueError, "flash_offset must be a multiple of 4096 below 16777216, not 16777216"),
    ({"flash_clock_hz": 0}, ValueError, "flash_clock_hz must be a positive integer, not 0"),
    ({"flash_clock_hz": 1000}, ValueError, "flash_clock_hz 1000 is too slow for a clock of 60000000 Hz"),
    ({"baud": 10_000_000}, ValueError, "baud 10000000 is out of reach at 60000000 Hz"),
    ({"debug": "yes"}, TypeError, "debug must be True or False, not 'yes'"),
    ({"capability_unit": False}, ValueError, "mailbox wants capability_unit: it asks the unit about every sender"),
])
def test_bad_fields(fields, error, message):
    with pytest.raises(error) as caught:
        SocConfig(**fields)
    assert str(caught.value) == message


def test_sdram_of_another_size_than_main_memory(monkeypatch):
    half = replace(IS42S16160G_7, column_bits=8)
    monkeypatch.setitem(CHIPS, "half", half)
    with pytest.raises(ValueError, match="^sdram must have the 33554432 bytes of main memory, half has 16777216$"):
        SocConfig(sdram="half")


def test_sdram_runs_at_the_system_clock_with_a_register_in_each_pad():
    config = SocConfig(sdram="IS42S16160G-7", clock_hz=66_000_000, timebase_hz=1_000_000)
    assert config.sdram_config == SdramConfig(chip=IS42S16160G_7, clock_hz=66_000_000, input_registers=1)
    assert SocConfig(sdram="").sdram_config is None


@pytest.mark.parametrize("clock, divider", [(25_000_000, 0), (66_000_000, 0), (66_000_001, 1), (133_000_000, 2)])
def test_clock_of_the_flash(clock, divider):
    config = SocConfig(clock_hz=clock, timebase_hz=clock)
    assert config.flash_divider == divider
    assert clock / (2 * (divider + 1)) <= config.flash_clock_hz


def test_divisor_of_the_boot_rom():
    assert SocConfig().uart_divisor == 33
    assert SocConfig(clock_hz=50_000_000, timebase_hz=50_000_000, baud=9600).uart_divisor == 326


def test_memory_is_that_of_a_ulx3s_unless_told():
    assert SocConfig().sdram_config.chip is AS4C16M16SA_7
    assert SocConfig.from_json("small").sdram_config.chip is AS4C16M16SA_7
    assert SocConfig.from_json("ideal") == SocConfig(sdram="")


def test_json_round_trip():
    config = SocConfig(core=CoreConfig(contexts=2), mailbox=False, trace=False)
    assert SocConfig.from_json(config.to_json()) == config
    assert SocConfig.from_json("{}") == SocConfig()


@pytest.mark.parametrize("name", PRESETS)
def test_preset_differs_from_the_default_in_what_it_names(name):
    fields, config = PRESETS[name], SocConfig.from_json(name)
    assert config != SocConfig()
    assert {field: getattr(config, field) for field in fields if field != "core"} == {
        field: value for field, value in fields.items() if field != "core"}
    assert config == SocConfig.from_json(config.to_json())


def test_reading_a_preset_leaves_it_alone():
    read_fields("small")["core"].clear()
    assert read_fields("small") == PRESETS["small"] and PRESETS["small"]["core"]


@pytest.mark.parametrize("text, message", [
    ("nonsense", "A configuration is a JSON object: "),
    ("[1]", "A configuration is a JSON object, not "),
    ('{"hearts": 1}', "Unknown configuration field 'hearts'"),
    ('{"core": {"caches": 1}}', "Unknown core field 'caches'"),
    ('{"core": 7}', "core is a JSON object, not 7"),
])
def test_bad_json(text, message):
    with pytest.raises(ValueError) as caught:
        SocConfig.from_json(text)
    assert str(caught.value).startswith(message)
