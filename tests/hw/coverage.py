"""Functional coverage of random benches by cocotb-coverage: what has to happen is data, what has not is named."""

import os
from itertools import product
from pathlib import Path

from cocotb_coverage.coverage import CoverPoint, coverage_db

from tests.hw.cocotb_bench import ROOT, seed_of_run

__all__ = ["Coverage", "REPORTS", "crossed"]

#: Where reports go, one pair of each bench and seed.
REPORTS = ROOT / "build" / "coverage"


def crossed(*dimensions):
    """Every combination of the values of several dimensions."""
    return set(product(*dimensions))


def _text(value):
    parts = value if isinstance(value, tuple) else (value,)
    return " ".join(str(getattr(part, "name", part)) for part in parts)


class Coverage:
    """Cover points of one bench.

    Parameters
    ----------
    name : str
        Of the bench, and of its reports.
    points : dict of str to iterable
        For each group the values to be seen: tuples, strings, numbers or members of enumerations.
    """

    def __init__(self, name, points):
        self._name = name
        self._groups = {}
        for group, values in points.items():
            bins = sorted(map(_text, values))
            point = CoverPoint(f"{name}.{group}", bins=bins)
            self._groups[group] = set(bins), point(lambda value: None)

    def see(self, group, *value):
        """Something happened. Raises ValueError if nobody has stated that it may."""
        bins, sample = self._groups[group]
        text = _text(value)
        if text not in bins:
            raise ValueError(f"{self._name}.{group} has no point {text!r}")
        sample(text)

    @property
    def unreached(self):
        """Names of the points that were not seen."""
        return [f"{group}: {text}" for group in self._groups
                for text, hits in coverage_db[f"{self._name}.{group}"].detailed_coverage.items() if not hits]

    def finish(self, log):
        """Save the reports, and demand what the environment's COVER says, in percent of all points."""
        whole, missing = coverage_db[self._name], self.unreached
        REPORTS.mkdir(parents=True, exist_ok=True)
        path = REPORTS / f"{self._name}-{seed_of_run()}"
        # Another run with this seed may be writing the same.
        for suffix, save in ((".yml", coverage_db.export_to_yaml), (".xml", coverage_db.export_to_xml)):
            scratch = Path(f"{path}.{os.getpid()}{suffix}")
            save(str(scratch))
            scratch.replace(f"{path}{suffix}")
        said = (f"{whole.coverage} of {whole.size} cover points of {self._name}, {whole.cover_percentage:.1f} %; "
                f"not reached: {', '.join(missing) or 'none'}")
        log.info("%s", said)
        assert whole.cover_percentage >= float(os.environ.get("COVER", 0)), said
