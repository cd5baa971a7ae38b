"""Seeds of campaigns: printed, and taken from the environment to run one again."""

import os
import random
import shutil

import pytest

from sim.boot import TARGETS
from sim.qemu import EMULATORS, Emulator

__all__ = ["EMULATED", "campaign_seed", "targets"]

#: Environment variable with the seed of a campaign.
VARIABLE = "VERIDIAN_SEED"


def campaign_seed(what: str) -> int:
    """A seed for `what`: that of the environment, or a fresh one. A test that fails shows how to run it again."""
    seed = int(os.environ.get(VARIABLE) or random.SystemRandom().getrandbits(32))
    print(f"{what}: seed {seed}; again: {VARIABLE}={seed}")
    return seed


def _installed(emulator: Emulator) -> bool:
    return shutil.which(emulator.program) is not None


def targets(*names: str) -> list:
    """Parameters of a test by target; those whose emulator is not there are skipped."""
    return [pytest.param(name, marks=pytest.mark.skipif(
        TARGETS[name].emulated and not _installed(EMULATORS[TARGETS[name].architecture]),
        reason="QEMU is not installed")) for name in names]


#: The targets in QEMU.
EMULATED = targets(*(name for name, target in TARGETS.items() if target.emulated))
