"""Budgets of scheduling reservations on the host, under AddressSanitizer and UBSan: admission and what is promised."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernel import host_library as host

HERE = Path(__file__).parent


def run_machine(library: Path, examples: int, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, HERE / "budget_machine.py", library, str(examples), *options]
    return subprocess.run(command, env=os.environ | host.sanitizer_environment(), capture_output=True, text=True,
                          timeout=300)


def test_agrees_with_the_model():
    done = run_machine(host.build_budgets(), 100)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


@pytest.mark.slow
def test_agrees_with_the_model_for_long():
    done = run_machine(host.build_budgets(), 5000)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


#: Planted bugs; one of the properties must find each.
FAULTS = {
    "everything is admitted": "budget.c:<= BUDGET_SHARE_MOST ? STATUS_OK=>>= 0 ? STATUS_OK",
    "shares are rounded down": "budget.c: + period - 1) / period=>) / period",
    "what it had counts twice": "budget.c:budget_shares - budget->share + share <==>budget_shares + share <=",
    "what it had is never given back":
        "budget.c:budget_shares = budget_shares - budget->share + share=>budget_shares += share",
    "any period": "budget.c: || period > BUDGET_LONGEST_PERIOD_NS=>",
    "any amount": "budget.c:amount < BUDGET_LEAST_NS || =>",
    "any share": "budget.c:share < BUDGET_SHARE_LEAST=>false",
    "more than the whole period": "budget.c: || amount > period=>",
    "a new budget is there at once": "budget.c:.share = share, .deadline=>.share = share, .left = amount, .deadline",
    "nothing is charged": "budget.c:budget->left -= (int64_t)nanoseconds=>(void)nanoseconds",
    "who wakes has what it had": "budget.c:    budget->left = budget->amount;\n=>",
    "who wakes keeps its deadline":
        "budget.c:\n        && (uint64_t)budget->left * budget->period <= (budget->deadline - now) * budget->amount=>",
    "who wakes always begins anew": "budget.c:now < budget->deadline\n=>false\n",
    "overruns are forgiven": "budget.c:    budget->left += budget->amount;\n=>    budget->left = budget->amount;\n",
    "overruns of periods are forgiven": "budget.c:    budget->deadline += periods * budget->period;\n=>",
    "a period begins late for ever": "budget.c:    if (budget->deadline <= now) begin_period(budget, now);\n=>",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_bug_is_found(fault):
    done = run_machine(host.build_budgets((FAULTS[fault],)), 60, "--first")
    assert done.returncode != 0, f"no property noticed: {fault}"
    assert "AssertionError" in done.stderr or "AddressSanitizer" in done.stderr or done.returncode < 0, done.stderr
