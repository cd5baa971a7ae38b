"""The attacks that the capability unit has to withstand, and the tests that make each, by interface.

A test is `FILE::NAME`, where a cocotb bench's NAME is that of its coroutine; `random::KIND` is a kind of question of
the C++ harness (`attack/attacks.hpp`), of which `test_attack.py` makes thousands, and the long run of it many more.
"""

from dataclasses import dataclass

__all__ = ["ATTACKS", "Attack"]

_HERE = "tests/hw/capability"
_ATTACK, _CHECK, _REVOKE, _PARITY, _HARTS, _HARTS_RESET, _HARTS_REVOKE = (
    f"{_HERE}/{name}_bench.py" for name in ("attack", "directed", "revoke", "parity", "harts", "harts_reset",
                                            "harts_revoke"))
_USER = "tests/sim/test_user_attacks.py::test_window_and_supervisor_instructions_are_out_of_reach"
_WALKS = "walks_are_killed_in_every_alignment"


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes
    ----------
    name : str
    instructions, window : tuple of str
        Tests that make it by that interface.
    """

    name: str
    instructions: tuple[str, ...]
    window: tuple[str, ...]


def _on_both(name, *tests):
    return Attack(name, tests, tests)


ATTACKS = (
    _on_both("every single-bit flip of a slot", f"{_ATTACK}::every_flipped_bit_of_a_slot"),
    _on_both("every single-bit flip of an object entry", f"{_ATTACK}::every_flipped_bit_of_an_object_entry"),
    _on_both("every single-bit flip of handle, type, rights and space", f"{_ATTACK}::every_flipped_bit_of_a_question",
             "random::flipped", "random::space_bits"),
    _on_both("random handles", "random::random", "random::neighbour"),
    _on_both("words of a token, or a slot's number, as a handle", "random::token", "random::number"),
    _on_both("small integers", f"{_ATTACK}::small_integers", "random::small"),
    _on_both("stale handles, recycled places and object ids", f"{_ATTACK}::recycled_places_and_objects",
             "random::bygone"),
    _on_both("a generation that would wrap", f"{_ATTACK}::generations_that_would_wrap"),
    _on_both("more rights, through a chain of derivations", f"{_ATTACK}::chains_of_derivations_give_no_right_back",
             "random::amplified"),
    _on_both("another type", f"{_CHECK}::every_verdict_on_every_interface", "random::confused"),
    Attack("revocation during a check, in every alignment",
           (f"{_REVOKE}::checks_race_with_the_run_in_every_alignment",
            f"{_REVOKE}::the_first_read_of_the_end_is_behind_the_invalidate"),
           (f"{_ATTACK}::revoked_by_an_instruction_while_the_window_asks",)),
    Attack("an invalidate during a check, in every alignment",
           (f"{_CHECK}::{_WALKS}", f"{_CHECK}::kept_answers_do_not_outlive_an_invalidate"),
           (f"{_CHECK}::{_WALKS}", f"{_CHECK}::port_invalidates_kill_walks_of_others")),
    _on_both("revocation during a check of another hart, in every alignment",
             f"{_HARTS_REVOKE}::checks_of_another_hart_race_with_the_run_in_every_alignment"),
    _on_both("an invalidate during a check of another hart, in every alignment",
             f"{_HARTS}::checks_race_with_invalidates_of_another_hart_in_every_alignment"),
    Attack("an invalidate during a walk of another hart, in every alignment",
           (f"{_HARTS}::walks_of_another_hart_are_killed_in_every_alignment",),
           (f"{_HARTS}::checks_race_with_invalidates_of_another_hart_in_every_alignment",)),
    _on_both("two harts that revoke, or invalidate, at once", f"{_HARTS_REVOKE}::all_harts_revoke_at_once",
             f"{_HARTS}::invalidates_at_once_do_not_wait_for_each_other"),
    _on_both("moving and deriving on one hart while another revokes",
             f"{_HARTS_REVOKE}::moved_and_derived_during_a_run_of_another_hart"),
    _on_both("a hart's unit that is reset, or does not forget",
             *(f"{_HARTS_RESET}::{name}" for name in (
                 "a_unit_in_reset_has_not_forgotten", "reset_at_every_moment_of_a_broadcast",
                 "a_unit_that_does_not_forget_says_nothing",
                 "a_revocation_that_a_unit_does_not_hear_of_is_no_success"))),
    _on_both("a handle of another space", f"{_ATTACK}::handles_of_other_spaces", "random::other_space"),
    _on_both("beyond the ends of spaces and tables", f"{_CHECK}::bounds_and_malformed_tables", "random::outside",
             f"{_ATTACK}::garbage_for_tables"),
    Attack("the kernel's instructions from user mode, and its window",
           (f"{_CHECK}::only_user_instructions_in_user_mode", f"{_REVOKE}::user_mode_cannot_revoke",
            "random::forbidden", _USER), (_USER,)),
    Attack("instructions that the core takes back",
           (f"{_CHECK}::killed_instructions_never_happened", f"{_CHECK}::kills_in_a_stream", "random::killed"), ()),
    _on_both("garbage where tables should be, tables over each other", f"{_ATTACK}::garbage_for_tables"),
    _on_both("misaligned tables", f"{_ATTACK}::misaligned_tables"),
    _on_both("slots that change while they are read", f"{_ATTACK}::slots_that_change_while_they_are_read"),
    _on_both("cycles and contradictions in the derivation tree, links that lead out of it",
             f"{_REVOKE}::malformed_trees_end_with_an_error"),
    _on_both("bus errors at every step of a walk", f"{_CHECK}::every_bus_error_refuses"),
    _on_both("a stuck bus at every step of a walk", f"{_ATTACK}::a_stuck_bus_at_every_step",
             f"{_CHECK}::silent_bus_ends_in_a_refusal"),
    _on_both("bus errors at every step of a revocation", f"{_REVOKE}::every_bus_error_ends_the_run"),
    _on_both("a stuck bus at every step of a revocation", f"{_REVOKE}::a_silent_bus_ends_the_run"),
    _on_both("parity errors", *(f"{_PARITY}::{name}" for name in (
        "every_flipped_bit_of_a_line", "every_flipped_bit_of_the_other_way", "a_stream_of_checks_goes_on",
        "a_cleared_line_does_not_come_back", "invalidates_clear_lines_that_they_cannot_read",
        "flips_at_every_moment_of_a_walk"))),
)
