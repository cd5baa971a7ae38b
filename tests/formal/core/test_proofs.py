"""The core keeps the rules of the specification: see README.md for what each proof says, and how far."""

import pytest
from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Cat, Elaboratable, Module

from tests.formal.core.bench import prove_core
from tests.formal.core.check_consistency import reaches
from tests.formal.core.proofs import AROUND, PROOFS
from tests.formal.core.spec import OPERATIONS, SYSTEM
from tests.formal.prove import prove


@pytest.mark.parametrize(("name", "depth"), [
    pytest.param(name, proof.quick, id=f"{name}-bmc{proof.quick}") for name, proof in PROOFS.items() if proof.quick])
def test_core_quickly(name, depth):
    PROOFS[name].run(name, depth=depth)


@pytest.mark.slow
@pytest.mark.parametrize("name", [
    pytest.param(name, id=f"{name}-bmc{proof.depth}") for name, proof in PROOFS.items() if proof.depth != proof.quick])
def test_core(name):
    PROOFS[name].run(name)


@pytest.mark.slow
def test_core_reaches_what_is_claimed_cover10():
    prove_core(reaches, mode="cover", depth=10, cut=AROUND, name="core-reaches", timeout=7200)


class TableBench(Elaboratable):
    """The reference's table: no instruction is two."""

    def elaborate(self, platform):
        m = Module()
        insn = AnyConst(32)
        matches = Cat(operation.matches(insn) for operation in (*OPERATIONS, *SYSTEM.values()))
        m.d.comb += Assert((matches & (matches - 1)[:len(matches)]) == 0)
        return m


def test_reference_is_unambiguous():
    prove(TableBench(), depth=1, solver="bitwuzla", name="core-reference")
