"""The reference model: each rule of DESIGN 5 by hand, and properties over random tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.abi import (
    DIRECTORY_ENTRY_BYTES,
    PAGE_BYTES,
    SLOT_BYTES,
    Answer,
    CapType,
    Rights,
    SpaceEntry,
    Verdict,
)
from hw.capability.model import BusError, KernelTables, Memory, Outcome, answer, check, handle, pack, query, unpack


@pytest.fixture
def kernel():
    kernel = KernelTables(Memory())
    kernel.space(2, pages=2)
    kernel.object(4, generation=9)
    kernel.slot(2, 130, object_id=4, generation=9, tag=0xabcd, badge=77, rights=Rights.SEND | Rights.GRANT)
    return kernel


GOOD = handle(130, 0xabcd)


def test_ok(kernel):
    assert kernel.check(2, query(GOOD, CapType.ENDPOINT, Rights.SEND)) == Outcome(Verdict.OK, 4, 77)


@pytest.mark.parametrize(("space", "asked", "verdict"), [
    (16, query(GOOD, CapType.ENDPOINT), Verdict.BAD_HANDLE),
    (1, query(GOOD, CapType.ENDPOINT), Verdict.BAD_HANDLE),
    (2, query(handle(256, 0xabcd), CapType.ENDPOINT), Verdict.BAD_HANDLE),
    (2, query(handle(130, 0xabce), CapType.ENDPOINT), Verdict.BAD_HANDLE),
    (2, query(handle(131, 0), CapType.ENDPOINT), Verdict.BAD_HANDLE),
    (2, query(GOOD, CapType.NONE), Verdict.WRONG_TYPE),
    (2, query(GOOD, CapType.MEMORY, Rights.READ), Verdict.WRONG_TYPE),
    (2, query(GOOD, CapType.ENDPOINT, Rights.SEND | Rights.READ), Verdict.MISSING_RIGHTS),
])
def test_refusals(kernel, space, asked, verdict):
    assert kernel.check(space, asked) == Outcome(verdict)


@pytest.mark.parametrize("change", [{"generation": 8}, {"generation": 9, "live": 0}])
def test_stale_before_type_and_rights(kernel, change):
    kernel.object(4, **change)
    assert kernel.check(2, query(GOOD, CapType.MEMORY, Rights.READ)) == Outcome(Verdict.STALE)


def test_empty_before_stale(kernel):
    kernel.object(4, generation=1)
    address = kernel.slot_address(2, 130) + 16
    kernel.memory.write(address, kernel.memory.read(address) & ~(1 << 31))
    assert kernel.check(2, query(GOOD, CapType.ENDPOINT)) == Outcome(Verdict.EMPTY)


def test_impossible_tables_are_undecided(kernel):
    asked = query(GOOD, CapType.ENDPOINT)
    kernel.slot(2, 130, object_id=256, generation=9, tag=0xabcd)
    assert kernel.check(2, asked) == Outcome(Verdict.UNDECIDED)
    # The tag comes first.
    assert kernel.check(2, query(handle(130, 1), CapType.ENDPOINT)) == Outcome(Verdict.BAD_HANDLE)
    kernel.directory(2, 1, page=16)
    assert kernel.check(2, asked) == Outcome(Verdict.UNDECIDED)
    kernel.directory(2, 1, valid=0)
    assert kernel.check(2, asked) == Outcome(Verdict.BAD_HANDLE)
    kernel.memory.write(kernel.space_address(2), pack(SpaceEntry, valid=1, pages=2, directory=0x1_0000))
    assert kernel.check(2, asked) == Outcome(Verdict.UNDECIDED)


def test_bus_errors_are_undecided(kernel):
    places = [kernel.space_address(2), kernel.directory_address(2, 1), kernel.object_address(4),
              *(kernel.slot_address(2, 130) + 8 * word for word in range(3))]
    for place in places:
        kernel.memory.refused = {place}
        assert kernel.check(2, query(GOOD, CapType.ENDPOINT)) == Outcome(Verdict.UNDECIDED)


def test_layout_of_the_tables(kernel):
    """The builder places things where DESIGN 5 and the ABI say."""
    directory = unpack(SpaceEntry, kernel.memory.read(kernel.space_address(2)))["directory"] * PAGE_BYTES
    assert kernel.directory_address(2, 1) == directory + DIRECTORY_ENTRY_BYTES
    assert kernel.slot_address(2, 130) == kernel.tables.slot_base + PAGE_BYTES + 2 * SLOT_BYTES
    with pytest.raises(LookupError):
        kernel.slot_address(2, 256)


def test_bad_arguments():
    with pytest.raises(ValueError, match="cap_type of Query must fit in 16 bits"):
        query(0, 1 << 16)
    with pytest.raises(ValueError, match="multiple of 8"):
        Memory().write(4, 0)
    with pytest.raises(ValueError, match="Base must be a multiple of 4096"):
        KernelTables(Memory(), base=8)
    memory = Memory()
    memory.refused = {8}
    with pytest.raises(BusError):
        memory.read(8)


def test_answer_shows_values_with_ok_alone():
    assert unpack(Answer, answer(Verdict.OK, 5)) == {"verdict": 0, "reserved": 0, "value": 5}
    assert unpack(Answer, answer(Verdict.STALE, 5))["value"] == 0


def test_no_type_fits_nothing(kernel):
    kernel.slot(2, 130, cap_type=CapType.NONE, object_id=4, generation=9, tag=0xabcd)
    assert kernel.check(2, query(GOOD, CapType.NONE)) == Outcome(Verdict.WRONG_TYPE)


def _mostly(value, width):
    """That value, or any other one of the width."""
    return st.one_of(st.just(value), st.just(value), st.just(value), st.integers(0, (1 << width) - 1))


@given(st.data())
def test_ok_needs_everything(data):
    """Whatever a slot, its object and the query hold: OK exactly when every condition holds, asked one by one."""
    asked = {"cap_type": data.draw(st.integers(0, 3)), "rights": data.draw(st.integers(0, 7)),
             "index": data.draw(st.integers(0, 127)), "tag": data.draw(st.integers(0, 2))}
    slot = {"cap_type": data.draw(_mostly(asked["cap_type"], 16)), "tag": data.draw(_mostly(asked["tag"], 16)),
            "rights": data.draw(st.integers(0, 7)), "object_id": data.draw(st.integers(0, 9)),
            "generation": data.draw(st.integers(0, 0xffff)), "badge": data.draw(st.integers(0, (1 << 32) - 1)),
            "valid": data.draw(_mostly(1, 1)), "parent": data.draw(st.integers(0, (1 << 31) - 1))}
    entry = {"generation": data.draw(_mostly(slot["generation"], 16)), "live": data.draw(_mostly(1, 1))}
    kernel = KernelTables(Memory(), spaces=1, pages=1, objects=8)
    kernel.space(0, pages=1)
    kernel.slot(0, asked["index"], **slot)
    if slot["object_id"] < 8:
        kernel.object(slot["object_id"], **entry)
    found = check(kernel.memory, kernel.tables, 0,
                  query(handle(asked["index"], asked["tag"]), asked["cap_type"], asked["rights"]))
    fine = (asked["tag"] != 0 and slot["tag"] == asked["tag"] and slot["valid"] and slot["object_id"] < 8
            and entry["live"] and entry["generation"] == slot["generation"] and asked["cap_type"] != 0
            and slot["cap_type"] == asked["cap_type"] and asked["rights"] & ~slot["rights"] == 0)
    assert (found.verdict == Verdict.OK) == bool(fine)
    assert found == (Outcome(Verdict.OK, slot["object_id"], slot["badge"]) if fine else Outcome(found.verdict))
