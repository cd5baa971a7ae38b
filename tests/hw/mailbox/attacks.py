"""The attacks that the mailbox has to withstand, and the tests that make each, by interface.

A test is `FILE::NAME`, where NAME is a cocotb bench's coroutine.
"""

from dataclasses import dataclass

__all__ = ["ATTACKS", "Attack"]

_HERE = "tests/hw/mailbox"
_PAGE, _INSTRUCTION, _SENDER, _UNIT, _DYING = (
    f"{_HERE}/{name}_bench.py" for name in ("mailbox", "instruction", "sender", "unit", "dying"))
_USER = "tests/sim/test_user_attacks.py::test_window_and_supervisor_instructions_are_out_of_reach"


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes
    ----------
    name : str
    instructions, page : tuple of str
        Tests that make it by that interface.
    """

    name: str
    instructions: tuple[str, ...]
    page: tuple[str, ...]


ATTACKS = (
    Attack("queue flood", (f"{_SENDER}::a_flood_fills_its_queue_and_no_other",),
           (f"{_SENDER}::a_flood_fills_its_queue_and_no_other", f"{_PAGE}::full_queue_refuses")),
    Attack("send to a dying endpoint",
           (f"{_DYING}::taken_away_during_a_send_by_instructions", f"{_DYING}::unbound_during_a_send",
            f"{_INSTRUCTION}::dying_endpoint_leaves_nothing"),
           (f"{_DYING}::taken_away_during_a_send_by_page", f"{_DYING}::unbound_during_a_send",
            f"{_SENDER}::sends_to_a_dying_endpoint", f"{_PAGE}::a_death_before_the_decision")),
    Attack("send and receive by a capability that is gone",
           (f"{_INSTRUCTION}::a_death_closes_open_messages", f"{_UNIT}::instructions_through_both"),
           (f"{_UNIT}::revoked_sender", f"{_PAGE}::revoked_receiver")),
    Attack("send without the right, to no endpoint, by another's handle",
           (f"{_INSTRUCTION}::instructions_are_refused",),
           (f"{_PAGE}::refusals_store_nothing", f"{_PAGE}::space_is_the_pages", f"{_UNIT}::every_verdict")),
    Attack("what the owner before has left: staged words, an open message, a command in flight",
           (f"{_INSTRUCTION}::preemption_discards", f"{_INSTRUCTION}::preemption_closes_the_message",
            f"{_INSTRUCTION}::rebinding_discards_the_command"),
           (f"{_PAGE}::rebind_page", f"{_PAGE}::rebind_kills_the_command", f"{_PAGE}::wipe_and_rebind_queue")),
    Attack("what was there before a reset", (f"{_INSTRUCTION}::reset_forgets_instructions",),
           (f"{_PAGE}::reset_at_any_moment", f"{_PAGE}::reset_clears_before_the_first_access")),
    Attack("another's open message", (f"{_INSTRUCTION}::others_take_the_open_message",), (f"{_PAGE}::two_receivers",)),
    Attack("capabilities past the kernel", (f"{_INSTRUCTION}::capabilities_do_not_travel_by_instructions",),
           (f"{_PAGE}::capabilities_pass_the_kernel",)),
    Attack("more messages than the bucket allows, around a change of it",
           (f"{_SENDER}::the_lowest_bucket_of_a_space_counts",),
           (f"{_SENDER}::a_new_binding_counts_at_once", f"{_SENDER}::a_new_rate_counts_at_once",
            f"{_PAGE}::rate_limit")),
    Attack("a unit that never answers", (f"{_INSTRUCTION}::unit_that_never_answers_an_instruction",),
           (f"{_PAGE}::unit_that_never_answers",)),
    Attack("instructions that the hart takes back, or that are none",
           (f"{_INSTRUCTION}::killed_instructions_never_happened", f"{_INSTRUCTION}::only_ours_are_accepted"), ()),
    Attack("the kernel's page, others' pages and what is no register", (), (f"{_PAGE}::bus_errors", _USER)),
)
