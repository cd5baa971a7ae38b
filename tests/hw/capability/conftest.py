"""One model of the capability unit for all its benches."""

import pytest

from tests.hw.capability.driver import component
from tests.hw.cocotb_bench import build


@pytest.fixture(scope="session")
def unit():
    """On Verilator."""
    return build(component(), name="capability_unit")
