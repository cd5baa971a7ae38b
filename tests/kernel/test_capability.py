"""kernel/cap on the host, under AddressSanitizer and UBSan, against the reference model."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernel import host_library as host

HERE = Path(__file__).parent


def run_machine(library: Path, examples: int, steps: int, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, HERE / "capability_machine.py", library, str(examples), str(steps), *options]
    return subprocess.run(command,
                          env=os.environ | host.sanitizer_environment(), capture_output=True, text=True, timeout=1200)


def test_agrees_with_the_model():
    done = run_machine(host.build(), 40, 12)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def test_a_full_space_grows_beside_the_dead_of_another():
    done = subprocess.run([sys.executable, HERE / "room_beside_others.py", host.build()], capture_output=True,
                          text=True, env=os.environ | host.sanitizer_environment(), timeout=300)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


@pytest.mark.slow
def test_agrees_with_the_model_for_long():
    done = run_machine(host.build(), 1500, 20)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


#: Planted bugs; the machine must find each.
FAULTS = {
    "check ignores rights":
        "check.c:& ~slot_get_rights(slot)) != 0) return VERDICT_MISSING=>& 0) != 0) return VERDICT_MISSING",
    "check ignores the tag": "tables.h:slot_get_tag(&cap_state.slots[number]) == handle_get_tag(handle)=>true",
    "check ignores the generation": "tables.h:&& object_entry_get_generation(entry) == slot_get_generation(slot)=>",
    "tag stays when a slot is emptied": "space.c:return tag == UINT16_MAX ? 1 : (uint16_t)(tag + 1);=>return tag;",
    "no invalidation of an emptied slot": "space.c:else if (remembered) cap_hook_invalidate_slot(space, handle);=>",
    "no invalidation of a dead object":
        "object.c:if (named) cap_hook_invalidate_object(object_id);=>",
    "derive keeps the parent's rights": "tree.c:    slot_set_rights(&body, rights);\n    if (badge=>    if (badge",
    "slots that the engine emptied are never reclaimed": "tree.c:cap_state.dead = run.dead;=>",
    "a delete counts what is not reclaimed yet":
        "tree.c:    cap_reclaim(UINT32_MAX);\n    cap_delete_at=>    cap_delete_at",
    "who waits for dead slots waits for those of others":
        "space.c:        if (cap_state.taken == 0) cap_state.rounds++;"
        "=>        if (!cap_dead_wait()) cap_state.rounds++;",
    "a space ends with slots that are not reclaimed yet":
        "space.c:    cap_reclaim(UINT32_MAX);\n    struct cap_space=>    struct cap_space",
    "a quota of slots is not heeded": "space.c:slots < record->limit ? slots : record->limit=>slots",
    "a space may have more slots than any": "space.c:    if (limit > cap_space_most()) return STATUS_BAD_ARGUMENT;=>",
    "a dead object is still counted": "object.c:    cap_state.free_objects++;=>",
    "revoke stops at the first child": "tree.c:        at = parent;=>        break;",
    "derived from what is being revoked": "tree.c:is_below_root(parent) ? STATUS_WOULD_BLOCK : derive=>derive",
    "copied from what is being revoked": "tree.c:: is_being_revoked(numbers[i], slot_at(numbers[i]))=>: false",
    "moved from where it is being revoked": "tree.c:moves ? cap_marked(numbers[i])=>moves ? false",
    "nothing of the object is derived from":
        "tree.c:        if (number == 0) return false;=>        if (number == 0) return true;",
    "only the root is not derived from": "tree.c:        if (number == 0) return false;=>        return false;",
    "what is being revoked is deleted":
        "tree.c:        if (!cap_marked(number) || cap_state.revoking == 0) break;=>        break;",
    "a revocation that stopped begins at the wrong place":
        "tree.c:            cap_state.reached = at;=>            cap_state.reached = 0;",
    "the root keeps its mark": "tree.c:    set_mark(root, false);=>",
    "a space ends in the middle of a revocation": "space.c:    cap_settle_all();\n=>",
    "a space that ends stops the engine after each slot": "tree.c:    cap_state.unbroken = true;=>",
    "children of a deleted capability are lost":
        "tree.c:        link_to_parent(child);\n    }\n    return=>    }\n    return",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_bug_is_found(fault):
    done = run_machine(host.build((FAULTS[fault],)), 300, 12, "--first")
    assert done.returncode != 0, f"the machine did not notice: {fault}"
    assert "AssertionError" in done.stderr or "AddressSanitizer" in done.stderr or done.returncode < 0, done.stderr
