"""Flipped bits in the lookaside buffer: none makes an OK that the tables do not justify, on any interface. Who reads
such a line may be told UNDECIDED, and who asks again is told what the tables say."""

import cocotb

from hw.abi import CapType, Query, Rights, Verdict
from hw.capability import model
from hw.capability.lookaside import LineContent, line_layout
from hw.capability.window import WindowCommand
from tests.hw.capability.driver import CONFIG, Bench, op

SPACE, INDEX, TAG = 3, 16, 0x1111
SEND = Rights.SEND
PORT, WINDOW, CHECK = INTERFACES = ("port", "window", "check")
LAYOUT = line_layout(CONFIG)
FORGET_SLOT, FORGET_SPACE, FORGET_OBJECT, FORGET_ALL = (
    (WindowCommand.INVALIDATE_SLOT, model.handle(INDEX, 0)), (WindowCommand.INVALIDATE_SPACE, 0),
    (WindowCommand.INVALIDATE_OBJECT, 7), (WindowCommand.INVALIDATE_ALL, 0))


def bits_of(*names):
    """Numbers of the bits of these fields in a line."""
    return [LAYOUT[name].offset + bit for name in names for bit in range(LAYOUT[name].width)]


def field_of(bit):
    """Name of the field that a bit of a line belongs to, and which of its bits it is; of the content, the content's."""
    for name, field in LAYOUT:
        if field.offset <= bit < field.offset + field.width:
            inside = bit - field.offset
            if name != "content":
                return name, inside
            return next((part, inside - place.offset) for part, place in LineContent.as_shape()
                        if place.offset <= inside < place.offset + place.width)
    raise LookupError(bit)


def spoken_for(bit, query):
    """Space and query that a line with this bit flipped would answer with OK if nobody noticed."""
    name, place = field_of(bit)
    sets = (CONFIG.sets - 1).bit_length()
    if name == "space":
        # It stays in its set: the index that belongs there in the other space differs as well.
        return SPACE ^ 1 << place, query ^ ((1 << place) % CONFIG.sets)
    if name == "index_high":
        return SPACE, query ^ 1 << place + sets
    if name in ("tag", "cap_type", "rights"):
        asked = Query.as_shape()
        first = {"tag": 16, "cap_type": asked["cap_type"].offset, "rights": asked["rights"].offset}[name]
        return SPACE, query ^ 1 << first + place if name != "rights" else query | 1 << first + place
    return SPACE, query


async def set_up(dut):
    """A slot that is none of the set which an idle unit looks at, and a way of the buffer with its line.

    Returns bench, query, and a function that puts the slot into the given way.
    """
    bench = Bench(dut)
    kernel = bench.kernel
    kernel.space(SPACE)
    kernel.object(7, generation=5)
    kernel.object(6, generation=5)
    await bench.start()
    assert bench.set_of(SPACE, INDEX) != 0

    async def fill(way):
        await bench.command(WindowCommand.INVALIDATE_ALL)
        places = [INDEX] if way == 0 else [INDEX + CONFIG.sets, INDEX]
        for index in places:
            kernel.slot(SPACE, index, object_id=7 if index == INDEX else 6, generation=5, badge=index, tag=TAG,
                        rights=SEND)
            await bench.command(WindowCommand.INSTALL, model.handle(index, TAG), SPACE)
    return bench, model.query(model.handle(INDEX, TAG), CapType.ENDPOINT, SEND), fill


async def ask_once(bench, interface, space, query, *, name="cap.object"):
    """One question; verdict, and object or badge as `name` says."""
    if interface == PORT:
        checked = await bench.one(name, query, space)
        return checked.verdict, checked.value
    outcome = await (bench.ask_window if interface == WINDOW else bench.ask_check)(space, query)
    return outcome.verdict, outcome.object_id if name == "cap.object" else outcome.badge


async def ask_until_decided(bench, interface, space, query):
    """What the answer is at last: that of the first question, or else of the second."""
    verdict, _ = await ask_once(bench, interface, space, query)
    outcome = await {PORT: bench.ask_port, WINDOW: bench.ask_window, CHECK: bench.ask_check}[interface](space, query)
    assert verdict in (outcome.verdict, Verdict.UNDECIDED)
    return outcome


async def every_flipped_bit(dut, ways):
    bench, query, fill = await set_up(dut)
    before, flips = await bench.read("parity_errors"), 0
    for interface in INTERFACES:
        for bit in range(LAYOUT.size):
            way, name = ways(bit), ("cap.object", "cap.badge")[bit & 1]
            where = f"bit {bit} {field_of(bit)} of way {way}, {interface}"
            await fill(way)
            await bench.flip(SPACE, INDEX, way, bit)
            flips += 1
            space, asked = spoken_for(bit, query)
            tables = bench.kernel.check(space, asked)
            # A line that seems to be empty is a miss like any, and the slot that it seems to be of can have another,
            # which is intact: with way 1 the one in way 0.
            intact = way == 1 and space == SPACE and asked & 0xffff == INDEX + CONFIG.sets
            expected = (Verdict.UNDECIDED, 0) if field_of(bit)[0] != "valid" and not intact else (
                tables.verdict, tables.object_id if name == "cap.object" else tables.badge)
            answer = await ask_once(bench, interface, space, asked, name=name)
            assert answer == expected, f"{where}: {answer}, not {expected}; tables: {tables}"
            for again in ((space, asked), (SPACE, query)):
                tables = bench.kernel.check(*again)
                outcome = await ask_until_decided(bench, interface, *again)
                assert outcome == tables, f"{where}, asked again: {outcome}, tables: {tables}"
    assert await bench.read("parity_errors") - before == flips, "each is found once"


@cocotb.test()
async def every_flipped_bit_of_a_line(dut):
    """Any one bit of a line: what it then seems to say is not believed, and the next verdict is that of the tables."""
    await every_flipped_bit(dut, lambda bit: bit & 1)


@cocotb.test()
async def every_flipped_bit_of_the_other_way(dut):
    """The same with each bit in the other way."""
    await every_flipped_bit(dut, lambda bit: ~bit & 1)


@cocotb.test()
async def a_stream_of_checks_goes_on(dut):
    """Checks back to back of a slot whose line is wrong: two are undecided at most, and the others are as the tables
    say; the line is counted once."""
    bench, query, fill = await set_up(dut)
    for way in (0, 1):
        for bit in (*bits_of("content")[::5], *bits_of("parity")):
            await fill(way)
            tables, before = bench.kernel.check(SPACE, query), await bench.read("parity_errors")
            assert tables.verdict == Verdict.OK
            await bench.flip(SPACE, INDEX, way, bit)
            checks = await bench.run([op("cap.badge", query, SPACE) for _ in range(6)])
            verdicts = [check.verdict for check in checks]
            undecided = verdicts.count(Verdict.UNDECIDED)
            assert 1 <= undecided <= 2 and verdicts[:undecided] == [Verdict.UNDECIDED] * undecided, verdicts
            assert all((check.verdict, check.value) == (Verdict.OK, tables.badge) for check in checks[undecided:])
            assert await bench.read("parity_errors") == before + 1, (way, field_of(bit))


@cocotb.test()
async def a_cleared_line_does_not_come_back(dut):
    """The slot is emptied and forgotten; then the valid bit of the line it had flips."""
    bench, query, fill = await set_up(dut)
    for way in (0, 1):
        for interface in INTERFACES:
            for command, operand in (FORGET_SLOT, FORGET_SPACE, FORGET_OBJECT, FORGET_ALL):
                await fill(way)
                bench.kernel.slot(SPACE, INDEX, object_id=7, generation=5, tag=TAG, rights=SEND, valid=0)
                await bench.command(command, operand, SPACE)
                await bench.flip(SPACE, INDEX, way, bits_of("valid")[0])
                assert (await ask_until_decided(bench, interface, SPACE, query)).verdict == Verdict.EMPTY, command


@cocotb.test()
async def invalidates_clear_lines_that_they_cannot_read(dut):
    """A bit by which an invalidate knows its lines is wrong while it sweeps, and right again later."""
    bench, query, fill = await set_up(dut)
    before, flips = await bench.read("parity_errors"), 0
    key = bits_of("valid", "space", "index_high")
    field = LineContent.as_shape()["object_id"]
    object_id = [LAYOUT["content"].offset + field.offset + bit for bit in range(field.width)]
    for number, ((command, operand), bits) in enumerate((
            (FORGET_SLOT, key), (FORGET_SPACE, key), (FORGET_OBJECT, [*bits_of("valid"), *object_id]))):
        for bit in bits:
            way, interface = (bit + number) & 1, INTERFACES[bit // 2 % len(INTERFACES)]
            await fill(way)
            await bench.flip(SPACE, INDEX, way, bit)
            bench.kernel.slot(SPACE, INDEX, object_id=7, generation=5, tag=TAG, rights=SEND, valid=0)
            await bench.command(command, operand, SPACE)
            flips += 1
            assert await bench.read("parity_errors") - before == flips, "the sweep found it"
            await bench.flip(SPACE, INDEX, way, bit)
            outcome = await ask_until_decided(bench, interface, SPACE, query)
            assert outcome.verdict == Verdict.EMPTY, (command, field_of(bit))
            # The second flip has spoilt a line that is empty.
            flips += 1
            assert await bench.read("parity_errors") - before == flips


@cocotb.test()
async def flips_at_every_moment_of_a_walk(dut):
    """A bit of a line flips while a walk for another slot of its set is under way, and flips back: whatever the fill
    did, neither slot is OK after both are empty and forgotten."""
    bench, query, fill = await set_up(dut)
    other = INDEX + CONFIG.sets
    asked = model.query(model.handle(other, TAG), CapType.ENDPOINT, SEND)
    for bit in (bits_of("space")[0], bits_of("valid")[0]):
        for delay in range(0, 48):
            way = delay & 1
            bench.kernel.slot(SPACE, other, object_id=6, generation=5, badge=other, tag=TAG, rights=SEND)
            await fill(way)
            await bench.command(WindowCommand.INVALIDATE_SLOT, model.handle(other, 0), SPACE)
            asking = cocotb.start_soon(bench.ask_check(SPACE, asked))
            await bench.cycles(delay)
            await bench.flip(SPACE, INDEX, way, bit)
            assert await asking == bench.kernel.check(SPACE, asked), (bit, delay)
            await bench.flip(SPACE, INDEX, way, bit)
            for each, interface in ((query, PORT), (asked, WINDOW)):
                outcome = await ask_until_decided(bench, interface, SPACE, each)
                assert outcome == bench.kernel.check(SPACE, each), (bit, delay)
            for empty in (INDEX, other):
                bench.kernel.slot(SPACE, empty, object_id=7, generation=5, tag=TAG, valid=0)
                await bench.command(WindowCommand.INVALIDATE_SLOT, model.handle(empty, 0), SPACE)
            for each in (query, asked):
                outcome = await ask_until_decided(bench, PORT, SPACE, each)
                assert outcome.verdict == Verdict.EMPTY, (bit, delay)


@cocotb.test()
async def bits_that_are_not_there_do_not_flip(dut):
    """Numbers outside change nothing; the register says that it is done."""
    bench, query, fill = await set_up(dut)
    await fill(0)
    reads = len(bench.bus.reads)
    for bit, way in ((LAYOUT.size, 0), (0xffff, 0), (0, CONFIG.ways), (0, 0xffff)):
        await bench.flip(SPACE, INDEX, way, bit)
    assert (await bench.ask_port(SPACE, query)).verdict == Verdict.OK
    assert len(bench.bus.reads) == reads and await bench.read("parity_errors") == 0
