"""Latency results: the lines that the program `latency` prints, and the table that people read.

A line is ``bench operation=NAME variant=NAME n=N min=A median=B p99=C max=D``.
"""

from dataclasses import asdict, dataclass, fields

from rich.console import Console
from rich.table import Table

__all__ = ["Measurement", "latency_table", "parse_measurement", "print_table", "speed_up"]


@dataclass(frozen=True)
class Measurement:
    """One operation in one variant; times in the target's unit (cycles, or instructions on QEMU)."""

    operation: str
    variant: str
    n: int
    min: int
    median: int
    p99: int
    max: int

    def to_dict(self) -> dict:
        return asdict(self)


def parse_measurement(line: str) -> Measurement | None:
    """The measurement that `line` holds, or None for any other line.

    Raises
    ------
    ValueError
        For a line that begins as a measurement and is not one: a result is never dropped silently.
    """
    words = line.split()
    if words[:1] != ["bench"]:
        return None
    pairs = dict(word.split("=", 1) for word in words[1:] if "=" in word)
    if len(pairs) != len(words) - 1 or set(pairs) != {field.name for field in fields(Measurement)}:
        raise ValueError(f"Not a measurement: {line!r}")
    try:
        numbers = {name: int(value) for name, value in pairs.items() if name not in ("operation", "variant")}
    except ValueError:
        raise ValueError(f"Not a measurement: {line!r}") from None
    result = Measurement(pairs["operation"], pairs["variant"], **numbers)
    if result.n < 1 or not 0 <= result.min <= result.median <= result.p99 <= result.max:
        raise ValueError(f"Not a possible measurement: {line!r}")
    return result


def _software_partner(variant: str) -> tuple[str, ...]:
    """Variants that do in software what `variant` does in hardware, the closest first."""
    if variant.startswith("hw-"):
        return ("sw-" + variant.removeprefix("hw-"), "sw-hit", "syscall")
    if variant in ("hardware", "mailbox"):
        return ("sw-hit", "syscall")
    return ()


def speed_up(measurement: Measurement, measurements: list[Measurement]) -> float | None:
    """How many times fewer cycles `measurement` takes than the software variant of the same operation (medians)."""
    for partner in _software_partner(measurement.variant):
        for other in measurements:
            if (other.operation, other.variant) == (measurement.operation, partner):
                return other.median / max(measurement.median, 1)
    return None


def latency_table(measurements: list[Measurement], unit: str, title: str) -> Table:
    """Table of all measurements with a speed-up column."""
    table = Table(title=title, title_justify="left")
    table.add_column("operation")
    table.add_column("variant")
    for name in ("n", "min", "median", "p99", "max", "speed-up"):
        table.add_column(name, justify="right")
    previous = None
    for measurement in sorted(measurements, key=lambda one: (one.operation, one.variant)):
        factor = speed_up(measurement, measurements)
        if previous not in (None, measurement.operation):
            table.add_section()
        table.add_row(measurement.operation if previous != measurement.operation else "", measurement.variant,
                      *(f"{value:,}" for value in (measurement.n, measurement.min, measurement.median,
                                                   measurement.p99, measurement.max)),
                      f"{factor:.1f} x" if factor is not None else "")
        previous = measurement.operation
    table.caption = f"in {unit}; speed-up: median of the software variant / median of this one"
    table.caption_justify = "left"
    return table


def print_table(table: Table) -> None:
    """Print `table` on stdout, whole even where no terminal tells its width."""
    output = Console(highlight=False)
    if not output.is_terminal:
        output.width = 120
    output.print(table)
