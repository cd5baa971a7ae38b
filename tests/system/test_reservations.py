"""The suite's tests of reservations see what is wrong: kernels with a planted fault."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from sim.boot import TARGETS, boot
from sim.qemu import EMULATORS
from tests.system.planted import with_change

_spec = importlib.util.spec_from_file_location("system_tap", Path(__file__).with_name("tap.py"))
tap = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tap)

SHARES = "threads have what is reserved for them beside threads that spin"
ENDS = "a binding ends with its capability"
#: File, old text, new text, and a test that must fail.
FAULTS = {
    "a quarter of the time is not charged": (
        "sched/reservation.c", "if (budget_charge(&reservation->budget, nanoseconds)) await_period(reservation);",
        "if (budget_charge(&reservation->budget, nanoseconds - nanoseconds / 4)) await_period(reservation);", SHARES),
    "a budget is never refilled": (
        "sched/reservation.c", "        budget_refill(&reservation->budget, now);\n", "", SHARES),
    "everything is admitted": (
        "sched/reservation.c", "    if (status != STATUS_OK) return status;\n    struct thread *thread",
        "    (void)status;\n    struct thread *thread", "no more than three quarters of the processor are reserved"),
    "reserved threads wait for slices": (
        "sched/reservation.c", "deadline < reservation_running->budget.deadline) sched_preempt();",
        "deadline < reservation_running->budget.deadline) return;",
        "a thread with a reservation does not wait for slices"),
    "who yields keeps the rest": (
        "sched/sched.c", "reservation_running != nullptr) reservation_give_up();",
        "reservation_running != nullptr) reservation_end();",
        "who yields leaves the rest of its reservation"),
    "time is not lent again": (
        "sched/reservation.c", "constexpr unsigned LENT_DEPTH = 4;", "constexpr unsigned LENT_DEPTH = 1;",
        "who calls pays for who is called"),
    "a binding outlives its capability": (
        "sched/reservation.c", "reservation->handle == handle)", "reservation->handle == handle + 1)", ENDS),
    "any capability's end unbinds": (
        "sched/reservation.c", "reservation->handle == handle)", "handle != 0)", ENDS),
    "what runs goes on when it is unbound": (
        "sched/reservation.c", "    if (reservation_running == reservation) {\n        reservation_end();\n",
        "    if (reservation == nullptr) {\n        reservation_end();\n", ENDS),
    "two threads on one reservation": (
        "sched/reservation.c",
        "if (reservation->thread != nullptr || thread->reservation != nullptr) return STATUS_EXISTS;", "", ENDS),
    "a dead reservation keeps its share": (
        "sched/reservation.c", "    budget_set(&reservation->budget, 0, 0, 0);\n", "",
        "no more than three quarters of the processor are reserved"),
    "who wakes pays nothing for it": (
        "sched/reservation.c", "!budget_charge(&reservation->budget, BUDGET_WAKE_NS)", "true",
        "a thread that wakes again and again leaves others their part"),
    "who is answered has a slice of its own": (
        "sched/sched.c", "next->keeps_slice ? kept_end", "false ? kept_end",
        "two that answer each other share slices with others"),
    "a server keeps its place": (
        "sched/reservation.c", "    struct thread *worker = worker_of(thread);\n    if (worker == sched_current) {",
        "    struct thread *worker = thread;\n    if (worker == sched_current) {",
        "a server's place is by the deadline of what it runs on"),
    "a thread that ends stays bound": (
        "sched/sched.c", "    if (thread->reservation != nullptr) reservation_unbind(thread->reservation);\n", "",
        "a reservation is free when its thread ends"),
}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which(EMULATORS["riscv64"].program) is None, reason="QEMU is not installed")
@pytest.mark.parametrize("fault", FAULTS)
def test_planted_bug_is_found(tmp_path, fault):
    *change, noticed_by = FAULTS[fault]
    result = boot(TARGETS["qemu-riscv64"], init="suite", echo=False, timeout=90, kernel=with_change(tmp_path, *change))
    outcome = tap.parse_tap(result.output)
    assert result.code != 0
    assert noticed_by not in outcome.passed, outcome.passed[-3:]
    # Before those all is well.
    assert "endless loops are preempted and share fairly" in outcome.passed
