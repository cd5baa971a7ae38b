"""What a random program contains."""

from dataclasses import dataclass

from hw.core.config import CoreConfig

__all__ = ["ProgramOptions", "options_of"]


@dataclass(frozen=True)
class ProgramOptions:
    """What a random program contains.

    Attributes
    ----------
    blocks : int
        Number of blocks; a block executes about 30 instructions.
    paging : bool
        S-mode and U-mode blocks run under Sv39, with a window of pages of random rights.
    compressed : bool
        Let the assembler use the C extension.
    privileged : bool
        Everything that the machine has: interrupts, devices, CSRs, page tables that change, PMP, thread contexts.
        Spike cannot follow such a program; the reference model can.
    pmp_entries, contexts : int
        Of the hart.
    """

    blocks: int = 120
    paging: bool = True
    compressed: bool = True
    privileged: bool = False
    pmp_entries: int = CoreConfig().pmp_entries
    contexts: int = CoreConfig().contexts


def options_of(seed: int, **fixed) -> ProgramOptions:
    """Options that vary with the seed, so that a range of seeds covers them all."""
    return ProgramOptions(**{"paging": seed % 4 != 0, "compressed": seed % 5 != 0} | fixed)
