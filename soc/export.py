"""Verilog of a block that stands alone, with its parameters in front."""

import shlex
from collections.abc import Sequence

from .blocks import ROOTS
from .parameters import configure, describe
from .verilog import convert

__all__ = ["export"]

#: What Yosys's style of Verilog makes Verilator say, without meaning anything: widths left to the language's rules,
#: cases behind a default assignment, signals that only some readers want. All else stays on.
_STYLE = ("ASCRANGE", "CASEINCOMPLETE", "DECLFILENAME", "PROCASSINIT", "UNUSEDSIGNAL", "VARHIDDEN", "WIDTHEXPAND",
          "WIDTHTRUNC")


def export(name: str, text: str = "{}", parameters: Sequence[str] = ()) -> str:
    """Verilog of the block `name`.

    The first line says what it is: module, all parameters, and the command that writes the same again.

    Parameters
    ----------
    name : str
        One of :data:`soc.blocks.ROOTS`.
    text, parameters
        See :func:`soc.parameters.configure`.

    Raises
    ------
    ValueError
        For parameters that the block does not have, or values that it refuses.
    """
    root = ROOTS[name]
    configuration = configure(root.configuration, text, parameters, root.defaults)
    described = describe(configuration)
    command = f"python -m soc.generate verilog --block {name} {shlex.join(described.split())}"
    return (f"// Module {root.module}; parameters: {described}; written by: {command}\n"
            + "".join(f"/* verilator lint_off {warning} */\n" for warning in _STYLE)
            + convert(root.make(configuration), root.module, processes=False))
