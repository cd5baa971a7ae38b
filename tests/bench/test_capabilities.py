"""Operations on capabilities, measured by a program on the booted system."""

import pytest

from bench import capabilities
from bench.latency import document, measure
from sim.boot import find_target

SIZES = [f"capability_revoke_fan_{4 ** power}" for power in range(6)] + [
    f"capability_revoke_chain_{4 ** power}" for power in range(4)]
OPERATIONS = ["capability_create", "capability_derive", "capability_delete", *SIZES]


@pytest.mark.parametrize(("target", "variants"), [
    ("model", {"sw-hit", "hw-hit"}), ("qemu-riscv64", {"sw-hit"}), ("qemu-x86_64", {"sw-hit"}),
    ("qemu-aarch64", {"sw-hit"})])
def test_program_measures_every_operation(target, variants):
    result = measure(find_target(target), capabilities.PROGRAM)
    assert {(one.operation, one.variant) for one in result.measurements} == {
        (operation, variant) for operation in OPERATIONS for variant in variants}


@pytest.mark.slow
def test_rtl_revokes_in_time():
    content = document([measure(find_target("soc"), capabilities.PROGRAM)])
    assert not capabilities.missed(content)
    rows = {(row["operation"], row["variant"]): row["median"] for row in content["results"]}
    for size in SIZES[3:6]:
        assert rows[size, "hw-hit"] * 10 < rows[size, "sw-hit"]


def test_goal_is_of_the_unit_on_the_rtl():
    rows = [{"target": target, "operation": f"capability_revoke_fan_{count}", "variant": variant, "median": 21 * count}
            for target in ("soc", "qemu-riscv64") for variant in ("sw-hit", "hw-hit") for count in (64, 256)]
    assert capabilities.missed({"results": rows}) == ["capability_revoke_fan_256 on soc: 21.0"]


def test_descendants():
    assert capabilities.descendants("capability_derive") is None
    assert capabilities.descendants("capability_revoke_chain_64") == 64
