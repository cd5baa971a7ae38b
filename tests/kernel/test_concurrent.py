"""kernel/cap with several CPUs, as threads under ThreadSanitizer: workers by the kernel lock, checkers without any."""

import os
import re
import subprocess

import pytest

from tests.kernel.host_library import build_concurrent


def run(rounds: int, seed: int, faults: tuple[str, ...] = (), definitions: tuple[str, ...] = (),
        timeout: float = 500) -> subprocess.CompletedProcess:
    return subprocess.run([build_concurrent(faults, definitions), str(rounds), str(seed)], capture_output=True,
                          text=True, timeout=timeout, env=os.environ | {"TSAN_OPTIONS": "halt_on_error=1"})


def counts(done: subprocess.CompletedProcess) -> tuple[int, ...]:
    """Checks, hits and operations."""
    return tuple(map(int, re.search(r"(\d+) checks, (\d+) of them hits, (\d+) operations", done.stdout).groups()))


def test_checks_without_locks_while_capabilities_come_and_go():
    done = run(60, 5)
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    checks, hits, operations = counts(done)
    assert checks > 10_000 and hits > 1_000 and operations > 1_000


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_millions_of_checks_without_locks():
    seed = int(os.environ.get("VERIDIAN_SEED", 0)) or int.from_bytes(os.urandom(4), "little")
    print(f"threads: seed {seed}; again: VERIDIAN_SEED={seed}")
    done = run(20_000, seed, timeout=3500)
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    checks, _, operations = counts(done)
    assert checks > 5_000_000 and operations > 500_000


#: Planted faults: what finds each.
FAULTS = {
    "a link is a plain store": (("tree.c:__atomic_store_n(&slot_at(number)->word[2], next.word[2], __ATOMIC_RELAXED);"
                                 "=>slot_at(number)->word[2] = next.word[2];",), (), "data race"),
    "no invalidation of an emptied slot": (
        ("space.c:else if (remembered) cap_hook_invalidate_slot(space, handle);=>",), (),
        "a revoked handle is refused"),
    "answers without forgetting": ((), ("-DFORGETFUL",), "a revoked handle is refused"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault):
    faults, definitions, sign = FAULTS[fault]
    done = run(60, 5, faults, definitions)
    assert done.returncode != 0 and sign in done.stderr, done.stdout + done.stderr[-2000:]
