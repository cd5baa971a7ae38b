"""Clocks from an ECP5's PLL (Lattice FPGA-TN-02200, sysCLOCK PLL/DLL design and usage guide)."""

from dataclasses import dataclass

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["CLOCKS", "PLL_CELL", "Ecp5Pll", "PllSettings", "pll_settings"]

#: Limits of the device, hertz (FPGA-DS-02012, table "sysCLOCK PLL timing").
PHASE_DETECTOR = (10_000_000, 400_000_000)
OSCILLATOR = (400_000_000, 800_000_000)
#: Divider of the reference clock, of the feedback, of an output.
DIVIDERS = 128
#: Steps of an oscillator period by which an output can be moved.
FINE_STEPS = 8


@dataclass(frozen=True)
class PllSettings:
    """Dividers of the PLL.

    Attributes
    ----------
    reference, multiple, output : int
        The oscillator runs at ``input clock / reference * multiple``, the output at the `output`-th part of that.
    """

    reference: int
    multiple: int
    output: int

    def phase(self, degrees: float) -> tuple[int, int]:
        """Whole oscillator periods, and eighths of one, by which an output of the same frequency comes later.

        Raises
        ------
        ValueError
            For a phase that is none of the steps.
        """
        steps = self.output * FINE_STEPS * degrees / 360
        if steps != int(steps) or not 0 <= degrees < 360:
            raise ValueError(f"phase must be a multiple of {360 / self.output / FINE_STEPS:g} degrees from 0 to 360, "
                             f"not {degrees:g}")
        return divmod(int(steps), FINE_STEPS)


def pll_settings(input_hz: int, output_hz: int) -> PllSettings:
    """Settings that make `output_hz` out of `input_hz` exactly.

    Of several the one with the fastest phase detector, which has the least jitter, and then with the oscillator in
    the middle of its range.

    Raises
    ------
    ValueError
        If there are none.
    """
    found = []
    for reference in range(1, DIVIDERS + 1):
        detector = input_hz / reference
        if not PHASE_DETECTOR[0] <= detector <= PHASE_DETECTOR[1]:
            continue
        for output in range(1, DIVIDERS + 1):
            oscillator = output_hz * output
            multiple, rest = divmod(oscillator * reference, input_hz)
            if OSCILLATOR[0] <= oscillator <= OSCILLATOR[1] and not rest and multiple <= DIVIDERS:
                found.append((-detector, abs(oscillator - sum(OSCILLATOR) / 2),
                              PllSettings(reference, multiple, output)))
    if not found:
        raise ValueError(f"the PLL makes no {output_hz / 1e6:g} MHz of {input_hz / 1e6:g} MHz")
    return min(found, key=lambda choice: choice[:2])[2]


#: The cell, and what its outputs are.
PLL_CELL, CLOCKS = "EHXPLLL", {"CLKOP": "system_clock", "CLKOS": "memory_clock"}


class Ecp5Pll(wiring.Component):
    """PLL with two outputs of the same frequency.

    Parameters
    ----------
    input_hz, output_hz : int
    degrees : float
        By how much `shifted` comes after `clock`.

    Attributes
    ----------
    reference : In(1)
        Input clock.
    clock, shifted : Out(1)
    locked : Out(1)
        Asynchronous.
    """

    reference: In(1)
    clock: Out(1)
    shifted: Out(1)
    locked: Out(1)

    def __init__(self, input_hz: int, output_hz: int, degrees: float = 0):
        super().__init__()
        self.settings = pll_settings(input_hz, output_hz)
        self._phase = self.settings.phase(degrees)
        self._hz = input_hz, output_hz

    def elaborate(self, platform):
        m = Module()
        settings, (coarse, fine) = self.settings, self._phase
        # Both outputs start half a period later than the oscillator; only the difference matters.
        middle = settings.output // 2
        # The feedback goes through an output of its own, so that the output's divider has no say in it.
        feedback = Signal()
        m.submodules.pll = Instance(
            PLL_CELL,
            a_FREQUENCY_PIN_CLKI=f"{self._hz[0] / 1e6:g}", a_FREQUENCY_PIN_CLKOP=f"{self._hz[1] / 1e6:g}",
            a_FREQUENCY_PIN_CLKOS=f"{self._hz[1] / 1e6:g}",
            a_ICP_CURRENT="12", a_LPF_RESISTOR="8", a_MFG_ENABLE_FILTEROPAMP="1", a_MFG_GMCREF_SEL="2",
            p_PLLRST_ENA="DISABLED", p_INTFB_WAKE="DISABLED", p_STDBY_ENABLE="DISABLED", p_DPHASE_SOURCE="DISABLED",
            p_OUTDIVIDER_MUXA="DIVA", p_OUTDIVIDER_MUXB="DIVB",
            p_CLKI_DIV=settings.reference, p_CLKFB_DIV=settings.multiple, p_FEEDBK_PATH="INT_OS3",
            p_CLKOS3_ENABLE="ENABLED", p_CLKOS3_DIV=1, p_CLKOS3_CPHASE=0, p_CLKOS3_FPHASE=0,
            p_CLKOP_ENABLE="ENABLED", p_CLKOP_DIV=settings.output, p_CLKOP_CPHASE=middle, p_CLKOP_FPHASE=0,
            p_CLKOS_ENABLE="ENABLED", p_CLKOS_DIV=settings.output, p_CLKOS_CPHASE=middle + coarse,
            p_CLKOS_FPHASE=fine,
            i_RST=0, i_STDBY=0, i_CLKI=self.reference, i_CLKFB=feedback, i_PHASESEL0=0, i_PHASESEL1=0,
            i_PHASEDIR=1, i_PHASESTEP=1, i_PHASELOADREG=1, i_PLLWAKESYNC=0, i_ENCLKOP=0,
            o_CLKOP=self.clock, o_CLKOS=self.shifted, o_LOCK=self.locked, o_CLKINTFB=feedback)
        return m
