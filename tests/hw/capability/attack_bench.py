"""Attacks on the capability unit, each on both interfaces: instructions and register window (table in attacks.py)."""

from dataclasses import replace

import cocotb

from hw.abi import (
    OBJECT_ENTRY_BYTES,
    PAGE_BYTES,
    SLOT_BYTES,
    CapType,
    DirectoryEntry,
    Query,
    RevokeState,
    Rights,
    Slot,
    Verdict,
)
from hw.capability import model
from hw.capability.window import WindowCommand
from hw.core.port import Privilege
from tests.hw.capability.driver import Bench, op
from tests.hw.capability.revoke_bench import planted

SEND = Rights.SEND


async def both(bench, space, query, *, also=None):
    """The verdict by instructions and by the window; they and the model (or `also`) must be of one mind."""
    expected = bench.kernel.check(space, query) if also is None else also
    for ask in (bench.ask_port, bench.ask_window):
        outcome = await ask(space, query)
        assert outcome == expected, (ask.__name__, space, hex(query), outcome, expected)
    return expected


async def forget(bench):
    await bench.command(WindowCommand.INVALIDATE_ALL)


def flip(bench, address, bit):
    """Flip one bit of what lies at an address."""
    word = address + bit // 64 * 8
    bench.memory.write(word, bench.memory.read(word) ^ 1 << bit % 64)


#: Fields of a slot of which each bit counts for a question that it would answer with OK.
DECISIVE = {"cap_type", "object_id", "generation", "tag", "valid"}


@cocotb.test()
async def every_flipped_bit_of_a_slot(dut):
    """Any one of its 256 bits: refused if the bit is of what the question needs, and OK if it is not."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    query, address = model.query(handles["good"], CapType.ENDPOINT, SEND), bench.kernel.slot_address(3, 0)
    for name, field in Slot.as_shape():
        for bit in range(field.width):
            needed = name in DECISIVE or (name == "rights" and SEND.value >> bit & 1)
            flip(bench, address, field.offset + bit)
            await forget(bench)
            outcome = await both(bench, 3, query)
            assert (outcome.verdict == Verdict.OK) != bool(needed), (name, bit, outcome)
            flip(bench, address, field.offset + bit)
    await forget(bench)
    assert (await both(bench, 3, query)).verdict == Verdict.OK


@cocotb.test()
async def every_flipped_bit_of_an_object_entry(dut):
    """Any one of its 128 bits: the generation's and the bit `live` count, nothing else does."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    query, address = model.query(handles["good"], CapType.ENDPOINT, SEND), bench.kernel.object_address(7)
    refused = 0
    for bit in range(8 * OBJECT_ENTRY_BYTES):
        flip(bench, address, bit)
        await forget(bench)
        refused += (await both(bench, 3, query)).verdict == Verdict.STALE
        flip(bench, address, bit)
    assert refused == 17


@cocotb.test()
async def every_flipped_bit_of_a_question(dut):
    """Any one bit of handle, type and rights, and of the space: none is OK but without the right; cached and not."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    query = model.query(handles["good"], CapType.ENDPOINT, SEND)
    right = Query.as_shape()["rights"].offset + SEND.value.bit_length() - 1
    # Rights that the capability has besides are no attack.
    had = {Query.as_shape()["rights"].offset + Rights.GRANT.value.bit_length() - 1, right}
    for bit in range(64):
        await forget(bench)
        for _ in range(2):
            # The second time the slot is remembered.
            outcome = await both(bench, 3, query ^ 1 << bit)
            assert (outcome.verdict == Verdict.OK) == (bit in had), (bit, outcome)
            await bench.one("cap.install", handles["good"], 3)
        await both(bench, 3 ^ 1 << bit, query, also=model.Outcome(Verdict.BAD_HANDLE))


@cocotb.test()
async def small_integers(dut):
    """What a program that has no handle tries first: no tag is zero, so none of them names anything."""
    bench = Bench(dut)
    bench.simple()
    await bench.start()
    tries = [*range(130), *(1 << bit for bit in range(9, 32)), 0xffff, 0xffff_ffff]
    ops = await bench.run([op("cap.badge", model.query(number, cap_type), 3) for number in tries
                           for cap_type in (CapType.ENDPOINT, CapType.NONE)], limit=100_000)
    assert {each.data for each in ops} == {model.answer(Verdict.BAD_HANDLE)}
    for number in tries[::4]:
        assert (await bench.ask_window(3, model.query(number, CapType.ENDPOINT))).verdict == Verdict.BAD_HANDLE


@cocotb.test()
async def recycled_places_and_objects(dut):
    """A handle kept from before: the place is empty, then another's; the object is dead, then another one."""
    bench = Bench(dut)
    kernel = bench.kernel
    kernel.space(3)
    kernel.object(7, generation=5)
    kernel.object(8, generation=1)
    await bench.start()
    for by in (bench.ask_port, bench.ask_window):
        kernel.object(7, generation=5)
        kernel.slot(3, 0, object_id=7, generation=5, tag=0xffff, badge=1, rights=SEND)
        kernel.slot(3, 1, object_id=7, generation=5, tag=9, badge=2, rights=SEND)
        await forget(bench)
        first, second = (model.query(model.handle(index, tag), CapType.ENDPOINT, SEND)
                         for index, tag in ((0, 0xffff), (1, 9)))
        for query in (first, second):
            assert (await by(3, query)).verdict == Verdict.OK
        # The place is emptied: its tag goes on to 1. Then another object's capability comes into it.
        kernel.slot(3, 0, object_id=7, generation=5, tag=1, valid=0)
        await bench.one("cap.inv.slot", model.handle(0, 0), 3)
        assert (await both(bench, 3, first)).verdict == Verdict.BAD_HANDLE
        kernel.slot(3, 0, object_id=8, tag=1, badge=3, rights=SEND)
        assert (await both(bench, 3, first)).verdict == Verdict.BAD_HANDLE
        assert await both(bench, 3, first & ~(0xffff << 16) | 1 << 16) == model.Outcome(Verdict.OK, 8, 3)
        # The object dies and its id is used again: the old token is nobody's.
        for generation, live in ((6, 0), (6, 1)):
            kernel.object(7, generation=generation, live=live)
            await bench.command(WindowCommand.INVALIDATE_OBJECT, 7)
            assert (await both(bench, 3, second)).verdict == Verdict.STALE
        kernel.slot(3, 2, object_id=7, generation=6, tag=9, badge=4, rights=SEND)
        assert (await both(bench, 3, model.query(model.handle(2, 9), CapType.ENDPOINT, SEND))).verdict == Verdict.OK
        assert (await both(bench, 3, second)).verdict == Verdict.STALE


@cocotb.test()
async def generations_that_would_wrap(dut):
    """The last life of an id: afterwards it is retired, and no token of any generation is its own."""
    bench = Bench(dut)
    kernel = bench.kernel
    kernel.space(3)
    generations = (0xffff, 0xfffe, 0, 1, 0x7fff, 0x8000)
    for index, generation in enumerate(generations):
        kernel.slot(3, index, object_id=7, generation=generation, tag=5, rights=SEND)
    queries = [model.query(model.handle(index, 5), CapType.ENDPOINT, SEND) for index in range(len(generations))]
    kernel.object(7, generation=0xffff)
    await bench.start()
    for query, generation in zip(queries, generations, strict=True):
        expected = Verdict.OK if generation == 0xffff else Verdict.STALE
        assert (await both(bench, 3, query)).verdict == expected
    # Retired: whatever its generation says, the object is not there.
    for generation in generations:
        kernel.object(7, generation=generation, live=0)
        await bench.one("cap.inv.object", 7)
        for query in queries:
            assert (await both(bench, 3, query)).verdict == Verdict.STALE


@cocotb.test()
async def chains_of_derivations_give_no_right_back(dut):
    """Down a chain in which each has fewer rights than its parent: each right of each, cached in any order."""
    bench = Bench(dut, spaces=4)
    kernel, pick = bench.kernel, bench.random
    kernel.object(7)
    held = []
    for space in (1, 2, 3):
        kernel.space(space)
        rights = 0xffff
        for index in range(6):
            kernel.slot(space, index, object_id=7, tag=index + 1, badge=index, rights=rights)
            held.append((space, model.handle(index, index + 1), rights))
            rights &= pick.getrandbits(16) | pick.getrandbits(16)
    await bench.start()
    questions = [(*each, 1 << bit) for each in held for bit in range(16)]
    pick.shuffle(questions)
    for space, handle, rights, right in questions:
        outcome = await both(bench, space, model.query(handle, CapType.ENDPOINT, right))
        assert outcome.verdict == (Verdict.OK if rights & right else Verdict.MISSING_RIGHTS)


async def after(bench, cycles, coroutine):
    """The same, some cycles later."""
    await bench.cycles(cycles)
    return await coroutine


@cocotb.test()
async def revoked_by_an_instruction_while_the_window_asks(dut):
    """Two masters: a check through the window begins at each moment around a run that an instruction starts."""
    bench, forest, root = await planted(dut)
    seen = {}
    for cached in (False, True):
        for delay in range(0, 56, 2 if cached else 1):
            victim = forest.grow(root, 2)[1]
            space, query = forest.query(victim)
            await forget(bench)
            if cached:
                assert (await bench.ask_port(space, query)).verdict == Verdict.OK
            asking = cocotb.start_soon(after(bench, delay, bench.ask_window(space, query)))
            await bench.cycles(16)
            await bench.begin(root)
            while (await bench.one("cap.revoke", 0, 0)).data & 0xff == RevokeState.RUNNING.value:
                pass
            # By instructions at once; then what the window was asked before; then the window again.
            assert (await bench.ask_port(space, query)).verdict == Verdict.BAD_HANDLE, (cached, delay)
            answered = await asking
            assert answered.verdict in (Verdict.OK, Verdict.EMPTY, Verdict.BAD_HANDLE), answered
            seen[answered.verdict] = seen.get(answered.verdict, 0) + 1
            assert (await bench.ask_window(space, query)).verdict == Verdict.BAD_HANDLE, (cached, delay)
            forest.collect(await bench.read("dead"))
            await bench.write("dead", 0)
    assert seen[Verdict.OK] > 5 and seen[Verdict.BAD_HANDLE] > 5, seen


@cocotb.test()
async def handles_of_other_spaces(dut):
    """A handle is good in its own space alone, with the same index and tag elsewhere or not, cached or not."""
    bench = Bench(dut, spaces=5)
    kernel = bench.kernel
    for object_id in range(1, 5):
        kernel.object(object_id)
    for space in (1, 2, 3):
        kernel.space(space)
        # Index 0 differs by tag, index 1 is the same in all but for what it names; index 2 is in space 1 alone.
        kernel.slot(space, 0, object_id=space, tag=space, badge=space, rights=SEND)
        kernel.slot(space, 1, object_id=space, tag=7, badge=space, rights=SEND)
    kernel.slot(1, 2, object_id=4, tag=7, badge=9, rights=SEND)
    await bench.start()
    for _ in range(2):
        for index, tag in ((0, 1), (0, 2), (0, 3), (1, 7), (2, 7)):
            query = model.query(model.handle(index, tag), CapType.ENDPOINT, SEND)
            for space in (1, 2, 3, 0, 4, 5, 1 << 31):
                outcome = await both(bench, space, query)
                own = index == 1 and space in (1, 2, 3) or index == 0 and space == tag or (index, space) == (2, 1)
                assert (outcome.verdict == Verdict.OK) == own
                assert outcome.object_id == (0 if not own else 4 if index == 2 else space)
            for high in (1 << 32, 1 << 63):
                await both(bench, 1 | high, query, also=model.Outcome(Verdict.BAD_HANDLE))
    # A user's check looks in the selected space, whatever it puts into rs2.
    await bench.one("cap.space", 2)
    only = model.query(model.handle(2, 7), CapType.ENDPOINT, SEND)
    for operand in (1, 1 | 1 << 32, 0):
        checked = await bench.one("cap.check", only, operand, privilege=Privilege.USER)
        assert checked.data == model.answer(Verdict.BAD_HANDLE)


@cocotb.test()
async def garbage_for_tables(dut):
    """Random words where tables should be, tables that lie over each other: the model's verdict, no read outside."""
    bench = Bench(dut, spaces=4, pages=4, objects=16)
    kernel, pick, tables = bench.kernel, bench.random, bench.kernel.tables
    kernel.space(3, pages=2)
    await bench.start()
    seen = set()
    pages = [tables.slot_base // PAGE_BYTES, tables.object_base // PAGE_BYTES, tables.space_base // PAGE_BYTES]
    for _ in range(120):
        slot = tables.slot_base
        for word in range(4):
            bench.memory.write(slot + 8 * word, pick.getrandbits(64))
        if pick.random() < 0.7:
            # So that many a walk comes to its end.
            flip(bench, slot, Slot.as_shape()["valid"].offset) if not bench.memory.read(slot + 16) >> 31 & 1 else None
            word = bench.memory.read(slot)
            bench.memory.write(slot, word & ~(0xffff_ffff << 16) | pick.randrange(18) << 16)
        for number in range(16):
            bench.memory.write(kernel.object_address(number), pick.getrandbits(64))
        space, index = 3, 0
        if pick.random() < 0.3:
            # The directory is a table of another kind.
            bench.memory.write(kernel.space_address(2), pick.choice(pages) << 12 | 0x3ff << 1 | 1)
            space, index = 2, pick.getrandbits(16)
        if pick.random() < 0.2:
            kernel.directory(3, 0, page=pick.getrandbits(24))
        tag = bench.memory.read(slot + 8) >> 16 & 0xffff
        rights = bench.memory.read(slot) >> 48
        query = model.query(model.handle(index, tag), bench.memory.read(slot) & 0xffff, rights)
        await forget(bench)
        seen.add((await both(bench, space, query)).verdict)
        kernel.directory(3, 0, page=0)
    assert len(seen) >= 4, seen
    assert all(kernel.tables.readable(address) for address in bench.bus.reads)


@cocotb.test()
async def misaligned_tables(dut):
    """Bases that are no multiple of an entry lose their low bits; page and slot numbers have none."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    query = model.query(handles["good"], CapType.ENDPOINT, SEND)
    for name, entry in (("space_base", 8), ("slot_base", SLOT_BYTES), ("object_base", OBJECT_ENTRY_BYTES)):
        base = getattr(bench.kernel.tables, name)
        for low in {1, entry // 2, entry - 1}:
            await bench.write(name, base + low)
            await bench.idle()
            assert await bench.read(name) == base
            assert (await both(bench, 3, query)).verdict == Verdict.OK
        # Aligned and wrong: what lies there is what counts.
        await bench.write(name, base + entry)
        await bench.idle()
        moved = replace(bench.kernel.tables, **{name: base + entry})
        expected = model.check(bench.memory, moved, 3, query)
        assert (await both(bench, 3, query, also=expected)).verdict != Verdict.OK
        await bench.write(name, base)
        await bench.idle()
    assert not [address for address in bench.bus.reads if address % 8]
    assert DirectoryEntry.as_shape().size == 64


@cocotb.test()
async def a_stuck_bus_at_every_step(dut):
    """Each read of a walk stays without an answer once, for each interface: refused in time, and all is well later."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    query, slot = model.query(handles["good"], CapType.ENDPOINT, SEND), bench.kernel.slot_address(3, 0)
    steps = [bench.kernel.space_address(3), bench.kernel.directory_address(3, 0), slot + 16, slot, slot + 8,
             bench.kernel.object_address(7)]
    for ask in (bench.ask_port, bench.ask_window):
        for address in steps:
            await forget(bench)
            bench.bus.silent = {address}
            start = bench.cycle
            assert await ask(3, query) == model.Outcome(Verdict.UNDECIDED), hex(address)
            assert bench.cycle - start < 260
            # The bus is still taken: the next one is refused at once, by either interface.
            await both(bench, 3, query, also=model.Outcome(Verdict.UNDECIDED))
            bench.bus.silent = set()
            await bench.cycles(4)
            assert await both(bench, 3, query) == model.Outcome(Verdict.OK, 7, 0xb0)


@cocotb.test()
async def slots_that_change_while_they_are_read(dut):
    """Another capability comes into the place, word by word as a kernel writes it, from each read of a walk on: nobody
    gets one's rights with the other's type."""
    bench = Bench(dut)
    kernel = bench.kernel
    kernel.space(3)
    kernel.object(1)
    kernel.object(2)
    old = dict(cap_type=CapType.ENDPOINT, object_id=1, tag=5, badge=0xa, rights=SEND | Rights.READ)
    new = dict(cap_type=CapType.MEMORY, object_id=2, tag=5, badge=0xb, rights=SEND, parent=9)
    query = model.query(model.handle(0, 5), CapType.MEMORY, Rights.READ)
    await bench.start()
    slot = kernel.slot_address(3, 0)
    kernel.slot(3, 0, **new)
    words = [bench.memory.read(slot + 8 * word) for word in range(3)]
    for ask in (bench.ask_port, bench.ask_window):
        for first in range(8):
            kernel.slot(3, 0, **old)
            await forget(bench)
            steps = [(16, bench.memory.read(slot + 16) & ~(1 << 31)), (0, words[0]), (8, words[1]), (16, words[2])]
            reads = len(bench.bus.reads)

            def write(address, steps=steps, start=reads + first):
                if steps and len(bench.bus.reads) > start:
                    offset, value = steps.pop(0)
                    bench.memory.write(slot + offset, value)
            bench.bus.on_read = write
            outcome = await ask(3, query)
            bench.bus.on_read = None
            # READ is the old one's, the type the new one's.
            assert outcome.verdict in (Verdict.WRONG_TYPE, Verdict.EMPTY, Verdict.MISSING_RIGHTS), (first, outcome)
