"""Bench: numbers that no line of the lookaside buffer has room for are walked for each time, and answered right."""

from dataclasses import replace

import cocotb

from hw.abi import Rights, Verdict
from hw.capability import model
from tests.hw.capability.driver import Bench

SEND = Rights.SEND
#: Numbers whose low bits are those of NARROW: of a space, an object, a type.
NARROW = {"space": 2, "object_id": 7, "cap_type": 3}
WIDE = {"space": [2 | 1 << 16, 2 | 1 << 17], "object_id": [7 | 1 << 16, 7 | 1 << 17],
        "cap_type": [3 | 1 << 8, 3 | 1 << 15]}
TAG = 0x1234


async def set_up(dut):
    """A bench whose tables reach far enough, with one slot in the narrow space; only what is asked for is in memory."""
    bench = Bench(dut)
    kernel = bench.kernel
    kernel.tables = replace(kernel.tables, space_count=1 << 18, object_count=1 << 18)
    kernel.space(NARROW["space"])
    kernel.object(NARROW["object_id"])
    await bench.start()
    return bench


def put(bench, *, space=NARROW["space"], index=1, **fields):
    """A slot of these fields; returns a question about it that is answered OK."""
    fields = {**{name: NARROW[name] for name in ("object_id", "cap_type")}, **fields}
    bench.kernel.slot(space, index, rights=SEND, tag=TAG, badge=space << 8 | index, **fields)
    return model.query(model.handle(index, TAG), fields["cap_type"], SEND)


async def ask(bench, query, space):
    """Whether the answer is the model's, for badge and object; and whether tables were read."""
    reads = len(bench.bus.reads)
    expected = bench.kernel.check(space, query)
    for name, value in (("cap.badge", expected.badge), ("cap.object", expected.object_id)):
        answered = await bench.one(name, query, space)
        assert answered.data == model.answer(expected.verdict, value), (name, space, query)
    return expected.verdict, len(bench.bus.reads) - reads


@cocotb.test()
async def what_no_line_has_room_for_is_walked_for(dut):
    """By space, object and type: each time, while what is narrow is kept."""
    bench = await set_up(dut)
    query = put(bench)
    assert (await ask(bench, query, NARROW["space"]))[0] == Verdict.OK
    assert await ask(bench, query, NARROW["space"]) == (Verdict.OK, 0), "a narrow one is kept"
    for name, values in WIDE.items():
        for index, value in enumerate(values, start=2):
            space = value if name == "space" else NARROW["space"]
            if name == "space":
                bench.kernel.space(space)
            if name == "object_id":
                bench.kernel.object(value)
            query = put(bench, index=index, **{name: value})
            first, second = [await ask(bench, query, space) for _ in range(2)]
            assert first == second and first[0] == Verdict.OK and first[1] > 0, (name, value)


@cocotb.test()
async def nothing_answers_for_its_low_bits(dut):
    """A slot of a space that differs in high bits alone, asked for before and after the narrow one is kept."""
    bench = await set_up(dut)
    for space in WIDE["space"]:
        bench.kernel.space(space)
    for index, kept in enumerate([NARROW["space"], *WIDE["space"]]):
        query = put(bench, space=kept, index=index)
        for space in [kept, kept, NARROW["space"], *WIDE["space"]]:
            verdict, _ = await ask(bench, query, space)
            assert (verdict == Verdict.OK) == (space == kept), (kept, space)


@cocotb.test()
async def invalidates_of_wide_numbers_leave_the_narrow_ones(dut):
    """An invalidate of a space or an object that no line can be of forgets nothing."""
    bench = await set_up(dut)
    query = put(bench)
    await ask(bench, query, NARROW["space"])
    for space in WIDE["space"]:
        await bench.one("cap.inv.space", 0, space)
        await bench.one("cap.inv.slot", model.handle(1, TAG), space)
    for object_id in WIDE["object_id"]:
        await bench.one("cap.inv.object", object_id, 0)
    assert await ask(bench, query, NARROW["space"]) == (Verdict.OK, 0)
