"""The review of clocks, crossings, pads and resets in a board's report."""

import re
from collections.abc import Iterable
from dataclasses import asdict, replace
from itertools import groupby

from rich.console import Console

from sim.toolchain import ToolError

from .crossings import NAMED, Input, Review

__all__ = ["pad_paths", "print_clocks", "summary"]

_BIT = re.compile(r"\[(\d+)\]$")


def _buses(rows: Iterable) -> list[dict]:
    """Rows of pads, those of a bus as one if they differ by nothing but names."""
    def bit(row):
        found = _BIT.search(row.pad)
        return _BIT.sub("", row.pad), int(found[1]) if found else 0

    def alike(row):
        without = {"pad": bit(row)[0]}
        if isinstance(row, Input):
            without |= {"registers": ("",) * len(row.registers), "synchroniser": row.synchroniser and "yes"}
        return replace(row, **without)
    merged = []
    for _, group in groupby(sorted(rows, key=bit), key=alike):
        pads = list(group)
        merged.append({**asdict(pads[0]), "pad": bit(pads[0])[0], "width": len(pads)})
    return merged


def summary(review: Review) -> dict:
    """The part of the report (docs/fpga.md, "The report")."""
    inputs = [row | {"registers": list(row["registers"][:NAMED]), "register_count": len(row["registers"])}
              for row in _buses(review.inputs)]
    return {
        "clock_domains": [asdict(domain) for domain in review.domains],
        "crossings": [asdict(crossing) | {"registers": list(crossing.registers)} for crossing in review.crossings],
        "inputs": inputs,
        "outputs": _buses(review.outputs),
        "contents": [{"memory": memory, "writable": writable} for memory, writable in review.contents.items()],
        "resets": asdict(review.resets) | {"set_by_bitstream": list(review.resets.set_by_bitstream)},
    }


def pad_paths(placed: dict) -> dict:
    """Nanoseconds of the longest ways from a pad to a register and back by nextpnr's report, without those of the pads
    themselves. Nothing constrains them. None where there is no such way.

    Parameters
    ----------
    placed : dict
        That report.
    """
    found: dict[str, float | None] = {"in_ns": None, "out_ns": None}
    try:
        for path in placed["critical_paths"]:
            if "<async>" in (path["from"], path["to"]) and path["from"] != path["to"]:
                key = "in_ns" if path["from"] == "<async>" else "out_ns"
                found[key] = max(found[key] or 0, round(sum(hop["delay"] for hop in path["path"]), 2))
    except (KeyError, TypeError) as error:
        raise ToolError(f"nextpnr's report has another form than expected: {error!r}") from None
    return found


def _count(rows: list[dict]) -> str:
    """So many of each kind, in words."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["how"]] = counts.get(row["how"], 0) + row["width"]
    return ", ".join(f"{number} {how}" for how, number in sorted(counts.items(), key=lambda item: -item[1]))


def print_clocks(report: dict, out: Console) -> None:
    """Some lines about clocks, crossings, pads and reset."""
    for domain in report["clock_domains"]:
        clocked = [f"{number:,} {what}" for what, number in domain["rising"].items()]
        clocked += [f"{number:,} {what} (falling edge)" for what, number in domain["falling"].items()]
        out.print(f"Domain {domain['clock']}: {', '.join(clocked)}")
    out.print(f"Crossings between domains: {len(report['crossings']) or 'none'}; pads in: {_count(report['inputs'])}; "
              f"out: {_count(report['outputs'])}")
    ways = [f"{report['pad_paths'][key]:.1f} ns {words}" for key, words in (
        ("in_ns", "from a pad to a register"), ("out_ns", "from a register to a pad")) if report["pad_paths"][key]]
    if ways:
        out.print(f"Longest ways that nothing constrains: {', '.join(ways)}")
    for memory in report["contents"]:
        out.print(f"Memory {memory['memory']} has its contents from the bitstream and " + (
            "can be written: a reset does not bring them back" if memory["writable"] else "cannot be written"))
    resets = report["resets"]
    reached = resets["direct"] + resets["combined"] + resets["data"]
    out.print(f"Reset {resets['signal'] or 'none'}: {reached:,} flip-flops; {resets['other']:,} by other signals, "
              f"{resets['none']:,} without; {resets['asynchronous']:,} asynchronous")
