"""Quotas of processes on the host, under AddressSanitizer and UBSan, against the reference model."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernel import host_library as host

HERE = Path(__file__).parent


def run_machine(library: Path, examples: int, steps: int, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, HERE / "quota_machine.py", library, str(examples), str(steps), *options]
    return subprocess.run(command, env=os.environ | host.sanitizer_environment(), capture_output=True, text=True,
                          timeout=600)


def test_agrees_with_the_model():
    done = run_machine(host.build_quotas(), 150, 25)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


@pytest.mark.slow
def test_agrees_with_the_model_for_long():
    done = run_machine(host.build_quotas(), 5000, 40)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


#: Planted bugs; the machine must find each.
FAULTS = {
    "what a process gets is not taken from its maker":
        "quotas.c:        move(&maker->of[i], &quotas->of[i], amount);=>        quotas->of[i].limit = amount;",
    "a process costs no object": "quotas.c:    if (!quota_take(objects, 1)) return STATUS_NO_OBJECTS;=>",
    "more than there is": "quotas.c:        if (amount > left) {=>        if (false) {",
    "a refusal keeps what it had taken":
        "quotas.c:            for (size_t j = 0; j < i; j++) move(=>"
        "            for (size_t j = 0; j < 0; j++) move(",
    "a refusal keeps the object": "quotas.c:            objects->used--;=>",
    "anybody gives": "quotas.c:maker == nullptr || by != maker ||=>maker == nullptr ||",
    "a seal is broken": "quotas.c:(resource == RESOURCE_SLOTS && limit > quotas->sealed)=>false",
    "a limit below what is in use": "quotas.c:    if (limit < quota->used) return STATUS_BAD_ARGUMENT;=>",
    "the maker gives what it has not":
        "quotas.c:        if (limit - quota->limit > quota_left(&maker->of[resource])) return SHORTAGE[resource];=>",
    "children stay with who has ended": "quotas.c:        child->maker = maker;=>",
    "children are paid for twice": "quotas.c:        quotas->of[RESOURCE_OBJECTS].used--;\n        move=>        move",
    "what is in use goes back at once": "quotas.c:quota_left(&quotas->of[i]));\n}=>quotas->of[i].limit);\n}",
    "what comes back late is lost":
        "quotas.c:    if (quotas->ended && quotas->maker != nullptr) move=>    if (false) move",
    "a record goes while something is charged to it":
        "quotas.c:if (quotas->of[i].used != 0)=>if (false)",
    "the object of the process is never given back": "quotas.c:    quotas->maker->of[RESOURCE_OBJECTS].used--;=>",
    "the usual is more than half": "quotas.c:left / 2 < USUAL[i] ? left / 2=>left < USUAL[i] ? left",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_bug_is_found(fault):
    done = run_machine(host.build_quotas((FAULTS[fault],)), 400, 25, "--first")
    assert done.returncode != 0, f"the machine did not notice: {fault}"
    assert "AssertionError" in done.stderr or "AddressSanitizer" in done.stderr or done.returncode < 0, done.stderr
