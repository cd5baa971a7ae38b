"""Print the instructions of a counterexample: what the RVFI port says, cycle by cycle.

    python -m tests.formal.core.show build/formal/core-traps/bmc-.../task/engine_0/trace.vcd
"""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from vcd.reader import TokenKind, VCDParseError, tokenize

from hw.core.rvfi import RvfiSignature

__all__ = ["packets", "read_steps"]

PORT = "observer.rvfi__"


def read_steps(path, prefix=PORT):
    """Values of signals by cycle.

    Parameters
    ----------
    path : pathlib.Path
        VCD as SymbiYosys writes it: ten units of time for a cycle.
    prefix : str
        Of the signals wanted, as in the flattened netlist.

    Returns
    -------
    list of dict
        By cycle, from the name behind the prefix to an integer.
    """
    names, values, steps, scope = {}, {}, [], []
    with path.open("rb") as file:
        for token in tokenize(file):
            match token.kind:
                case TokenKind.SCOPE:
                    scope.append(token.scope.ident)
                case TokenKind.UPSCOPE:
                    scope.pop()
                case TokenKind.VAR:
                    name = ".".join([*scope, token.var.reference])
                    if prefix in name:
                        names.setdefault(token.var.id_code, name.split(prefix, 1)[1])
                case TokenKind.CHANGE_TIME if values:
                    steps += [dict(values)] if token.time_change % 10 == 0 else []
                case TokenKind.CHANGE_SCALAR | TokenKind.CHANGE_VECTOR:
                    change = token.scalar_change if token.kind is TokenKind.CHANGE_SCALAR else token.vector_change
                    if change.id_code in names:
                        value = change.value
                        values[names[change.id_code]] = value if isinstance(value, int) else (
                            int(value, 2) if set(value) <= {"0", "1"} else 0)
    return [*steps, dict(values)]


def packets(steps):
    """(cycle, values) of each cycle in which an instruction retired or trapped."""
    return [(cycle, step) for cycle, step in enumerate(steps) if step.get("valid")]


@click.command()
@click.argument("trace", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(trace):
    """Print the instructions in TRACE, the waveform of a failed proof."""
    try:
        found = packets(read_steps(trace))
    except (VCDParseError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{trace} is no waveform of a proof: {error}") from error
    table = Table("cycle", "mode", "pc", "insn", "next pc", "rs1", "rs2", "rd", "memory", "")
    for cycle, step in found:
        # Yosys drops what a proof does not look at.
        step = {**dict.fromkeys(RvfiSignature().members, 0), **step}

        def register(name, data, step=step):
            return f"x{step[name]}={step[data]:x}" if step[name] else ""

        memory = "".join(f" {kind}{step[f'mem_{kind}data']:x}/{step[f'mem_{kind}mask']:x}"
                         for kind in "rw" if step[f"mem_{kind}mask"])
        table.add_row(str(cycle), "US?M"[step["mode"]], f"{step['pc_rdata']:x}", f"{step['insn']:08x}",
                      f"{step['pc_wdata']:x}", register("rs1_addr", "rs1_rdata"), register("rs2_addr", "rs2_rdata"),
                      register("rd_addr", "rd_wdata"), f"{step['mem_addr']:x}{memory}" if memory else "",
                      " ".join(name for name in ("trap", "intr") if step[name]))
    Console().print(table if found else f"No instruction in {trace}")


if __name__ == "__main__":
    main()
