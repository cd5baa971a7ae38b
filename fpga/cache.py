"""Results of long tool runs, by the content of what went in."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from sim.toolchain import BUILD

__all__ = ["CACHE", "cached"]

CACHE = BUILD / "fpga" / "cache"


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` of the cache, which `make` fills if it is not there yet.

    It appears at once and whole: an interrupted run leaves nothing that is taken for a result, and of two runs of the
    same the first counts.
    """
    folder = CACHE / name
    if folder.exists():
        return folder
    scratch = CACHE / f"{name}.{os.getpid()}.part"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        make(scratch)
        scratch.rename(folder)
    except OSError:
        if not folder.exists():
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder
