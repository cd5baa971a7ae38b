"""What the measurements mean: each figure is a difference of two measurements, divided by how often it happened."""

from collections.abc import Mapping
from dataclasses import dataclass

from .results import KernelResult, Measurement

__all__ = ["FIGURES", "SCORE_TARGET", "SCORE_STRETCH", "Figure", "score"]

#: Iterations a second and MHz.
SCORE_TARGET, SCORE_STRETCH = 2.7, 3.0


@dataclass(frozen=True)
class Figure:
    """A figure in cycles: (measurement - without) / count + plus.

    Attributes
    ----------
    name : str
    text : str
        What is counted.
    measurement, without : str
        Names of measurements (`programs/micro.c`).
    count : int
    plus : float
        Cycles that `without` takes where the measurement has its event, or (negative) that the event cannot save.
    target : float or None
        At most so many cycles; None where none was set.
    statistic : "median", "min" or "max"
        Of the measurement; of `without` always the median.
    """

    name: str
    text: str
    measurement: str
    without: str = "empty"
    count: int = 1
    plus: float = 0
    target: float | None = None
    statistic: str = "median"

    def value(self, measurements: Mapping[str, Measurement]) -> float:
        """The figure; raises ValueError when one of its measurements is missing."""
        try:
            taken = getattr(measurements[self.measurement], self.statistic)
            return (taken - measurements[self.without].median) / self.count + self.plus
        except KeyError as missing:
            raise ValueError(f"{self.name} wants the measurement {missing.args[0]!r}, which is missing") from None

    def met(self, value: float) -> bool | None:
        """Whether the target is met; None without one."""
        return None if self.target is None else value <= self.target


#: A CSR access that empties the pipeline costs more than this.
_NO_FLUSH = 2
#: A satp write that loses the code's own translation costs a walk on top of emptying the pipeline.
_FLUSH_WITHOUT_WALK = 10

FIGURES = (
    Figure("branch_taken_mispredicted", "branch taken, predicted not taken: more than predicted right",
           "branch_taken_unexpected", "branch_taken_expected", target=5),
    Figure("branch_not_taken_mispredicted", "branch not taken, predicted taken: more than predicted right",
           "branch_not_taken_unexpected", "branch_not_taken_expected", target=5),
    # The two reads of mcycle and the jump itself take two cycles.
    Figure("jump_indirect_mispredicted", "indirect jump to another target than before: more than 1",
           "jump_unexpected", plus=-1, target=5),
    Figure("return_mispredicted", "return to elsewhere than its call: more than 1", "return_unexpected", plus=-1,
           target=5),
    Figure("branch_not_taken", "branch not taken, predicted right", "branch_not_taken", count=16),
    Figure("branch_taken", "branch taken, predicted right", "branch_taken", count=16),
    Figure("jump", "direct jump, predicted", "jump", count=16),
    Figure("jump_first_seen", "direct jump, first seen: more than predicted", "jump_first_seen", "jump_known",
           count=16),
    Figure("jump_indirect", "indirect jump to the same target as before: more than 1", "jump_expected", plus=-1),
    Figure("return", "return to its call: more than 1", "return_expected", plus=-1),
    # Each with a jal and three nops; nine instructions more in the longer function.
    Figure("call_return", "call and return of a short function: more than its 13 instructions", "call_short",
           count=8, plus=-13),
    Figure("call_return_empty", "call of a function that only returns: more than its 5 instructions", "call_empty",
           count=8, plus=-5),
    Figure("load_use", "load, used by the next instruction: bubbles", "load_use", "load_no_use", count=16, target=1),
    Figure("load_byte_use", "byte load, used by the next instruction: bubbles", "load_byte_use", "load_no_use",
           count=16, target=1),
    Figure("load_address", "load, used as address by the next load: bubbles", "load_chain", "load_free", count=16,
           target=1),
    Figure("load_miss", "load that misses the first-level cache: more than a hit", "load_lines",
           "load_lines_cached", count=8),
    Figure("fetch_miss", "fetch that misses the first-level cache: more than a hit", "fetch_lines",
           "fetch_lines_cached", count=8),
    Figure("store_burst", "store, four in a row to different lines", "store_burst", count=4, target=1),
    Figure("store_sparse", "store in every fourth instruction: stalls", "store_sparse", "store_sparse_none", count=16,
           target=0),
    Figure("store_stream", "store, 32 in a row to different lines", "store_stream", count=32),
    # Three instructions.
    Figure("store_load", "load of the word stored by the instruction before, and its use: more than 3", "store_load",
           plus=-3),
    Figure("multiply", "multiplication, to its use", "mul_chain", "add_chain", count=16, plus=1, target=3),
    Figure("multiply_high", "multiplication, high half, to its use", "mulh_chain", "add_chain", count=16, plus=1,
           target=3),
    Figure("multiply_independent", "multiplication, independent ones", "mul_free", count=16),
    Figure("divide_worst", "64-bit division, to its use, worst operands", "divide_worst", "divide_none", count=4,
           plus=1, target=20, statistic="max"),
    Figure("remainder_worst", "signed 64-bit remainder, to its use, worst operands", "divide_worst_signed",
           "divide_none", count=4, plus=1, target=20, statistic="max"),
    Figure("divide_typical", "64-bit division, to its use, usual operands", "divide_typical", "divide_none", count=4,
           plus=1),
    Figure("trap_entry", "ecall to the handler's first instruction, M to M", "trap_entry", target=6),
    Figure("trap_entry_delegated", "ecall to the handler's first instruction, U to S", "trap_entry_delegated",
           target=6),
    Figure("mret", "mret to the next instruction", "mret_return", target=5),
    Figure("sret", "sret to the next instruction, S to U", "sret_return", target=5),
    Figure("csr_read", "read of mscratch", "csr_read", count=16, target=_NO_FLUSH),
    Figure("csr_read_use", "read of a CSR, used by the next instruction: bubbles", "csr_read_use", "csr_read_none",
           count=16),
    Figure("csr_write_mscratch", "write of mscratch", "csr_write_mscratch", count=16, target=_NO_FLUSH),
    Figure("csr_write_mepc", "write of mepc", "csr_write_mepc", count=16, target=_NO_FLUSH),
    Figure("csr_write_mtvec", "write of mtvec", "csr_write_mtvec", count=16, target=_NO_FLUSH),
    Figure("csr_write_mie", "write of mie", "csr_write_mie", count=16, target=_NO_FLUSH),
    Figure("csr_write_mcounteren", "write of mcounteren", "csr_write_mcounteren", count=16, target=_NO_FLUSH),
    Figure("csr_write_mstatus", "write of mstatus, which changes translation", "csr_write_mstatus", count=16),
    Figure("fence", "fence with an empty store buffer", "fence_empty", count=4),
    Figure("tlb_miss_load", "load after sfence.vma, tables cached: more than a hit", "tlb_flushed", "tlb_hit",
           target=30),
    Figure("tlb_miss_capacity", "load from one of 256 pages in turn, tables cached: more than a hit", "tlb_sweep",
           "tlb_stay", count=256, target=30),
    Figure("tlb_miss_fetch", "call into another page after sfence.vma, tables cached: more than a hit",
           "tlb_fetch_flushed", "tlb_fetch_hit", target=30),
    Figure("satp_keeps_tlb", "load after satp went to another ASID and back: more than a hit", "satp_keeps_data",
           "tlb_hit", target=0),
    Figure("satp_write", "write of satp with another ASID, in translated code", "satp_write", count=2,
           target=_FLUSH_WITHOUT_WALK),
)


def score(kernels: Mapping[str, KernelResult]) -> float:
    """Iterations of all kernels a second at 1 MHz."""
    return 1e6 / sum(kernel.cycles / kernel.iterations for kernel in kernels.values())
