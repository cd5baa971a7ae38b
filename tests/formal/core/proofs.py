"""The proofs of the core by name: what is checked, from which start state, and to which depth."""

from dataclasses import dataclass
from functools import partial

from tests.formal.core.bench import prove_core
from tests.formal.core.check_consistency import flow, program_counter, registers
from tests.formal.core.check_fetch import AlignmentBench, fence_order, fences, fetch_coherence
from tests.formal.core.check_instructions import semantics
from tests.formal.core.check_memory import (
    atomicity,
    bus_rules,
    data_coherence,
    fetch_bus_rules,
    input_output,
    reservations,
    snooping,
)
from tests.formal.core.check_privileged import csr_continuity, csr_instructions, interrupts, returns, traps
from tests.formal.core.check_progress import LONGEST_FETCH, LONGEST_INSTRUCTION, fetch_progress, progress
from tests.formal.core.check_rights import data_rights, fetch_rights
from tests.formal.core.check_translation import LookasideBench, ProtectionBench
from tests.formal.core.check_walker import WalkerBench
from tests.formal.core.spec import GROUPS, OPERATIONS
from tests.formal.prove import prove

__all__ = ["AROUND", "PROOFS", "UNIT_PROOFS", "Proof", "UnitProof"]


@dataclass(frozen=True)
class Proof:
    """One proof.

    Parameters
    ----------
    check : callable
        Adds the properties to a :class:`tests.formal.core.bench.CoreBench`.
    depth : int
        Cycles from the flush that it starts from. A first instruction retires in the seventh.
    quick : int or None
        Depth of the shallower check that is part of `make test`.
    cut : tuple of str
        Modules of the core that do anything at all in this proof.
    steady, others : bool
        See :class:`tests.formal.core.bench.CoreBench`.
    """

    check: object
    depth: int
    quick: int | None = None
    steady: bool = False
    others: bool = False
    cut: tuple = ()

    def run(self, name, *, depth=None, timeout=7200):
        """To `depth`, or its own. Raises :class:`tests.formal.prove.ProofFailure` unless it holds."""
        prove_core(self.check, depth=depth or self.depth, steady=self.steady, others=self.others, cut=self.cut,
                   name=f"core-{name}", timeout=timeout)

    def search(self, name):
        """Look for a counterexample."""
        self.run(name)


@dataclass(frozen=True)
class UnitProof:
    """One proof of a unit by itself.

    Parameters
    ----------
    bench : callable
        Makes the bench.
    depth : int
        Cycles from reset; 1 says everything of combinational logic.
    quick : bool
        Part of `make test`.
    induction : bool
        Proven for any number of cycles.
    search_depth : int
        Cycles in which counterexamples are looked for, if not `depth`.
    cut : tuple of str
        Modules of the bench that do anything at all.
    """

    bench: object
    depth: int
    quick: bool = True
    induction: bool = False
    search_depth: int | None = None
    cut: tuple = ()

    def run(self, name, *, depth=None, timeout=7200, mode=None):
        """As :meth:`Proof.run`."""
        prove(self.bench(), mode=mode or ("prove" if self.induction else "bmc"), depth=depth or self.depth,
              solver="bitwuzla", flat=True, timeout=timeout, cut=[f"top.bench.{each}" for each in self.cut],
              name=f"core-{name}")

    def search(self, name):
        """As :meth:`Proof.search`."""
        self.run(name, mode="bmc", depth=self.search_depth)


#: Modules that are cut out where a proof does not speak of them: instructions come from anywhere, registers hold, loads
#: read, and translations are anything.
FRONT = ("fetch",)
DATA = ("commit.memory.cache", "commit.memory.tlb")
BACK = ("registers", *DATA)
AROUND = (*FRONT, *BACK)
#: Everything before the memory stage.
BEFORE = (*FRONT, "aligner", "decode", "execute", "registers")
#: Everything behind the fetch unit.
BEHIND = ("aligner", "decode", "execute", "commit", "registers")
#: Groups of instructions whose first may take until the thirteenth cycle.
ATOMIC = ("atomic", "conditional")

PROOFS = {
    # All at once, as far as the first instruction after a flush; then group by group, further.
    "instructions": Proof(semantics(OPERATIONS), 8, quick=8, cut=AROUND),
    **{f"instructions-{group}": Proof(semantics([each for each in OPERATIONS if each.group == group]),
                                      14 if group in ATOMIC else 11, cut=AROUND) for group in GROUPS},
    "registers": Proof(registers, 12, quick=9, cut=(*FRONT, *DATA)),
    "program_counter": Proof(program_counter, 12, quick=9, cut=AROUND),
    "flow": Proof(flow, 10, cut=(*FRONT, "registers", "commit.memory", "stores", "walker")),
    "traps": Proof(traps, 10, quick=8, cut=AROUND),
    "returns": Proof(returns, 16, quick=9, cut=AROUND),
    "csr_instructions": Proof(csr_instructions, 11, quick=8, steady=True, cut=AROUND),
    "csr_continuity": Proof(csr_continuity, 14, cut=AROUND),
    "interrupts": Proof(interrupts, 14, steady=True, cut=AROUND),
    "bus_rules": Proof(bus_rules, 16, cut=AROUND),
    "fetch_bus_rules": Proof(fetch_bus_rules, 16, cut=BEHIND),
    "input_output": Proof(input_output, 16, cut=AROUND),
    "reservations": Proof(reservations, 18, cut=AROUND),
    "data_coherence": Proof(data_coherence, 11, cut=BEFORE),
    "snooping": Proof(snooping, 13, quick=9, others=True, cut=BEFORE),
    "atomicity": Proof(atomicity, 16, others=True, cut=BEFORE),
    "data_rights": Proof(data_rights, 14, cut=(*BEFORE, *DATA, "walker")),
    "fetch_coherence": Proof(fetch_coherence, 10, cut=(*BEHIND, "walker", "fetch.tlb", "fetch.predictor")),
    "fetch_rights": Proof(fetch_rights, 14, cut=(*BEHIND, "walker", "fetch.tlb", "fetch.predictor", "fetch.cache")),
    "fences": Proof(fences, 16, cut=(*BEFORE, *DATA)),
    "fence_order": Proof(fence_order, 18, cut=(*FRONT, "registers", "commit.memory", "stores", "walker")),
    "progress": Proof(progress, LONGEST_INSTRUCTION + 3, cut=(*FRONT, "registers")),
    "fetch_progress": Proof(fetch_progress, LONGEST_FETCH + 2, cut=BEHIND),
}

UNIT_PROOFS = {
    "alignment": UnitProof(AlignmentBench, 4, induction=True, search_depth=8),
    "protection": UnitProof(partial(ProtectionBench, 4), 1),
    "protection-1": UnitProof(partial(ProtectionBench, 1), 1),
    "lookaside": UnitProof(partial(LookasideBench, 2), 14),
    "lookaside-4": UnitProof(partial(LookasideBench, 4), 14, quick=False),
    "walker": UnitProof(WalkerBench, 4, induction=True, search_depth=13, cut=("walker.pmp",)),
}
