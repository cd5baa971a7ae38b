"""The reference model of revocation: rules of DESIGN 5 over random trees, and over trees that are none."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.abi import RevokeState, Verdict
from hw.capability.model import KernelTables, Memory, Outcome
from hw.capability.revoke_model import following_tag, revoke, slot_place
from tests.hw.capability.trees import Forest, copy_of, old_tag, visible


def planted(seed, *, count=12, others=6):
    """A forest, and in it a root with a parent, a sibling and `count` descendants."""
    forest = Forest(KernelTables(Memory(), spaces=4, pages=8, objects=4), random.Random(seed))
    forest.kernel.object(1)
    parent = forest.add()
    forest.grow(parent, others)
    root = forest.add(parent)
    forest.add(parent)
    forest.grow(root, count)
    return forest, root


@pytest.mark.parametrize("tag", [1, 2, 0xfffe, 0xffff])
def test_tags_change_and_are_never_zero(tag):
    assert following_tag(tag) not in (0, tag) and old_tag(following_tag(tag)) == tag


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 30), st.integers(0, 30))
def test_all_descendants_and_no_one_else(seed, count):
    forest, root = planted(seed, count=count)
    below = forest.below(root)
    before = visible(forest.memory, forest.tables)
    asked = {number: forest.query(number) for number in forest.places}
    outcome = revoke(forest.memory, forest.tables, root)
    assert (outcome.state, outcome.revoked) == (RevokeState.DONE, count)
    assert sorted(forest.dead_list(outcome.dead)) == sorted(below)
    after = visible(forest.memory, forest.tables)
    for number in forest.places:
        if number in below:
            assert after[number]["tag"] == following_tag(before[number]["tag"])
            # The kernel still finds whose it was.
            assert all(after[number][name] == before[number][name]
                       for name in ("cap_type", "object_id", "rights", "generation", "badge"))
        else:
            changed = {"first_child": 0} if number == root else {}
            assert after[number] == before[number] | changed
        expected = Outcome(Verdict.BAD_HANDLE) if number in below else Outcome(Verdict.OK, 1, number)
        assert forest.kernel.check(*asked[number]) == expected
    assert forest.check_whole(root) == []


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 30), st.integers(0, 20), st.integers(1, 5))
def test_steps_come_to_the_same(seed, count, step):
    """Between steps the tree is whole, and the last step leaves what one run does."""
    forest, root = planted(seed, count=count)
    whole = copy_of(forest.memory)
    expected = revoke(whole, forest.tables, root)
    outcome, total = revoke(forest.memory, forest.tables, root, limit=step), 0
    while outcome.state == RevokeState.STOPPED:
        assert outcome.revoked == step
        total += step
        assert len(forest.check_whole(root)) == count - total
        outcome = revoke(forest.memory, forest.tables, root, limit=step, dead=outcome.dead)
    assert (outcome.state, outcome.dead) == (RevokeState.DONE, expected.dead)
    assert total + outcome.revoked == count
    assert visible(forest.memory, forest.tables) == visible(whole, forest.tables)


def test_limit_zero_kills_none_but_marks():
    forest, root = planted(3)
    outcome = revoke(forest.memory, forest.tables, root, limit=0)
    assert (outcome.state, outcome.revoked) == (RevokeState.STOPPED, 0)
    assert forest.read(root)["mark"] == 1


def test_nothing_below():
    forest, root = planted(3, count=0)
    before = dict(forest.memory.words)
    assert revoke(forest.memory, forest.tables, root).state == RevokeState.DONE
    assert forest.memory.words == before


@pytest.mark.parametrize("number", [1 << 20, (1 << 31) - 1, 5])
def test_bad_roots(number):
    forest, _ = planted(3)
    before = dict(forest.memory.words)
    assert revoke(forest.memory, forest.tables, number).state == RevokeState.BAD_ROOT
    assert forest.memory.words == before


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 1 << 30), st.data())
def test_any_links_have_an_end(seed, data):
    """Whatever the links say, a run ends, with a state that says so when it is not DONE."""
    forest, root = planted(seed)
    numbers = sorted(forest.places)
    for _ in range(data.draw(st.integers(1, 6))):
        target = data.draw(st.sampled_from([*numbers, 0, forest.tables.slot_count, (1 << 31) - 1]))
        name = data.draw(st.sampled_from(["parent", "first_child", "next", "previous", "valid"]))
        forest.write(data.draw(st.sampled_from(numbers)), **{name: target & 1 if name == "valid" else target})
    alive = {number for number in numbers if forest.read(number)["valid"]}
    outcome = revoke(forest.memory, forest.tables, root)
    assert outcome.state in (RevokeState.DONE, RevokeState.BAD_TREE, RevokeState.OUTSIDE, RevokeState.BAD_ROOT)
    dead = forest.dead_list(outcome.dead)
    assert len(dead) == outcome.revoked and root not in dead and alive >= set(dead)
    assert {number for number in numbers if forest.read(number)["valid"]} == alive - set(dead)
    if outcome.state == RevokeState.DONE:
        assert forest.check_whole(root) == []


def test_bus_error_ends_it():
    forest, root = planted(3)
    victim = forest.below(root)[4]
    forest.memory.refused = {slot_place(forest.tables, victim)}
    assert revoke(forest.memory, forest.tables, root).state == RevokeState.BUS_ERROR
