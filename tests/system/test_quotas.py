"""Quotas in booted systems: processes that make processes, against the model."""

import pytest

from hw.abi import Status
from tests.system.agent import Agent
from tests.system.campaign import EMULATED, campaign_seed, targets
from tests.system.mapping_machine import explore_mappings
from tests.system.quota_machine import explore

#: What a process is told that asks for too much.
SHORT = {Status.NO_MEMORY, Status.NO_SLOTS, Status.NO_OBJECTS, Status.NO_THREADS}


@pytest.mark.parametrize("target", [*EMULATED, *targets("model")])
def test_quotas_agree_with_the_model(target):
    with Agent.boot(target) as agent:
        assert explore(agent, 60, 1) >= SHORT


@pytest.mark.parametrize("target", targets("qemu-riscv64"))
def test_mappings_agree_with_the_model(target):
    with Agent.boot(target) as agent:
        met = explore_mappings(agent, 40, 12) | explore_mappings(agent, 40, 13)
    assert met == {"last capability", "stale", "unmapped by an end", "no objects", "no memory"}


@pytest.mark.slow
@pytest.mark.parametrize("target", [*EMULATED, *targets("model", "soc")])
def test_quotas_agree_with_the_model_for_long(target):
    seed = campaign_seed(f"quotas on {target}")
    with Agent.boot(target) as agent:
        explore(agent, 60 if target == "soc" else 1500, seed)


@pytest.mark.slow
@pytest.mark.parametrize("target", [*EMULATED, *targets("model", "soc")])
def test_mappings_agree_with_the_model_for_long(target):
    seed = campaign_seed(f"mappings on {target}")
    with Agent.boot(target) as agent:
        explore_mappings(agent, 60 if target == "soc" else 1500, seed)
