"""The mailbox on Verilator: directed and random benches, and planted faults that they have to notice."""

import pytest

from hw.mailbox.config import FAULTS, HART_FAULTS
from tests.hw.cocotb_bench import BenchFailure, model_of, run, testcases

DIRECTED = "tests.hw.mailbox.mailbox_bench"
HARTS = "tests.hw.mailbox.hart_bench"
HARTS_RANDOM = "tests.hw.mailbox.hart_random_bench"
HARTS_RESET = "tests.hw.mailbox.hart_reset_bench"
INSTRUCTIONS = "tests.hw.mailbox.instruction_bench"
SENDERS = "tests.hw.mailbox.sender_bench"
RANDOM = "tests.hw.mailbox.random_bench"
WIDE = "tests.hw.mailbox.wide_bench"

TWO_HARTS = {"MAILBOX": "harts"}
#: The directed test that each planted fault turns red.
CAUGHT_BY = {
    "store_on_refusal": "refusals_store_nothing",
    "wrong_space": "space_is_the_pages",
    "wrong_right": "asks_the_right_question",
    "overwrite_when_full": "full_queue_refuses",
    "lose_on_pop": "keeps_order",
    "duplicate_on_pop": "keeps_order",
    "mix_queues": "keeps_order",
    "drop_last_word": "carries_a_message",
    "keep_staging": "rebind_page",
    "keep_view": "two_receivers",
    "anyone_stages_capabilities": "capabilities_pass_the_kernel",
    "anyone_receives_capabilities": "capabilities_pass_the_kernel",
    "late_answer": "unit_that_never_answers",
    "timeout_is_ok": "unit_that_never_answers",
    "no_rate_limit": "rate_limit",
    "no_charge": "rate_limit",
    "limit_by_page": "rate_limit",
    "early_bucket": "a_new_binding_counts_at_once",
    "interrupt_always": "interrupts",
    "no_threshold": "interrupts_are_coalesced",
    "no_delay": "interrupts_are_coalesced",
    "no_clear": "reset_at_any_moment",
    "no_kill": "rebind_kills_the_command",
    "put_before_commit": "killed_instructions_never_happened",
    "send_after_kill": "killed_instructions_never_happened",
    "reuse_staged": "a_pair_has_room_for_all",
    "reuse_waiting": "a_pair_has_room_for_all",
    "reuse_copied": "a_pair_has_room_for_all",
    "keep_pairs": "preemption_discards",
    "keep_context_view": "preemption_closes_the_message",
    "send_in_part": "preemption_discards",
    "get_without_view": "preemption_closes_the_message",
    "pop_without_view": "others_take_the_open_message",
    "no_forget": "a_death_closes_open_messages",
    "drop_request": "sends_at_the_same_time",
    "first_hart_first": "neither_hart_starves",
    "never_gives_way": "a_waiting_hart_holds_nobody_up",
    "other_staging": "harts_have_their_own",
    "other_hart": "harts_have_their_own",
    "keep_other_hart": "rebinding_one_hart",
    "read_ahead": "reads_do_not_overtake_the_words",
    "pop_together": "both_remove",
    "never_pauses": "a_sender_leaves_room",
    "keep_in_reset": "reset_in_every_cycle_of_a_receive",
    "serve_in_reset": "reset_of_a_hart_that_waits",
}


@pytest.fixture(scope="session")
def default():
    return model_of(DIRECTED)


@pytest.fixture(scope="session")
def small():
    return model_of(RANDOM, environment={"MAILBOX": "small"})


@pytest.mark.parametrize("testcase", testcases(DIRECTED))
def test_directed(default, testcase):
    run(default, DIRECTED, testcase)


@pytest.mark.parametrize("testcase", testcases(INSTRUCTIONS))
def test_instructions(default, testcase):
    run(default, INSTRUCTIONS, testcase)


@pytest.fixture(scope="session")
def harts():
    return model_of(HARTS, environment=TWO_HARTS)


@pytest.mark.parametrize("testcase", testcases(HARTS))
def test_harts(harts, testcase):
    run(harts, HARTS, testcase, environment=TWO_HARTS)


@pytest.mark.parametrize("testcase", testcases(HARTS_RESET))
def test_reset_of_one_hart(harts, testcase):
    run(harts, HARTS_RESET, testcase, environment=TWO_HARTS)


@pytest.mark.parametrize("testcase", testcases(HARTS_RANDOM))
def test_random_harts(harts, testcase):
    run(harts, HARTS_RANDOM, testcase, environment=TWO_HARTS)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_harts_long(harts, seed):
    run(harts, HARTS_RANDOM, seed=seed, environment={**TWO_HARTS, "STEPS": 3000})


def test_random(default):
    run(default, RANDOM, "any_access", environment={"STEPS": 2000, "COVER": 95})


@pytest.mark.parametrize("seed", range(1, 4))
def test_random_many_pages(default, seed):
    run(default, RANDOM, "many_pages_at_a_time", seed=seed)


@pytest.mark.parametrize("seed", range(1, 3))
def test_random_small(small, seed):
    run(small, RANDOM, "any_access", seed=seed, environment={"MAILBOX": "small"})


@pytest.fixture(scope="session")
def wide():
    return model_of(WIDE, environment={"MAILBOX": "wide"})


@pytest.mark.parametrize("testcase", testcases(WIDE))
def test_wide(wide, testcase):
    run(wide, WIDE, testcase, environment={"MAILBOX": "wide"})


def test_random_wide(wide):
    run(wide, RANDOM, "any_access", environment={"MAILBOX": "wide"})


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_random_long(default, seed):
    run(default, RANDOM, seed=seed, environment={"STEPS": 10_000})


def test_every_fault_has_a_test():
    assert set(CAUGHT_BY) == set(FAULTS)


@pytest.mark.parametrize("fault", HART_FAULTS)
def test_fault_between_harts_is_noticed(harts, fault):
    with pytest.raises(BenchFailure, match="AssertionError"):
        bench = next(each for each in (HARTS, HARTS_RESET) if CAUGHT_BY[fault] in testcases(each))
        run(harts, bench, CAUGHT_BY[fault], environment={**TWO_HARTS, "FAULT": fault})


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in HART_FAULTS])
def test_fault_is_noticed(default, fault):
    bench = next(each for each in (DIRECTED, INSTRUCTIONS, SENDERS) if CAUGHT_BY[fault] in testcases(each))
    with pytest.raises(BenchFailure, match="AssertionError"):
        run(default, bench, CAUGHT_BY[fault], environment={"FAULT": fault})
