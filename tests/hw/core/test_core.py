"""The core runs self-checking programs, with a quick bus and with random wait states."""

import pytest

PROGRAMS = (
    "smoke", "integer", "muldiv", "memory", "compressed", "atomic",
    "traps", "paging", "interrupts", "contexts", "custom", "prediction", "refetch", "region",
)


@pytest.mark.parametrize("wait", (None, 1, 2))
@pytest.mark.parametrize("name", PROGRAMS)
def test_program(run_program, name, wait):
    finished = run_program(name, *(() if wait is None else ("--wait", str(wait))))
    assert finished.returncode == 0, finished.stdout[-2000:] + finished.stderr
