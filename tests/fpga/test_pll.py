import pytest

from fpga.pll import OSCILLATOR, PHASE_DETECTOR, Ecp5Pll, PllSettings, pll_settings


@pytest.mark.parametrize("input_hz", [12_000_000, 25_000_000, 48_000_000, 50_000_000, 100_000_000])
@pytest.mark.parametrize("output_hz", [50_000_000, 60_000_000, 75_000_000])
def test_settings_make_the_clock_exactly_and_within_limits(input_hz, output_hz):
    settings = pll_settings(input_hz, output_hz)
    oscillator = input_hz * settings.multiple / settings.reference
    assert oscillator / settings.output == output_hz
    assert OSCILLATOR[0] <= oscillator <= OSCILLATOR[1]
    assert PHASE_DETECTOR[0] <= input_hz / settings.reference <= PHASE_DETECTOR[1]
    assert all(1 <= divider <= 128 for divider in (settings.reference, settings.multiple, settings.output))


def test_the_board_of_the_default():
    assert pll_settings(25_000_000, 60_000_000) == PllSettings(reference=1, multiple=24, output=10)


@pytest.mark.parametrize("input_hz, output_hz", [(25_000_000, 60_000_001), (25_000_000, 900_000_000),
                                                 (4_000_000, 60_000_000)])
def test_clocks_that_cannot_be_made(input_hz, output_hz):
    with pytest.raises(ValueError, match="the PLL makes no .* MHz of"):
        pll_settings(input_hz, output_hz)


def test_phase_is_in_eighths_of_an_oscillator_period():
    settings = PllSettings(reference=1, multiple=24, output=10)
    assert settings.phase(0) == (0, 0)
    assert settings.phase(90) == (2, 4)
    assert settings.phase(180) == (5, 0)
    for degrees in (360, -90, 1):
        with pytest.raises(ValueError, match="phase must be a multiple of 4.5 degrees from 0 to 360"):
            settings.phase(degrees)


def test_unused_phase_is_refused_before_anything_is_built():
    with pytest.raises(ValueError, match="phase"):
        Ecp5Pll(25_000_000, 60_000_000, 91)
