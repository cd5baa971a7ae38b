"""No command of the SDRAM controller breaks a timing rule of the chip, and every read returns what was written.

Proven by induction, so for all time, from power-on, for a small chip whose times differ from each other (see
sdram_proof.py); what a clock makes of a real chip's times is tested in tests/hw/memory/test_sdram.py.
"""

import pytest

from tests.formal.memory.sdram_proof import SdramProof
from tests.formal.prove import ProofFailure, prove

TIMINGS = ("t_rcd", "t_rp", "t_rc", "t_ras", "t_rrd", "t_wr", "t_rfc", "t_mrd")
#: The others take as long and only `make test-all` runs them.
QUICK = {"t_wr"}


def test_controller():
    prove(SdramProof(), mode="prove", depth=2, name="sdram")


@pytest.mark.parametrize("timing", [
    pytest.param(timing, marks=() if timing in QUICK else pytest.mark.slow) for timing in TIMINGS])
def test_a_stricter_chip_breaks_the_proof(timing):
    with pytest.raises(ProofFailure, match="sdram_proof.py"):
        prove(SdramProof(stricter=timing), mode="prove", depth=2, name="sdram_stricter")


@pytest.mark.slow
@pytest.mark.parametrize("forget", ["mask", "turn"])
def test_another_chip_breaks_the_proof(forget):
    """A chip that ignores byte masks, or wants more cycles between directions of its data pins."""
    with pytest.raises(ProofFailure, match="sdram_proof.py"):
        prove(SdramProof(forget=forget), mode="prove", depth=2, name="sdram_other")


@pytest.mark.slow
def test_a_word_is_written_and_read():
    """The properties are not empty."""
    prove(SdramProof(cover=True), mode="cover", depth=40, name="sdram", timeout=1500)
