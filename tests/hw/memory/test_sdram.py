"""The SDRAM controller on Verilator with a chip that checks its timing; what a clock makes of a chip's timings."""

from dataclasses import replace

import pytest

from hw.memory.sdram import SdramController
from hw.memory.sdram_config import AS4C16M16SA_7, CHIPS, IS42S16160G_7, SdramConfig
from tests.hw.cocotb_bench import BenchFailure, build, run, testcases

BENCH = "tests.hw.memory.sdram_bench"
#: The timings that the bench's traffic comes to the edge of.
EDGES = ("t_rcd", "t_rp", "t_ras", "t_wr", "t_rfc")


@pytest.fixture(scope="session")
def models():
    from tests.hw.memory.sdram_bench import CONFIGS
    built = {}

    def model(name):
        if name not in built:
            built[name] = build(SdramController(CONFIGS[name]), name=f"sdram_{name}")
        return built[name]
    return model


@pytest.mark.parametrize("testcase", testcases(BENCH))
def test_at_60_mhz(models, testcase):
    run(models("as4c_60"), BENCH, testcase, environment={"SDRAM": "as4c_60"})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["as4c_133", "is42_100_registers"])
def test_other_clocks(models, name):
    run(models(name), BENCH, seed=3, environment={"SDRAM": name})


@pytest.mark.parametrize("timing", EDGES)
def test_a_stricter_chip_complains(models, timing):
    """The rules of the chip model are not vacuous: none of them has slack of more than a cycle or two."""
    with pytest.raises(BenchFailure, match="ns, not"):
        run(models("as4c_60"), BENCH, "any_traffic", environment={"SDRAM": "as4c_60", "STRICTER": timing})


def test_cycles():
    config = SdramConfig(clock_hz=60_000_000)
    assert (config.rcd, config.rp, config.ras, config.rrd, config.wr, config.rfc, config.mrd) == (2, 2, 3, 1, 1, 4, 2)
    assert (config.cas_latency, config.power_up, config.refresh_interval, config.mode) == (2, 12000, 468, 0x22)
    config = SdramConfig(clock_hz=133_000_000)
    assert (config.rcd, config.rp, config.ras, config.rrd, config.wr, config.rfc, config.mrd) == (3, 3, 6, 2, 2, 9, 2)
    assert (config.cas_latency, config.mode) == (3, 0x32)


def test_a_whole_number_of_cycles_is_not_rounded_up():
    assert SdramConfig(chip=replace(IS42S16160G_7, t_rcd=20), clock_hz=50_000_000).rcd == 1


@pytest.mark.parametrize("chip", CHIPS.values(), ids=CHIPS)
@pytest.mark.parametrize("clock_hz", [25_000_000, 48_000_000, 60_000_000, 80_000_000, 100_000_000, 143_000_000])
def test_cycles_are_enough(chip, clock_hz):
    config = SdramConfig(chip=chip, clock_hz=clock_hz)
    period = 1e9 / clock_hz
    for name in ("rcd", "rp", "ras", "rrd", "wr", "rfc", "mrd", "power_up"):
        assert getattr(config, name) * period >= getattr(chip, f"t_{name}") - 1e-3
    assert (config.ras + config.rp) * period >= chip.t_rc - 1e-3
    assert config.refresh_interval * period <= chip.t_refi
    assert chip.size == 32 << 20


@pytest.mark.parametrize(("fields", "error", "message"), [
    ({"chip": "AS4C"}, TypeError, "chip must be an SdramChip, not 'AS4C'"),
    ({"clock_hz": 6e7}, TypeError, "clock_hz must be a positive integer, not 60000000.0"),
    ({"clock_hz": 0}, TypeError, "clock_hz must be a positive integer, not 0"),
    ({"clock_hz": 166_000_000}, ValueError, "clock_hz must be at most 143 MHz for AS4C16M16SA-7, not 166 MHz"),
    ({"clock_hz": 4_000_000}, ValueError, "clock_hz of 4 MHz leaves no time between the refreshes of AS4C16M16SA-7"),
    ({"input_registers": 5}, ValueError, "input_registers must be from 0 to 4, not 5"),
])
def test_bad_parameters(fields, error, message):
    with pytest.raises(error) as caught:
        SdramConfig(**fields)
    assert str(caught.value) == message


def test_configuration_must_be_one():
    with pytest.raises(TypeError, match="Configuration must be an SdramConfig, not 60"):
        SdramController(60)


def test_memory_map():
    info, = SdramController(SdramConfig(chip=AS4C16M16SA_7)).bus.memory_map.all_resources()
    assert (info.start, info.end) == (0, 32 << 20)
