"""Reads what a booted test prints in TAP 14 (Test Anything Protocol)."""

import re
from dataclasses import dataclass, field

__all__ = ["TapResult", "parse_tap"]

_PLAN = re.compile(r"1\.\.(\d+)$")
_TEST = re.compile(r"(not )?ok (\d+) - (.*?)(?: # SKIP (.*))?$")


@dataclass
class TapResult:
    """Outcome of a run.

    Attributes
    ----------
    planned : int
    passed, skipped : list of str
        Names.
    problems : list of str
        Failed tests with the notes before them, and whatever makes the stream itself wrong.
    """

    planned: int = 0
    passed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def parse_tap(output: str) -> TapResult:
    """Every test of the plan has to come, once and in order; a stream that ends early is a failure."""
    result, lines, notes, seen = TapResult(), output.replace("\r", "").splitlines(), [], 0
    if "TAP version 14" not in lines:
        result.problems.append("no TAP version line")
        return result
    for line in lines[lines.index("TAP version 14") + 1:]:
        if match := _PLAN.match(line):
            result.planned = int(match[1])
        elif match := _TEST.match(line):
            seen += 1
            if int(match[2]) != seen:
                result.problems.append(f"test {match[2]} where {seen} was due")
            if match[1]:
                result.problems.append(" / ".join([f"not ok {match[2]} - {match[3]}", *notes]))
            else:
                (result.skipped if match[4] is not None else result.passed).append(match[3])
            notes = []
        elif line.startswith("# "):
            notes.append(line)
    if result.planned == 0:
        result.problems.append("no plan")
    elif seen != result.planned:
        result.problems.append(f"{result.planned} tests planned, {seen} came")
    return result
