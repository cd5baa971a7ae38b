"""Lines that the bench programs print.

``core measurement=NAME samples=N min=A median=B max=C`` and
``core kernel=NAME iterations=N cycles=C instructions=I crc=R``.
"""

from dataclasses import dataclass, fields

__all__ = ["KernelResult", "Measurement", "parse_output"]


@dataclass(frozen=True)
class Measurement:
    """Cycles of one routine of the micro-benchmarks over several runs."""

    measurement: str
    samples: int
    min: int
    median: int
    max: int

    def __post_init__(self):
        if self.samples < 1 or not 0 <= self.min <= self.median <= self.max:
            raise ValueError("not a possible measurement")


@dataclass(frozen=True)
class KernelResult:
    """What a kernel took over all counted iterations, and its checksum."""

    kernel: str
    iterations: int
    cycles: int
    instructions: int
    crc: int

    def __post_init__(self):
        if self.iterations < 1 or self.cycles < 1 or self.instructions < 1 or not 0 <= self.crc <= 0xffff:
            raise ValueError("not a possible result")


def _parse(line: str) -> Measurement | KernelResult:
    pairs = [word.partition("=") for word in line.split()[1:]]
    given = {name: value for name, _, value in pairs}
    kind = Measurement if "measurement" in given else KernelResult
    if len(given) != len(pairs) or set(given) != {field.name for field in fields(kind)}:
        raise ValueError("not its fields")
    return kind(**{field.name: given[field.name] if field.type is str else int(given[field.name])
                   for field in fields(kind)})


def parse_output(output: str) -> tuple[dict[str, Measurement], dict[str, KernelResult]]:
    """Measurements and kernels in a program's output, by name; other lines are passed over.

    Raises
    ------
    ValueError
        For a line that begins as a result and is none, or a name that comes twice: nothing is dropped silently.
    """
    measurements: dict[str, Measurement] = {}
    kernels: dict[str, KernelResult] = {}
    for line in output.splitlines():
        if line.split()[:1] != ["core"]:
            continue
        try:
            result = _parse(line)
        except ValueError as error:
            raise ValueError(f"Not a result: {line!r} ({error})") from None
        known, name = ((measurements, result.measurement) if isinstance(result, Measurement)
                       else (kernels, result.kernel))
        if name in known:
            raise ValueError(f"Measured twice: {line!r}")
        known[name] = result
    return measurements, kernels
