"""The mutation check: plant faults in the core, one at a time, and have a proof find each.

    python -m tests.formal.core.faults --all             all of them, those first that nothing is known of
    python -m tests.formal.core.faults reservation sc    those whose name, proof or file has one of these texts
    python -m tests.formal.core.faults --list

prints what caught each fault, in which cycle, and how long that took, and writes the same to
`build/formal/core-faults.json`. A fault that was found is not planted again while core and proofs stay as they are
(`--again` does so), so an interrupted run goes on where it was. Exit status 1 unless all were found.
"""

import fnmatch
import hashlib
import importlib.machinery
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from tests.formal.core.fault_list import FAULTS, Fault

__all__ = ["CORE", "FAULTS", "Fault", "check", "chosen", "plant"]

ROOT = Path(__file__).resolve().parents[3]
CORE = ROOT / "hw" / "core"
REPORT = ROOT / "build" / "formal" / "core-faults.json"
#: What a result depends on.
SOURCES = ("hw/core", "hw/bus", "tests/formal/core", "tests/formal/bus", "tests/formal/prove.py")

FOUND, MISSED, STALE, NO_ANSWER = "found", "missed", "stale", "no answer"
#: Exit status of the process that plants one.
STATUSES = {0: FOUND, 1: MISSED, 3: STALE}


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a module from a source in which one text stands for another; leaves no byte code behind."""

    def __init__(self, name, path, fault):
        super().__init__(name, path)
        self._fault = fault

    def path_stats(self, path):
        raise OSError("not from the cache of byte code")

    def get_data(self, path):
        return Path(path).read_text().replace(self._fault.text, self._fault.instead).encode()


def is_stale(fault):
    """Whether the core has no such place any more, or several."""
    return (CORE / fault.file).read_text().count(fault.text) != 1


def plant(fault):
    """Have `fault` in the core from now on; before anything of the core is imported.

    Parameters
    ----------
    fault : :class:`Fault`
    """
    module = f"hw.core.{fault.file.removesuffix('.py')}"
    if module in sys.modules:
        raise RuntimeError(f"{module} is imported already")
    if is_stale(fault):
        raise ValueError(f"{fault.file} must hold the text to replace once: {fault.text!r}")

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name != module:
                return None
            path = str(CORE / fault.file)
            return importlib.machinery.ModuleSpec(name, _Loader(name, path, fault), origin=path)

    sys.meta_path.insert(0, Finder)


def run_here(name):
    """Plant one and run its proof, in this process; returns the exit status."""
    fault = FAULTS[name]
    if is_stale(fault):
        click.echo(f"{fault.file} does not hold the text to replace once: {fault.text!r}")
        return 3
    plant(fault)
    from tests.formal.core.proofs import PROOFS, UNIT_PROOFS
    from tests.formal.prove import ProofFailure
    try:
        # A failed induction says little: what is wanted is a run from reset that goes wrong.
        {**PROOFS, **UNIT_PROOFS}[fault.proof].search(fault.proof)
    except ProofFailure as failure:
        click.echo(str(failure))
        return 0 if failure.status == "FAIL" else 2
    click.echo(f"{fault.proof} holds in spite of the fault")
    return 1


def check(name, timeout=3600):
    """Plant one in a process of its own.

    Parameters
    ----------
    name : str
        Of :data:`FAULTS`.
    timeout : float
        Seconds.

    Returns
    -------
    dict
        `proof` that ran, `result`, `place` and `step` (cycle) of the property that failed, `seconds`, `cpu_seconds`,
        `output`.
    """
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", __spec__.name, "--here", name], cwd=ROOT, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=timeout)
    except BaseException as error:
        # The prover ends its own children when it is interrupted.
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    failed = re.search(r"failed assertion .* at (?:.*/)?(\S+)(?: step (\d+))?", output)
    result = STATUSES.get(process.returncode, NO_ANSWER)
    return {
        "proof": FAULTS[name].proof, "result": result if result != FOUND or failed else NO_ANSWER,
        "place": failed[1] if failed else None, "step": int(failed[2] or 0) if failed else None,
        "seconds": round(time.monotonic() - began, 1),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "output": output.strip(),
    }


def chosen(patterns):
    """Names of the faults whose name, proof or file has one of `patterns` in it (or matches it, with wildcards)."""
    def fits(name, pattern):
        return any(pattern in text or fnmatch.fnmatchcase(text, pattern)
                   for text in (name, FAULTS[name].proof, FAULTS[name].file))
    return [name for name in FAULTS if any(fits(name, pattern) for pattern in patterns)]


def _sources():
    """Hash of everything that a result depends on."""
    files = [file for name in SOURCES for file in sorted([ROOT / name, *(ROOT / name).rglob("*.py")]) if file.is_file()]
    digest = hashlib.sha256()
    for file in files:
        # A fault more or less says nothing about the others, and a test is no proof.
        if file.name not in (Path(__file__).name, "fault_list.py", "show.py") and not file.name.startswith("test_"):
            digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _key(name, sources):
    return hashlib.sha256(f"{sources}{FAULTS[name]!r}".encode()).hexdigest()[:16]


def _print(console, results):
    table = Table("fault", "caught by", "at", "cycle", "result", "seconds", "CPU")
    for name, entry in results.items():
        step = "" if entry["step"] is None else str(entry["step"])
        table.add_row(name, entry["proof"], entry["place"] or "", step, entry["result"],
                      f"{entry['seconds']:.0f}", f"{entry['cpu_seconds']:.0f}",
                      style="" if entry["result"] == FOUND else "red")
    console.print(table)
    found = sum(entry["result"] == FOUND for entry in results.values())
    console.print(f"{found} of {len(results)} found; {REPORT.relative_to(ROOT)}")
    return found == len(results)


@click.command()
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option("--all", "everything", is_flag=True, help="All faults.")
@click.option("--quick", is_flag=True, help="Those that `make test` plants.")
@click.option("--again", is_flag=True, help="Those too that have been found in this very core.")
@click.option("--timeout", default=3600, show_default=True, help="Seconds for each.")
@click.option("--list", "listed", is_flag=True, help="Only list them.")
@click.option("--here", hidden=True)
def main(patterns, everything, quick, again, timeout, listed, here):
    """Plant the faults whose name, proof or file contains a PATTERN, and report which proof catches them."""
    if here is not None:
        sys.exit(run_here(here))
    names = list(FAULTS) if everything else chosen(patterns)
    if quick:
        names += [name for name, fault in FAULTS.items() if fault.quick and name not in names]
    if listed:
        for name in names or FAULTS:
            click.echo(f"{FAULTS[name].proof}: {name}")
        return
    if not names:
        raise click.UsageError("No such fault; --all takes all, --list lists them")
    sources = _sources()
    known = json.loads(REPORT.read_text()) if REPORT.exists() else {}
    results = {}
    console = Console()
    if not console.is_terminal:
        console.width = 160
    for number, name in enumerate(names, 1):
        key = _key(name, sources)
        entry = known.get(name, {})
        if again or entry.get("key") != key or entry["result"] != FOUND:
            console.print(f"[{number}/{len(names)}] {FAULTS[name].proof}: {name}", markup=False)
            entry = known[name] = {**check(name, timeout), "key": key}
            console.print(f"    {entry['result']}, {entry['seconds']:.0f} s", markup=False)
            REPORT.parent.mkdir(parents=True, exist_ok=True)
            REPORT.write_text(json.dumps(known, indent=2) + "\n")
        results[name] = entry
    if not _print(console, results):
        sys.exit(1)


if __name__ == "__main__":
    main()
