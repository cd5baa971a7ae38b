"""One model of the capability unit for all its benches."""

import pytest

from hw.capability.config import CapabilityUnitConfig
from hw.capability.unit import CapabilityUnit
from tests.hw.cocotb_bench import build


@pytest.fixture(scope="session")
def unit():
    """Small enough that lines are thrown out, and with every fault at hand."""
    config = CapabilityUnitConfig(lines=16, ways=2, max_walk_cycles=200, fault_inputs=True)
    return build(CapabilityUnit(config), name="capability_unit")
