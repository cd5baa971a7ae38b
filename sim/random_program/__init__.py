"""Random RV64IMAC programs for lockstep.

A program is assembly text. It runs in blocks, each straight-line code with forward branches and short counted loops,
in some privilege; handlers go on behind whatever traps. Programs end by storing 1 to `tohost`.
"""

from .layout import ALIAS, LINKER_SCRIPT, MEMORY_BASE
from .options import ProgramOptions, options_of
from .plain import PlainProgram
from .privileged import PrivilegedProgram

__all__ = ["ALIAS", "LINKER_SCRIPT", "MEMORY_BASE", "ProgramOptions", "generate", "options_of"]


def generate(seed: int, options: ProgramOptions | None = None) -> str:
    """Assembly text of the random program number `seed`. The same seed and options give the same text."""
    options = ProgramOptions() if options is None else options
    kind = PrivilegedProgram if options.privileged else PlainProgram
    return kind(seed, options).program()
