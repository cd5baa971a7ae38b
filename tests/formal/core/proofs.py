"""The proofs of the core by name: what is checked, from which start state, and to which depth."""

from dataclasses import dataclass

from tests.formal.core.bench import prove_core
from tests.formal.core.check_consistency import program_counter, registers
from tests.formal.core.check_instructions import semantics
from tests.formal.core.check_memory import (
    bus_rules,
    data_coherence,
    fetch_coherence,
    input_output,
    progress,
    reservations,
)
from tests.formal.core.check_privileged import csr_continuity, csr_instructions, interrupts, returns, traps
from tests.formal.core.spec import GROUPS, OPERATIONS

__all__ = ["PROOFS", "Proof"]


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
    steady, empty_caches : bool
        See :class:`tests.formal.core.bench.CoreBench` and :func:`tests.formal.core.bench.start_anywhere`.
    """

    check: object
    depth: int
    quick: int | None = None
    steady: bool = False
    empty_caches: bool = False

    def run(self, name, *, depth=None, timeout=7200):
        """To `depth`, or its own. Raises :class:`tests.formal.prove.ProofFailure` unless it holds."""
        prove_core(self.check, depth=depth or self.depth, steady=self.steady, empty_caches=self.empty_caches,
                   name=f"core-{name}", timeout=timeout)


PROOFS = {
    # All at once, as far as the first instruction after a flush; then group by group, further.
    "instructions": Proof(semantics(OPERATIONS), 8, quick=8),
    **{f"instructions-{group}": Proof(semantics([each for each in OPERATIONS if each.group == group]), 11)
       for group in GROUPS},
    "registers": Proof(registers, 12, quick=9),
    "program_counter": Proof(program_counter, 12, quick=9),
    "traps": Proof(traps, 11, quick=8),
    "returns": Proof(returns, 11),
    "csr_instructions": Proof(csr_instructions, 11, quick=8, steady=True),
    "csr_continuity": Proof(csr_continuity, 12),
    "interrupts": Proof(interrupts, 16, steady=True),
    "bus_rules": Proof(bus_rules, 14),
    "input_output": Proof(input_output, 14),
    "reservations": Proof(reservations, 14),
    "data_coherence": Proof(data_coherence, 22, empty_caches=True),
    "fetch_coherence": Proof(fetch_coherence, 28, empty_caches=True),
    "progress": Proof(progress, 26),
}
