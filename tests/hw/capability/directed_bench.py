"""Directed cocotb tests of the capability unit."""

from dataclasses import replace

import cocotb

from hw.abi import CUSTOM_0, INSTRUCTIONS, CapType, Rights, SpaceEntry, Verdict
from hw.capability import model
from hw.capability.check import CheckRequest
from hw.capability.window import UNIT_VERSION, WindowCommand
from hw.core.port import Privilege
from tests.hw.capability.driver import CONFIG, Bench, Op, op

COUNTERS = ("hits", "misses", "refused_bad_handle", "refused_empty", "refused_stale", "refused_wrong_type",
            "refused_missing_rights", "refused_undecided", "invalidations", "restarts")
#: `revocation`, `revoked_at`, `dead` and `revoked`: holes where there is no revocation engine.
REVOCATION_OFFSETS = (0x80, 0x88, 0x90, 0x150)


@cocotb.test()
async def every_verdict_on_every_interface(dut):
    """Port, window and check port agree with the model, when missing and when hitting."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    endpoint, send, receive = CapType.ENDPOINT, Rights.SEND, Rights.RECEIVE
    cases = [
        (handles["good"], endpoint, send, Verdict.OK), (handles["good"], endpoint, Rights(0), Verdict.OK),
        (handles["good"], endpoint, send | receive, Verdict.MISSING_RIGHTS),
        (handles["good"], CapType.MEMORY, receive, Verdict.WRONG_TYPE),
        (handles["good"], CapType.NONE, Rights(0), Verdict.WRONG_TYPE),
        (handles["wrong_tag"], endpoint, send, Verdict.BAD_HANDLE),
        (handles["outside"], endpoint, send, Verdict.BAD_HANDLE),
        (handles["zero"], endpoint, send, Verdict.BAD_HANDLE),
        (handles["empty"], endpoint, send, Verdict.EMPTY), (handles["stale"], endpoint, send, Verdict.STALE),
        (handles["dead"], endpoint, send, Verdict.STALE), (handles["second_page"], endpoint, send, Verdict.OK),
        (handles["typeless"], CapType.NONE, Rights(0), Verdict.WRONG_TYPE),
    ]
    for _ in range(2):
        for handle, cap_type, rights, verdict in cases:
            query = model.query(handle, cap_type, rights)
            expected = bench.kernel.check(3, query)
            assert expected.verdict == verdict
            for ask in (bench.ask_port, bench.ask_window, bench.ask_check):
                outcome = await ask(3, query)
                assert outcome == expected, (ask.__name__, hex(handle), cap_type, rights, outcome, expected)


@cocotb.test()
async def hit_latency_and_throughput(dut):
    """A hit is offered in the cycle after its issue, and one check a cycle goes through."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    await bench.one("cap.space", 3)
    query = model.query(handles["good"], CapType.ENDPOINT, Rights.SEND)
    miss = await bench.one("cap.check", query)
    dut._log.info("miss: %d cycles from issue to offer, memory of one wait state", miss.offered - miss.issued)
    assert miss.data == model.answer(Verdict.OK, 0xb0)
    assert miss.offered - miss.issued <= 24
    await bench.cycles(3)  # the fill takes the buffer for two cycles
    ops = await bench.run([op("cap.check", query, privilege=Privilege.USER) for _ in range(20)])
    assert [each.offered - each.issued for each in ops] == [1] * 20
    assert [each.issued - ops[0].issued for each in ops] == list(range(20))
    assert {each.data for each in ops} == {model.answer(Verdict.OK, 0xb0)}


@cocotb.test()
async def only_user_instructions_in_user_mode(dut):
    """Every encoding at every privilege: accepted exactly as the instruction table says."""
    bench = Bench(dut)
    bench.simple()
    await bench.start()
    ours = {(each.funct7, each.funct3): each for each in INSTRUCTIONS
            if each.funct7 in (0, 1) and (CONFIG.revocation or each.name != "cap.revoke")}
    ops = []
    for privilege in Privilege:
        for funct7 in range(128):
            for funct3 in range(8):
                ops.append(Op(funct7 << 25 | 12 << 20 | 11 << 15 | funct3 << 12 | 10 << 7 | CUSTOM_0,
                              privilege=privilege))
        ops.append(Op(0x0000_0033, privilege=privilege))  # add: not custom-0
        ops.append(Op(0x0000_002b, privilege=privilege))  # custom-1
    await bench.run(ops)
    for each in ops:
        known = ours.get((each.insn >> 25, each.insn >> 12 & 7)) if each.insn & 0x7f == CUSTOM_0 else None
        expected = known is not None and (known.user or each.privilege != Privilege.USER)
        assert each.accepted == expected, hex(each.insn)
        assert each.fence == (expected and known.name.startswith(("cap.inv", "cap.revoke"))), hex(each.insn)


@cocotb.test()
async def user_check_uses_the_selected_space_and_shows_no_object(dut):
    """cap.space returns the previous space; cap.check returns the badge alone."""
    bench = Bench(dut)
    handles = bench.simple()
    bench.kernel.space(4)
    await bench.start()
    query = model.query(handles["good"], CapType.ENDPOINT)
    assert (await bench.one("cap.space", 3)).data == 0
    checked = await bench.one("cap.check", query, 0xdead_beef, privilege=Privilege.USER)
    assert checked.data == model.answer(Verdict.OK, 0xb0)
    # Back to back: the check behind a selection already sees it.
    select, checked, back = await bench.run([op("cap.space", 4), op("cap.check", query), op("cap.space", 3)])
    assert (select.data, back.data) == (3, 4)
    assert checked.data == model.answer(Verdict.BAD_HANDLE)
    assert await bench.read("selected") == 3
    # Numbers beyond 32 bits name no space instead of wrapping to one.
    assert (await bench.one("cap.badge", query, 3 + (1 << 32))).data == model.answer(Verdict.BAD_HANDLE)
    await bench.one("cap.space", 3 + (1 << 40))
    assert (await bench.one("cap.check", query)).data == model.answer(Verdict.BAD_HANDLE)
    assert await bench.command(WindowCommand.SELECT, 3) == (1 << 32) - 1
    assert (await bench.one("cap.check", query)).data == model.answer(Verdict.OK, 0xb0)


@cocotb.test()
async def killed_instructions_never_happened(dut):
    """Nothing changes and nothing is read for an instruction that the core takes back, however late it does."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    query = model.query(handles["good"], CapType.ENDPOINT)
    await bench.one("cap.space", 3)
    await bench.one("cap.check", query)
    await bench.cycles(4)
    reads = len(bench.bus.reads)
    for delay in (1, 2, 3, 5, 8):
        for name, rs1, rs2 in (("cap.space", 9, 0), ("cap.inv.slot", handles["good"], 3), ("cap.inv.space", 0, 3),
                               ("cap.inv.object", 7, 0), ("cap.install", handles["second_page"], 3),
                               ("cap.badge", model.query(handles["second_page"], CapType.ENDPOINT), 3),
                               ("cap.check", query, 0)):
            killed = op(name, rs1, rs2, kill=True, commit_after=delay)
            hit = op("cap.check", query)
            await bench.run([killed, hit])
            assert killed.taken is None or name == "cap.check", name
            assert hit.data == model.answer(Verdict.OK, 0xb0)
            assert await bench.read("selected") == 3
    assert len(bench.bus.reads) == reads, "a killed instruction made the unit read memory or forget a line"
    assert await bench.read("invalidations") == bench.flushes


@cocotb.test()
async def kills_in_a_stream(dut):
    """Streams of checks with kills in all places keep results in order; results may be taken before the commit."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    await bench.one("cap.space", 3)
    queries = [model.query(handles[name], CapType.ENDPOINT) for name in ("good", "second_page", "wrong_tag", "stale")]
    for _ in range(60):
        if bench.random.random() < 0.2:
            await bench.one("cap.inv.space", 0, 3)
        late = bench.random.choice([1, 1, 3, 6])
        ops = [op("cap.check", bench.random.choice(queries), kill=bench.random.random() < 0.3,
                  commit_after=bench.random.randint(1, late), take_after=bench.random.choice([0, 0, 0, 2, 7]),
                  gap=bench.random.choice([0, 0, 1, 3])) for _ in range(bench.random.randint(1, 12))]
        await bench.run(ops)
        for each in ops:
            assert each.kill or each.data is not None
            if each.data is not None:
                assert each.data == model.answer(*bench.badge_of(3, each.rs1))


@cocotb.test()
async def invalidates_forget_what_they_name_and_no_more(dut):
    """By slot, space, object and all: what is named is read again, what is not is still there."""
    bench = Bench(dut)
    kernel = bench.kernel
    for space in (1, 2):
        kernel.space(space)
        for index, object_id in ((0, 10), (1, 11), (2, 12)):
            kernel.slot(space, index, object_id=object_id, tag=5, badge=space << 8 | index)
    for object_id in (10, 11, 12):
        kernel.object(object_id)
    await bench.start()
    places = [(space, index) for space in (1, 2) for index in range(3)]
    cases = [("cap.inv.slot", model.handle(1, 0x7777), 2, {(2, 1)}),
             ("cap.inv.space", 0, 1, {(1, 0), (1, 1), (1, 2)}),
             ("cap.inv.object", 12, 0, {(1, 2), (2, 2)}),
             ("cap.inv.object", 99, 0, set()), ("cap.inv.space", 0, 9, set()),
             ("cap.inv.slot", model.handle(9, 5), 2, set())]
    commands = {"cap.inv.slot": WindowCommand.INVALIDATE_SLOT, "cap.inv.space": WindowCommand.INVALIDATE_SPACE,
                "cap.inv.object": WindowCommand.INVALIDATE_OBJECT}

    async def walked():
        found = set()
        for space, index in places:
            reads = len(bench.bus.reads)
            checked = await bench.one("cap.badge", model.query(model.handle(index, 5), CapType.ENDPOINT), space)
            assert checked.data == model.answer(Verdict.OK, space << 8 | index)
            await bench.cycles(3)
            if len(bench.bus.reads) > reads:
                found.add((space, index))
        return found

    assert await walked() == set(places)
    assert await walked() == set()
    for name, rs1, rs2, named in cases:
        done = await bench.one(name, rs1, rs2)
        assert done.fence and done.data == 0
        dut._log.info("%s: %d cycles from issue to result", name, done.offered - done.issued)
        assert await walked() == named, name
        assert await bench.command(commands[name], rs1, rs2) == 0
        assert await walked() == named, name
    await bench.command(WindowCommand.INVALIDATE_ALL)
    assert await walked() == set(places)
    # Install is a prefetch: afterwards the check hits; what it cannot find is no matter.
    await bench.command(WindowCommand.INVALIDATE_ALL)
    assert (await bench.one("cap.install", model.handle(0, 5), 1)).data == 0
    assert (await bench.one("cap.install", model.handle(77, 5), 1)).data == 0
    assert await bench.command(WindowCommand.INSTALL, model.handle(0, 5), 2) == 0
    assert await walked() == set(places) - {(1, 0), (2, 0)}


@cocotb.test()
async def refusals_are_not_remembered(dut):
    """A slot that becomes valid is found without any invalidate."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    query = model.query(handles["empty"], CapType.ENDPOINT)
    assert (await bench.ask_port(3, query)).verdict == Verdict.EMPTY
    bench.kernel.slot(3, 1, object_id=7, tag=0x2222, badge=0xc1, generation=5)
    assert await bench.ask_port(3, query) == model.Outcome(Verdict.OK, 7, 0xc1)
    query = model.query(handles["dead"], CapType.ENDPOINT)
    assert (await bench.ask_check(3, query)).verdict == Verdict.STALE
    bench.kernel.object(8, generation=6)
    assert (await bench.ask_check(3, query)) == model.Outcome(Verdict.OK, 8, 0xb3)


@cocotb.test()
async def every_bus_error_refuses(dut):
    """Each read that can fail does: the verdict is UNDECIDED, nothing is kept, and the next check works."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    query = model.query(handles["good"], CapType.ENDPOINT)
    slot = bench.kernel.slot_address(3, 0)
    addresses = [bench.kernel.space_address(3), bench.kernel.directory_address(3, 0), slot + 16, slot, slot + 8,
                 bench.kernel.object_address(7)]
    for ask in (bench.ask_port, bench.ask_window, bench.ask_check):
        for address in addresses:
            bench.memory.refused = {address}
            outcome = await ask(3, query)
            assert outcome == bench.kernel.check(3, query) == model.Outcome(Verdict.UNDECIDED)
            bench.memory.refused = set()
            assert await ask(3, query) == model.Outcome(Verdict.OK, 7, 0xb0)
            await bench.command(WindowCommand.INVALIDATE_ALL)
    # The second reading of the valid word fails.
    def fail_second(address):
        if bench.bus.reads.count(slot + 16) - before == 2:
            bench.memory.refused = {slot + 16}
    before = bench.bus.reads.count(slot + 16)
    bench.bus.on_read = fail_second
    assert (await bench.one("cap.badge", query, 3)).verdict == Verdict.UNDECIDED
    bench.bus.on_read, bench.memory.refused = None, set()
    assert (await bench.one("cap.badge", query, 3)).verdict == Verdict.OK


@cocotb.test()
async def silent_bus_ends_in_a_refusal(dut):
    """A bus that does not answer: refusal after the limit; hits still work; walks resume when the bus does."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    good, other = (model.query(handles[name], CapType.ENDPOINT) for name in ("good", "second_page"))
    assert (await bench.one("cap.badge", good, 3)).verdict == Verdict.OK
    slot = bench.kernel.slot_address(3, 200)
    bench.bus.silent = {slot}
    first = await bench.one("cap.badge", other, 3)
    assert first.verdict == Verdict.UNDECIDED
    assert 200 <= first.offered - first.issued <= 206
    again = await bench.one("cap.badge", other, 3)
    assert again.verdict == Verdict.UNDECIDED and again.offered - again.issued == 1
    assert (await bench.ask_check(3, other)).verdict == Verdict.UNDECIDED
    assert (await bench.one("cap.badge", good, 3)).data == model.answer(Verdict.OK, 0xb0)
    assert int(dut.walker_cyc.value) == 1, "a bus cycle is never broken off"
    assert (await bench.one("cap.inv.slot", handles["good"], 3)).data == 0
    bench.bus.silent = set()
    await bench.cycles(4)
    assert (await bench.one("cap.badge", other, 3)).data == model.answer(Verdict.OK, 0xb5)
    assert (await bench.one("cap.badge", good, 3)).data == model.answer(Verdict.OK, 0xb0)


@cocotb.test()
async def bounds_and_malformed_tables(dut):
    """At each bound, just inside works and just outside refuses; nothing outside the tables is ever read."""
    bench = Bench(dut, spaces=4, pages=4, objects=16)
    kernel, memory, tables = bench.kernel, bench.memory, bench.kernel.tables
    kernel.space(3, pages=2)
    kernel.object(15, generation=9)
    common = dict(object_id=15, generation=9, tag=0x77, badge=1)
    kernel.slot(3, 0, **common)
    kernel.slot(3, 255, **common)
    await bench.start()
    query = model.query(model.handle(0, 0x77), CapType.ENDPOINT)
    last = model.query(model.handle(255, 0x77), CapType.ENDPOINT)

    async def agree(space, asked, verdict, registers=tables):
        expected = model.check(memory, registers, space, asked)
        assert expected.verdict == verdict, expected
        assert await bench.ask_port(space, asked) == expected
        await bench.command(WindowCommand.INVALIDATE_ALL)

    await agree(3, query, Verdict.OK)
    await agree(3, last, Verdict.OK)
    await agree(4, query, Verdict.BAD_HANDLE)
    await agree((1 << 32) - 1, query, Verdict.BAD_HANDLE)
    await agree(1, query, Verdict.BAD_HANDLE)
    await agree(3, model.query(model.handle(256, 0x77), CapType.ENDPOINT), Verdict.BAD_HANDLE)
    await agree(3, model.query(model.handle(0xffff, 0x77), CapType.ENDPOINT), Verdict.BAD_HANDLE)
    for name, inside, outside, asked, verdict in (
            ("space_count", 4, 3, query, Verdict.BAD_HANDLE), ("space_count", 4, 0, query, Verdict.BAD_HANDLE),
            ("slot_count", 256, 255, last, Verdict.UNDECIDED), ("slot_count", 256, 0, query, Verdict.UNDECIDED),
            ("object_count", 16, 15, query, Verdict.UNDECIDED), ("object_count", 16, 0, query, Verdict.UNDECIDED)):
        await bench.write(name, outside)
        await bench.idle()
        await agree(3, asked, verdict, replace(tables, **{name: outside}))
        await bench.write(name, inside)
        await bench.idle()
        await agree(3, asked, Verdict.OK, replace(tables, **{name: inside}))
    await bench.configure()
    # Directory entries: invalid; a page number beyond the slot table.
    kernel.directory(3, 0, page=0, valid=0)
    await agree(3, query, Verdict.BAD_HANDLE)
    for page in (4, (1 << 24) - 1):
        kernel.directory(3, 0, page=page)
        await agree(3, query, Verdict.UNDECIDED)
    kernel.directory(3, 0, page=0)
    # Space entries: invalid; no pages; a directory in the devices, and beyond 32 bits.
    address = kernel.space_address(3)
    entry = memory.read(address)
    fields = model.unpack(SpaceEntry, entry)
    for change, verdict in (({"valid": 0}, Verdict.BAD_HANDLE), ({"pages": 0}, Verdict.BAD_HANDLE),
                            ({"directory": 0x1000_0}, Verdict.UNDECIDED), ({"directory": 0}, Verdict.UNDECIDED),
                            ({"directory": fields["directory"] | 1 << 20}, Verdict.UNDECIDED),
                            ({"directory": (1 << 52) - 1}, Verdict.UNDECIDED)):
        memory.write(address, model.pack(SpaceEntry, **{**fields, **change}))
        await agree(3, query, verdict)
    memory.write(address, entry)
    # Objects: beyond the table, dead, retired, wrong generation.
    kernel.slot(3, 0, **{**common, "object_id": 16})
    await agree(3, query, Verdict.UNDECIDED)
    await agree(3, model.query(model.handle(0, 0x78), CapType.ENDPOINT), Verdict.BAD_HANDLE)
    kernel.slot(3, 0, **{**common, "object_id": (1 << 32) - 1})
    await agree(3, query, Verdict.UNDECIDED)
    kernel.slot(3, 0, **common)
    # Bases outside memory, and sums beyond 32 bits.
    for name, base in (("space_base", 0x1000_0000), ("slot_base", 0x7fff_ff00), ("object_base", 0xffff_fff0),
                       ("space_base", 0xffff_fff0)):
        await bench.write(name, base)
        await bench.idle()
        await agree(3, query, Verdict.UNDECIDED, replace(tables, **{name: base}))
        await bench.write(name, getattr(tables, name))
        await bench.idle()
    await agree(3, query, Verdict.OK)
    assert all(tables.readable(address) for address in bench.bus.reads)


@cocotb.test()
async def torn_slots_are_read_again(dut):
    """A slot rewritten while the walker reads it, at every place: the verdict is the old or the new, never a mix."""
    bench = Bench(dut)
    kernel = bench.kernel
    kernel.space(3)
    kernel.object(1, generation=1)
    kernel.object(2, generation=1, cap_type=CapType.MEMORY)
    old = dict(cap_type=CapType.ENDPOINT, object_id=1, tag=5, badge=0xa, rights=Rights.SEND)
    new = dict(cap_type=CapType.MEMORY, object_id=2, tag=5, badge=0xb, rights=Rights.READ, parent=9)
    query = model.query(model.handle(0, 5), CapType.MEMORY, Rights.READ)
    kernel.slot(3, 0, **old)
    await bench.start()
    slot = kernel.slot_address(3, 0)
    seen = set()
    # The writer does its n-th step just before the walker's r-th read from here on.
    for first in range(8):
        for pace in (1, 2, 3):
            kernel.slot(3, 0, **old)
            await bench.one("cap.inv.slot", model.handle(0, 5), 3)
            image = model.Memory()
            scratch = model.KernelTables(image)
            scratch.space(3)
            scratch.slot(3, 0, **new)
            wanted = [image.read(scratch.slot_address(3, 0) + 8 * word) for word in range(4)]
            steps = [(16, bench.memory.read(slot + 16) & ~(1 << 31)), (0, wanted[0]), (8, wanted[1]), (16, wanted[2])]
            count = 0

            def write(address, steps=steps, first=first, pace=pace):
                nonlocal count
                count += 1
                while steps and count >= first + pace * (4 - len(steps)):
                    offset, value = steps.pop(0)
                    bench.memory.write(slot + offset, value)
                    if pace < 3:
                        break
            bench.bus.on_read = write
            outcome = await bench.ask_check(3, query)
            bench.bus.on_read = None
            seen.add(outcome.verdict)
            assert outcome in (model.Outcome(Verdict.WRONG_TYPE), model.Outcome(Verdict.EMPTY),
                               model.Outcome(Verdict.OK, 2, 0xb)), (first, pace, outcome)
    assert seen >= {Verdict.WRONG_TYPE, Verdict.OK}, seen


@cocotb.test()
async def walks_are_killed_in_every_alignment(dut):
    """The slot changes and an invalidate comes at each moment of a walk: from its end on, nobody sees the old slot."""
    bench = Bench(dut)
    kernel = bench.kernel
    kernel.space(3)
    kernel.object(1, generation=1)
    query = model.query(model.handle(0, 5), CapType.ENDPOINT)
    await bench.start()
    restarts = await bench.read("restarts")
    old, new = model.Outcome(Verdict.OK, 1, 0xa), model.Outcome(Verdict.EMPTY)
    stale = 0
    for wait in (0, 2):
        bench.bus.wait = (wait, wait)
        for command, operand in (
                (WindowCommand.INVALIDATE_SLOT, model.handle(0, 0)), (WindowCommand.INVALIDATE_SPACE, 0),
                (WindowCommand.INVALIDATE_OBJECT, 1), (WindowCommand.INVALIDATE_ALL, 0)):
            for delay in range(34 if wait == 0 else 50):
                kernel.slot(3, 0, object_id=1, tag=5, badge=0xa)
                await bench.command(WindowCommand.INVALIDATE_ALL)
                await bench.write("operand1", operand)
                await bench.write("operand2", 3)
                asking = cocotb.start_soon(timed(bench, bench.ask_check(3, query)))
                await bench.cycles(delay)
                kernel.slot(3, 0, object_id=1, tag=5, badge=0xa, valid=0)
                await bench.write("command", command.value)
                await bench.idle()
                done = bench.cycle
                outcome, when = await asking
                assert outcome in (old, new)
                if when >= done:
                    assert outcome == new, (command, delay, when - done)
                stale += outcome == old
                assert await bench.ask_port(3, query) == new, (command, delay)
    assert stale, "no walk ended before its invalidate: the test looked at too few moments"
    assert await bench.read("restarts") > restarts + 50


@cocotb.test()
async def port_invalidates_kill_walks_of_others(dut):
    """The same with the invalidate as an instruction, against walks for the check port and the window."""
    bench = Bench(dut)
    kernel = bench.kernel
    kernel.space(3)
    kernel.object(1, generation=1)
    query = model.query(model.handle(0, 5), CapType.ENDPOINT)
    await bench.start()
    for ask in (bench.ask_check, bench.ask_window):
        for delay in range(30 if ask == bench.ask_check else 50):
            kernel.slot(3, 0, object_id=1, tag=5, badge=0xa)
            await bench.one("cap.inv.slot", model.handle(0, 5), 3)
            asking = cocotb.start_soon(timed(bench, ask(3, query)))
            await bench.cycles(delay)
            kernel.slot(3, 0, object_id=1, tag=5, badge=0xa, valid=0)
            done = await bench.one("cap.inv.slot", model.handle(0, 0), 3)
            after = (await bench.one("cap.badge", query, 3))
            assert after.verdict == Verdict.EMPTY, delay
            outcome, when = await asking
            if when >= done.taken and ask == bench.ask_check:
                assert outcome.verdict == Verdict.EMPTY, delay


async def timed(bench, coroutine):
    """Result of a coroutine and the cycle in which it came."""
    return await coroutine, bench.cycle


@cocotb.test()
async def kept_answers_do_not_outlive_an_invalidate(dut):
    """The core leaves an OK lying; the slot is emptied and forgotten; what the core takes then is a refusal."""
    bench = Bench(dut)
    kernel = bench.kernel
    kernel.space(3)
    kernel.object(1, generation=1)
    query = model.query(model.handle(0, 5), CapType.ENDPOINT)
    await bench.start()
    for lie in (40, 60):
        for cached in (True, False):
            kernel.slot(3, 0, object_id=1, tag=5, badge=0xa)
            await bench.command(WindowCommand.INVALIDATE_ALL)
            await bench.write("operand1", model.handle(0, 5))
            await bench.write("operand2", 3)
            if cached:
                assert (await bench.ask_check(3, query)).verdict == Verdict.OK
            waiting = cocotb.start_soon(bench.run([op("cap.badge", query, 3, take_after=lie),
                                                   op("cap.badge", query, 3, commit_after=lie)]))
            await bench.cycles(10)
            kernel.slot(3, 0, object_id=1, tag=5, badge=0xa, valid=0)
            await bench.write("command", WindowCommand.INVALIDATE_SLOT.value)
            await bench.idle()
            done = bench.cycle
            for each in await waiting:
                assert each.taken > done
                assert each.data == model.answer(Verdict.EMPTY), (lie, cached)


@cocotb.test()
async def check_port_answers_are_stable_and_delay_invalidates(dut):
    """While a check port answer waits, an invalidate does too; the answer stays as it was."""
    bench = Bench(dut)
    kernel = bench.kernel
    kernel.space(3)
    kernel.object(1, generation=1)
    kernel.slot(3, 0, object_id=1, tag=5, badge=0xa)
    query = model.query(model.handle(0, 5), CapType.ENDPOINT)
    await bench.start()
    await bench.write("operand1", model.handle(0, 5))
    await bench.write("operand2", 3)
    asking = cocotb.start_soon(timed(bench, bench.ask_check(3, query, take_after=60)))
    await bench.cycles(30)
    kernel.slot(3, 0, object_id=1, tag=5, badge=0xa, valid=0)
    await bench.write("command", WindowCommand.INVALIDATE_SLOT.value)
    await bench.idle()
    done = bench.cycle
    outcome, when = await asking
    assert outcome.verdict == Verdict.OK and when < done
    assert (await bench.ask_check(3, query)).verdict == Verdict.EMPTY


@cocotb.test()
async def nobody_waits_for_ever(dut):
    """Others get their turn under a full stream of checks, and while the core takes nothing."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    await bench.one("cap.space", 3)
    query = model.query(handles["good"], CapType.ENDPOINT)
    expected = model.Outcome(Verdict.OK, 7, 0xb0)
    await bench.one("cap.check", query)
    await bench.cycles(3)
    stream = cocotb.start_soon(bench.run([op("cap.check", query) for _ in range(400)]))
    for ask in (bench.ask_check, bench.ask_window):
        start = bench.cycle
        assert await ask(3, query) == expected
        dut._log.info("%s under a full stream: %d cycles", ask.__name__, bench.cycle - start)
        assert bench.cycle - start < 60
    await bench.command(WindowCommand.INVALIDATE_SLOT, handles["good"], 3)
    assert await bench.ask_check(3, model.query(handles["second_page"], CapType.ENDPOINT)) == model.Outcome(
        Verdict.OK, 7, 0xb5)
    assert not stream.done(), "the stream was too short to be in anybody's way"
    ops = await stream
    assert {each.data for each in ops} == {model.answer(Verdict.OK, 0xb0)}
    # The core has issued two checks, commits neither and takes nothing.
    stuck = cocotb.start_soon(bench.run([op("cap.check", query, commit_after=300), op("cap.check", query)]))
    await bench.cycles(5)
    for ask in (bench.ask_check, bench.ask_window):
        start = bench.cycle
        assert await ask(3, query) == expected
        assert bench.cycle - start < 40
    start = bench.cycle
    await bench.command(WindowCommand.INVALIDATE_ALL)
    assert await bench.ask_check(3, query) == expected
    assert bench.cycle - start < 150 and not stuck.done()
    assert {each.data for each in await stuck} == {model.answer(Verdict.OK, 0xb0)}


@cocotb.test()
async def reset_forgets_everything_before_anything_answers(dut):
    """After a reset nothing is ready until the buffer is empty, and no old line is left."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    query = model.query(handles["good"], CapType.ENDPOINT)
    for moment in range(0, 25, 3):
        bench.kernel.slot(3, 0, object_id=7, tag=0x1111, badge=0xb0, generation=5)
        await bench.configure()
        assert (await bench.ask_port(3, query)).verdict == Verdict.OK
        # Something is under way when the button is pressed.
        dut.check_request_valid.value = 1
        dut.check_request_payload.value = model.pack(
            CheckRequest, query=model.query(handles["second_page"], CapType.ENDPOINT), space=3)
        await bench.cycles(moment)
        dut.check_request_valid.value = 0
        await bench.reset()
        pressed = bench.cycle
        bench.kernel.slot(3, 0, object_id=7, tag=0x1111, badge=0xb0, generation=5, valid=0)
        checked = await bench.one("cap.badge", query, 3)
        assert checked.verdict == Verdict.UNDECIDED, "not enabled after reset"
        assert checked.issued >= pressed + 8, "an answer before all eight sets were cleared"
        await bench.configure()
        assert (await bench.ask_port(3, query)).verdict == Verdict.EMPTY


@cocotb.test()
async def disabled_unit_decides_nothing(dut):
    """Off, on again, tables moved: nothing of before is believed."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    query = model.query(handles["good"], CapType.ENDPOINT)
    assert (await bench.ask_port(3, query)).verdict == Verdict.OK
    reads = len(bench.bus.reads)
    await bench.write("control", 0)
    for ask in (bench.ask_port, bench.ask_window, bench.ask_check):
        assert await ask(3, query) == model.Outcome(Verdict.UNDECIDED)
    assert len(bench.bus.reads) == reads
    assert (await bench.one("cap.inv.space", 0, 3)).data == 0
    assert (await bench.one("cap.install", handles["good"], 3)).data == 0
    bench.kernel.slot(3, 0, object_id=7, tag=0x1111, badge=0xb0, generation=5, valid=0)
    # Issued in the cycle in which the store is acknowledged.
    at_once = cocotb.start_soon(bench.run([op("cap.badge", query, 3, gap=3)]))
    await bench.write("control", 1)
    assert (await at_once)[0].verdict == Verdict.UNDECIDED, "still forgetting"
    await bench.write("control", 1)
    assert await bench.read("status") & 2, "who waits for this bit must not go on too early"
    while await bench.read("status") & 2:
        pass
    assert (await bench.ask_port(3, query)).verdict == Verdict.EMPTY
    # Tables moved without switching off: the old ones are forgotten all the same.
    bench.kernel.slot(3, 0, object_id=7, tag=0x1111, badge=0xb0, generation=5)
    assert (await bench.ask_port(3, query)).verdict == Verdict.OK
    await bench.write("object_count", 7)
    await bench.idle()
    assert (await bench.ask_port(3, query)).verdict == Verdict.UNDECIDED


@cocotb.test()
async def window_registers(dut):
    """Reset values, byte lanes, holes, busy and dropped commands, counters."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start(configure=False)
    identity = await bench.read("identity")
    assert identity == UNIT_VERSION | 2 << 16 | 16 << 32 | (not CONFIG.revocation) << 63
    for name in ("control", "space_base", "space_count", "slot_base", "object_count", "selected", "hits", "misses"):
        assert await bench.read(name) == 0, name
    await bench.write("space_base", 0xffff_ffff_ffff_ffff)
    assert await bench.read("space_base") == 0xffff_fff8
    await bench.write("slot_base", 0xffff_ffff_ffff_ffff)
    assert await bench.read("slot_base") == 0xffff_ffe0
    await bench.write("object_base", 0xffff_ffff_ffff_ffff)
    assert await bench.read("object_base") == 0xffff_fff0
    await bench.write("operand1", 0x1122_3344_5566_7788)
    await bench.write("operand1", 0xaaaa_aaaa_aaaa_aaaa, sel=0x0f)
    assert await bench.read("operand1") == 0x1122_3344_aaaa_aaaa
    for offset in (0x78, 0xff8, *(() if CONFIG.revocation else REVOCATION_OFFSETS)):
        for access in (bench.read(offset), bench.write(offset, 1)):
            try:
                await access
            except model.BusError:
                continue
            raise AssertionError(f"{offset:#x} answered")
    await bench.configure()
    assert not await bench.read("status") & 4
    # A command during another one, and one that does not exist, are dropped and said so.
    bench.bus.wait = (20, 20)
    await bench.write("operand1", model.query(handles["good"], CapType.ENDPOINT))
    await bench.write("operand2", 3)
    await bench.write("command", WindowCommand.BADGE.value)
    await bench.write("command", WindowCommand.INVALIDATE_ALL.value)
    assert await bench.read("status") & 5 == 5
    await bench.idle()
    assert await bench.read("result") == model.answer(Verdict.OK, 0xb0)
    await bench.write("status", 4)
    assert await bench.read("status") == 0
    for unknown in (0xf, *(() if CONFIG.revocation else (WindowCommand.REVOKE.value,))):
        await bench.write("command", unknown)
        assert await bench.read("status") == 4
        assert await bench.read("result") == model.answer(Verdict.OK, 0xb0)
        await bench.write("status", 4)
    # Counters count answers.
    bench.bus.wait = (0, 0)
    before = {name: await bench.read(name) for name in COUNTERS}
    await bench.run([op("cap.badge", model.query(handles[name], cap_type, rights), 3) for name, cap_type, rights in (
        ("good", CapType.ENDPOINT, Rights.SEND), ("good", CapType.ENDPOINT, Rights.READ),
        ("good", CapType.MEMORY, Rights(0)), ("wrong_tag", CapType.ENDPOINT, Rights(0)),
        ("empty", CapType.ENDPOINT, Rights(0)), ("stale", CapType.ENDPOINT, Rights(0)),
        ("dead", CapType.ENDPOINT, Rights(0)), ("outside", CapType.ENDPOINT, Rights(0)))])
    await bench.one("cap.inv.space", 0, 9)
    after = {name: await bench.read(name) for name in COUNTERS}
    assert {name: after[name] - before[name] for name in COUNTERS} == {
        "hits": 4, "misses": 4, "refused_bad_handle": 2, "refused_empty": 1, "refused_stale": 2,
        "refused_wrong_type": 1, "refused_missing_rights": 1, "refused_undecided": 0, "invalidations": 1, "restarts": 0}
