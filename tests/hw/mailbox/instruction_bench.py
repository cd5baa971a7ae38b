"""Directed tests of the mailbox's instructions, each against the golden model."""

import cocotb

from hw.abi import INSTRUCTIONS, MailStatus, Rights, Verdict
from hw.mailbox.registers import ControlPage, QueueWord, Statistic, ThreadPage
from tests.hw.mailbox.driver import Capability, context_register, message, page_register, queue_register, thread
from tests.hw.mailbox.mailbox_bench import (
    BADGE_A,
    BADGE_B,
    FROM_A,
    FROM_B,
    RECEIVER,
    SENDER,
    TO_A,
    TO_B,
    A,
    stage,
)

GETS = tuple(f"mail.get{word}" for word in range(8))
OK, RETRY, LOST = MailStatus.OK.value, MailStatus.RETRY.value, MailStatus.LOST.value


def puts(words):
    return [(f"mail.put{pair}", words[2 * pair], words[2 * pair + 1]) for pair in range(4)]


def sending(words, handle=TO_A):
    return [*puts(words), ("mail.send", handle)]


def receiving(handle=FROM_A):
    return [("mail.receive", handle), *GETS, "mail.pop"]


async def begin(dut):
    """Context 0 sends, context 1 receives."""
    bench = await stage(dut)
    await bench.bind_context(0, SENDER)
    await bench.bind_context(1, RECEIVER)
    return bench


async def execute_as(bench, context, *program, **how):
    bench.hart.context = context
    return await bench.execute(*program, **how)


@cocotb.test()
async def instructions_carry_a_message(dut):
    """From a context to a context, to a page, and from a page to a context."""
    bench = await begin(dut)
    done, _ = await execute_as(bench, 0, *sending(message(1)))
    assert done == [None] * 4 + [OK]
    done, _ = await execute_as(bench, 1, *receiving())
    assert done == [OK, *message(1), OK | BADGE_A << 32]
    done, _ = await execute_as(bench, 1, *GETS, "mail.pop", ("mail.receive", FROM_A))
    assert done == [0] * 8 + [LOST, MailStatus.NO_MESSAGE.value]
    await execute_as(bench, 0, *sending(message(2)))
    _, (words, _, badge, _) = await bench.receive(2, FROM_A)
    assert (words, badge) == (message(2), BADGE_A)
    await bench.send(1, TO_A, message(3))
    done, _ = await execute_as(bench, 1, *receiving())
    assert done[1:9] == message(3)
    await bench.compare_all()
    await bench.compare_lines()


@cocotb.test()
async def instructions_keep_order(dut):
    """Two endpoints, around the ring, sent by instructions and by a page in turn; a full queue refuses and keeps
    what is staged."""
    bench = await begin(dut)
    depth = bench.config.depth
    for turn in range(3):
        for number in range(depth):
            await execute_as(bench, 0, *sending(message(100 * turn + number)))
            await bench.send(1, TO_B, message(100 * turn + 50 + number))
        done, _ = await execute_as(bench, 0, *sending(message(99)), ("mail.send", TO_A))
        assert done[4:] == [MailStatus.FULL.value] * 2
        done, _ = await execute_as(bench, 1, *receiving())
        assert done[1:9] == message(100 * turn)
        done, _ = await execute_as(bench, 0, ("mail.send", TO_A))
        assert done == [OK]
        for number in range(1, depth + 1):
            done, _ = await execute_as(bench, 1, *receiving())
            assert done[1:9] == message(100 * turn + number if number < depth else 99)
        for number in range(depth):
            done, _ = await execute_as(bench, 1, *receiving(FROM_B))
            assert done[1:9] == message(100 * turn + 50 + number)
    await bench.compare_all()


@cocotb.test()
async def instructions_are_refused(dut):
    """Every verdict, UNBOUND, an unbound context, a context that is not bound; nothing is stored, and what is staged
    stays."""
    bench = await begin(dut)
    unit = bench.unit
    await execute_as(bench, 0, *puts(message(1)))
    for status, capability in {
        MailStatus.EMPTY: Capability(A, Rights.SEND | Rights.RECEIVE, state=Verdict.EMPTY),
        MailStatus.STALE: Capability(A, Rights.SEND | Rights.RECEIVE, state=Verdict.STALE),
        MailStatus.MISSING_RIGHTS: Capability(A, Rights.GRANT),
        MailStatus.UNDECIDED: Capability(A, Rights.SEND, state=Verdict.UNDECIDED),
        MailStatus.UNBOUND: Capability(0xcccc, Rights.SEND | Rights.RECEIVE),
    }.items():
        unit.capabilities[SENDER, 0x55] = capability
        done, _ = await execute_as(bench, 0, ("mail.send", 0x55), ("mail.receive", 0x55), *GETS)
        assert done == [status.value] * 2 + [0] * 8
    # Handles count in the context's own space only, and a right to send is none to receive.
    assert (await execute_as(bench, 1, ("mail.send", TO_A)))[0] == [MailStatus.BAD_HANDLE.value]
    assert (await execute_as(bench, 0, ("mail.receive", TO_A)))[0] == [MailStatus.MISSING_RIGHTS.value]
    assert await bench.read(ControlPage.PENDING) == 0
    unit.unknown_verdict = 0x80
    done, _ = await bench.hart.run([("mail.send", TO_A)])
    assert done[0].data == MailStatus.UNDECIDED.value
    bench.model.statistics[Statistic.UNDECIDED] += 1
    unit.unknown_verdict = None
    asked = len(unit.asked)
    await bench.bind_context(1, SENDER, enabled=False)
    done, _ = await execute_as(bench, 1, *sending(message(9)), ("mail.receive", FROM_A))
    assert done[4:] == [MailStatus.UNBOUND.value] * 2 and len(unit.asked) == asked
    assert (await execute_as(bench, 0, ("mail.send", TO_A)))[0] == [OK]
    _, (words, *_) = await bench.receive(2, FROM_A)
    assert words == message(1)
    await bench.compare_all()


@cocotb.test()
async def only_ours_are_accepted(dut):
    """The port takes the `mail` instructions at every privilege, and no other encoding."""
    bench = await begin(dut)
    ours = {(each.funct7, each.funct3) for each in INSTRUCTIONS if each.name.startswith("mail.")}
    for funct7 in range(128):
        for funct3 in range(8):
            for opcode in (0x0b, 0x2b):
                dut.port_issue_insn.value = funct7 << 25 | funct3 << 12 | opcode
                dut.port_issue_privilege.value = funct3 % 4
                await cocotb.triggers.Timer(1, unit="ps")
                assert int(dut.port_issue_accept.value) == ((funct7, funct3) in ours and opcode == 0x0b)
        await bench.bus.tick()


@cocotb.test()
async def preemption_discards(dut):
    """Bound anew after any number of pairs: the message is not sent, not even with another's words; RETRY says so."""
    bench = await begin(dut)
    for staged in range(5):
        await execute_as(bench, 0, *puts(message(staged))[:staged])
        await bench.bind_context(0, SENDER)
        done, _ = await execute_as(bench, 0, *puts(message(7))[staged:], ("mail.send", TO_A))
        assert done[-1] == (OK if staged == 0 else RETRY)
        # RETRY discards as well: no mixture of the old and the new attempt.
        if staged:
            assert (await execute_as(bench, 0, ("mail.send", TO_A)))[0] == [RETRY]
        done, _ = await execute_as(bench, 0, *sending(message(staged + 20)))
        assert done[-1] == OK
        expected = ([message(7)] if staged == 0 else []) + [message(staged + 20)]
        for words in expected:
            done, _ = await execute_as(bench, 1, *receiving())
            assert done[1:9] == words
    # In the order of the second thread's choice: 2 pairs of one thread, all of another, 2 more of the first.
    await execute_as(bench, 0, *puts(message(1))[:2])
    await bench.bind_context(0, SENDER)
    await execute_as(bench, 0, *puts(message(2))[2:])
    assert (await execute_as(bench, 0, ("mail.send", TO_A)))[0] == [RETRY]
    assert await bench.read(ControlPage.PENDING) == 0
    await bench.compare_all()


@cocotb.test()
async def preemption_closes_the_message(dut):
    """Bound anew: the next owner of the context reads nothing and removes nothing."""
    bench = await begin(dut)
    await execute_as(bench, 0, *sending(message(1)))
    await execute_as(bench, 1, ("mail.receive", FROM_A), "mail.get3")
    await bench.bind_context(1, 44)
    done, _ = await execute_as(bench, 1, *GETS, "mail.pop")
    assert done == [0] * 8 + [LOST]
    await bench.bind_context(1, RECEIVER)
    done, _ = await execute_as(bench, 1, *receiving())
    assert done[1:9] == message(1) and done[9] == OK | BADGE_A << 32
    await bench.compare_all()


@cocotb.test()
async def rebinding_discards_the_command(dut):
    """Another hart binds the context anew while its instruction waits for the check: RETRY, nothing stored."""
    bench = await begin(dut)
    bench.unit.latency = (14, 14)
    outcomes = []
    for delay in range(22):
        bench.hart.context = 0
        running = cocotb.start_soon(bench.hart.run(sending(message(delay))))
        await bench.bus.tick(delay)
        assert await bench.bus.write(context_register(0), SENDER | 1 << 32)
        done, _ = await running
        sent = done[-1].data == OK
        assert sent or done[-1].data == RETRY
        outcomes.append(sent)
        await bench.bus.tick(20)
        assert await bench.bus.read(queue_register(0, QueueWord.FILL)) == int(sent)
        assert await bench.bus.write(ControlPage.WIPE, 0)
        await bench.bus.tick(80)
    # Before there is anything to discard, then discarded up to the cycle of the decision, then too late.
    first, last = outcomes.index(False), len(outcomes) - outcomes[::-1].index(False)
    assert not any(outcomes[first:last]) and first <= 3 and last == 20, outcomes


@cocotb.test()
async def killed_instructions_never_happened(dut):
    """Each of the instructions is killed in turn, at once and after a wait: others' results are as without it."""
    bench = await begin(dut)
    bench.unit.latency = (1, 1)
    for wait in (0, 1, 2, 3, 5, 9):
        program = sending(message(wait))
        for number in range(len(program)):
            # The killed one is issued again behind, as after an interrupt.
            await bench.execute(*program[:number + 1], kill={number}, hold={number: wait})
            await bench.execute(*program[number:])
            done, _ = await execute_as(bench, 1, *receiving())
            assert done[1:9] == message(wait)
            bench.hart.context = 0
    # A killed put leaves the words that were staged before it.
    await bench.execute(*puts(message(1)))
    await bench.execute(("mail.put1", 5, 6), kill={0})
    await bench.execute(("mail.send", TO_A), kill={0}, hold={0: 7})
    await bench.bus.tick(30)
    assert await bench.read(ControlPage.PENDING) == 0
    assert (await bench.execute(("mail.send", TO_A)))[0] == [OK]
    # A killed receive of one queue does not show its message in place of the one that another queue has open. While the
    # check of the killed one ends, every cycle is tried.
    await bench.send(1, TO_B, message(6))
    await execute_as(bench, 1, ("mail.receive", FROM_B))
    for wait in range(4):
        for latency in range(1, 5):
            bench.unit.latency = (latency, latency)
            done, _ = await bench.execute(("mail.receive", FROM_A), *GETS, kill={0}, hold={0: wait})
            assert done[1:] == message(6)
            await bench.bus.tick(10)
    bench.unit.latency = (1, 1)
    assert (await bench.execute("mail.pop"))[0] == [OK | BADGE_B << 32]
    # Killed receives open nothing, killed pops remove nothing.
    bench.hart.context = 1
    await bench.execute(("mail.receive", FROM_A), kill={0}, hold={0: 8})
    assert (await bench.execute(*GETS))[0] == [0] * 8
    await bench.execute(("mail.receive", FROM_A), "mail.pop", kill={1}, hold={1: 2})
    done, _ = await bench.execute(*GETS, "mail.pop")
    assert done[:8] == message(1)
    await bench.compare_all()


@cocotb.test()
async def a_pair_has_room_for_all(dut):
    """What is staged, what a put in front will stage and what is being copied are the same pair's, and a put that
    follows, killed or not, spoils none of it."""
    bench = await begin(dut)
    bench.unit.latency = (1, 1)

    async def arrives(words):
        done, _ = await execute_as(bench, 1, *receiving())
        assert done[1:9] == words
        bench.hart.context = 0

    for pair in range(4):
        put, words = f"mail.put{pair}", message(pair)
        await bench.execute(*puts(words))
        await bench.execute((put, 1, 2), kill={0})
        await bench.execute(("mail.send", TO_A))
        await arrives(words)
        words = [*words[:2 * pair], 5, 6, *words[2 * pair + 2:]]
        await bench.execute(*puts(message(pair)))
        await bench.execute((put, 5, 6), (put, 7, 8), kill={1})
        await bench.execute(("mail.send", TO_A))
        await arrives(words)
    for count in range(1, 7):
        words = message(count)
        await bench.execute(*sending(words), *[("mail.put3", 100 + number, 0) for number in range(count)])
        await arrives(words)
        # The last of them is staged.
        words = [*message(count + 1)[:6], 100 + count - 1, 0]
        await bench.execute(*puts(words)[:3], ("mail.send", TO_A))
        await arrives(words)
    await bench.compare_all()


@cocotb.test()
async def a_death_closes_open_messages(dut):
    """The capability unit forgets: whoever has a message open by instructions receives it again, if he still may."""
    bench = await begin(dut)
    await execute_as(bench, 0, *sending(message(1)))
    await execute_as(bench, 1, ("mail.receive", FROM_A), "mail.get0")
    await bench.forget()
    done, _ = await bench.execute(*GETS, "mail.pop")
    assert done == [0] * 8 + [LOST]
    bench.unit.capabilities[RECEIVER, FROM_A] = Capability(A, Rights.RECEIVE, state=Verdict.EMPTY)
    done, _ = await bench.execute(*receiving())
    assert done == [MailStatus.EMPTY.value] + [0] * 8 + [LOST]
    assert await bench.read(queue_register(0, QueueWord.FILL)) == 1
    # An answer that waits for its instruction's commit is too old as well.
    bench.unit.capabilities[RECEIVER, FROM_A] = Capability(A, Rights.RECEIVE)
    running = cocotb.start_soon(bench.hart.run([("mail.receive", FROM_A), ("mail.get0",)], hold={0: 20}))
    await bench.bus.tick(10)
    await bench.hart.forget()
    done, _ = await running
    assert [one.data for one in done] == [RETRY, 0]
    await bench.compare_all()


@cocotb.test()
async def others_take_the_open_message(dut):
    """A page removes, or the kernel wipes, what a context has open: it reads nothing more and removes nothing."""
    bench = await begin(dut)
    for taker in ("page", "wipe", "rebind"):
        for number in range(2):
            await execute_as(bench, 0, *sending(message(number)))
        await execute_as(bench, 1, ("mail.receive", FROM_A))
        if taker == "page":
            await bench.receive(2, FROM_A)
        elif taker == "wipe":
            await bench.write(ControlPage.WIPE, 0)
        else:
            await bench.bind_queue(0, A)
        done, _ = await execute_as(bench, 1, *GETS, "mail.pop")
        assert done == [0] * 8 + [LOST]
        done, _ = await execute_as(bench, 1, *receiving())
        assert done[0] == (OK if taker == "page" else MailStatus.NO_MESSAGE.value)
    # And the other way round: the context removes what a page has open.
    await execute_as(bench, 0, *sending(message(5)))
    await bench.command(2, ThreadPage.RECEIVE, FROM_A)
    await execute_as(bench, 1, *receiving())
    assert await bench.head(2) == ([0] * 8, [0, 0], 0, 0)
    assert await bench.command(2, ThreadPage.POP, FROM_A) == MailStatus.LOST
    await bench.compare_all()


@cocotb.test()
async def dying_endpoint_leaves_nothing(dut):
    """An endpoint dies with a full queue, one message open in a page and in a context, and one staged: its queue's next
    endpoint, and the next owner of page and context, read nothing of it, in no entry."""
    bench = await begin(dut)
    depth, other = bench.config.depth, 0xdddd
    for number in range(depth):
        await bench.send(3, TO_A, message(number), [5, number])
    await bench.command(3, ThreadPage.RECEIVE, FROM_A)
    await execute_as(bench, 0, *puts(message(50)))
    await bench.write(queue_register(0, QueueWord.BINDING), 0)
    assert await bench.head(3) == ([0] * 8, [0, 0], 0, 0)
    assert await bench.command(3, ThreadPage.POP, FROM_A) == MailStatus.UNBOUND
    done, _ = await execute_as(bench, 0, ("mail.send", TO_A))
    assert done == [MailStatus.UNBOUND.value]
    bench.unit.capabilities[SENDER, 0x99] = Capability(other, Rights.SEND | Rights.RECEIVE, 77)
    await bench.bind_queue(0, other)
    await bench.bind_context(0, SENDER)
    assert await bench.read(ControlPage.PENDING) == 0
    for _ in range(2 * depth):
        assert await bench.command(1, ThreadPage.RECEIVE, 0x99) == MailStatus.NO_MESSAGE
        assert await bench.head(1) == ([0] * 8, [0, 0], 0, 0)
        done, _ = await execute_as(bench, 0, ("mail.receive", 0x99), *GETS, "mail.pop")
        assert done == [MailStatus.NO_MESSAGE.value] + [0] * 8 + [LOST]
        # One word is stored, the rest of the entry is the new owner's zeros.
        assert await bench.send(1, 0x99, [1]) == MailStatus.OK
        done, _ = await execute_as(bench, 0, ("mail.receive", 0x99), *GETS, "mail.pop")
        assert done == [OK, 1] + [0] * 7 + [OK | 77 << 32]
    await bench.compare_all()


@cocotb.test()
async def capabilities_do_not_travel_by_instructions(dut):
    """A message with capabilities is the kernel's to receive; one that a context sends has none."""
    bench = await begin(dut)
    assert await bench.send(3, TO_A, message(1), [5, 6]) == MailStatus.OK
    await bench.receive(3, FROM_A)
    for _ in range(bench.config.depth):
        await execute_as(bench, 0, *sending(message(2)))
        _, (_, capabilities, *_) = await bench.receive(3, FROM_A)
        assert capabilities == [0, 0]
    await bench.send(3, TO_A, message(1), [0, 6])
    done, _ = await execute_as(bench, 1, *receiving())
    assert done == [MailStatus.NEEDS_KERNEL.value] + [0] * 8 + [LOST]


@cocotb.test()
async def unit_that_never_answers_an_instruction(dut):
    """UNDECIDED in time. While an instruction waits that is not committed, the window answers: what is older may be
    an access to it."""
    bench = await begin(dut)
    unit, bus = bench.unit, bench.bus
    unit.mute = True
    done, cycles = await bench.hart.run(sending(message(1)))
    assert done[-1].data == MailStatus.UNDECIDED.value
    assert bench.config.check_timeout <= cycles <= bench.config.check_timeout + 20
    unit.mute = False
    await bus.tick(10)
    bench.hart.context = 1
    running = cocotb.start_soon(bench.hart.run([("mail.receive", FROM_A), ("mail.pop",)], hold={0: 200}))
    for _ in range(20):
        for address in (ControlPage.PENDING, thread(2, ThreadPage.MESSAGE), queue_register(1, QueueWord.BINDING)):
            value = await bus.read(address)
            assert value == bench.model.read(address) and bus.took == 2
    done, _ = await running
    assert [one.data for one in done] == [MailStatus.NO_MESSAGE.value, LOST]


@cocotb.test()
async def pages_and_instructions_take_turns(dut):
    """Neither a hart that sends without pause nor a page that does keeps the other from its turn."""
    bench = await begin(dut)
    bench.unit.latency = (3, 3)
    running = cocotb.start_soon(bench.hart.run([("mail.receive", TO_A)] * 60))
    answered = 0
    while not running.done():
        await bench.bus.write(thread(2, ThreadPage.RECEIVE), FROM_B)
        while await bench.bus.read(thread(2, ThreadPage.STATUS)) == MailStatus.BUSY.value:
            pass
        answered += 1
    done, _ = await running
    assert {one.data for one in done} == {MailStatus.MISSING_RIGHTS.value}
    assert answered >= 25, answered


@cocotb.test()
async def reset_forgets_instructions(dut):
    bench = await begin(dut)
    await execute_as(bench, 0, *sending(message(1)), *puts(message(2)))
    await execute_as(bench, 1, ("mail.receive", FROM_A))
    await bench.reset()
    await bench.read(context_register(0))
    for _ in range(600):
        await bench.bus.tick()
    for context, space in enumerate((SENDER, RECEIVER)):
        await bench.bind_context(context, space)
    await bench.bind_queue(0, A)
    done, _ = await execute_as(bench, 1, *GETS, "mail.pop", ("mail.receive", FROM_A))
    assert done == [0] * 8 + [LOST, MailStatus.NO_MESSAGE.value]
    assert (await execute_as(bench, 0, ("mail.send", TO_A)))[0] == [RETRY]
    await bench.write(page_register(1), SENDER | 1 << 32)


@cocotb.test()
async def instruction_cycles(dut):
    """The figures of the datasheet, with a unit that answers in the cycle after it takes the request."""
    bench = await begin(dut)
    figures = {}
    _, figures["enqueue, 64 bytes"] = await execute_as(bench, 0, *sending(message(1)))
    await bench.bus.tick(20)
    _, figures["dequeue, 64 bytes"] = await execute_as(bench, 1, *receiving())
    burst = []
    for number in range(bench.config.depth):
        burst += sending(message(number))
    _, cycles = await execute_as(bench, 0, *burst)
    figures["enqueue, sustained"] = cycles / bench.config.depth
    await bench.bus.tick(20)
    burst = receiving() * bench.config.depth
    _, cycles = await execute_as(bench, 1, *burst)
    figures["dequeue, sustained"] = cycles / bench.config.depth
    # One thread that does both: words staged, sent; the message that is open read while this one is stored, removed;
    # the next one opened.
    bench.unit.capabilities[SENDER, FROM_A] = Capability(A, Rights.RECEIVE)
    await execute_as(bench, 0, *sending(message(1)), ("mail.receive", FROM_A))
    both = [*sending(message(2)), *GETS, "mail.pop", ("mail.receive", FROM_A)] * 8
    _, cycles = await execute_as(bench, 0, *both)
    figures["enqueue and dequeue, sustained"] = cycles / 8
    cocotb.log.info("FIGURES %r", figures)
    assert figures == {
        "enqueue, 64 bytes": 7,
        "dequeue, 64 bytes": 12,
        "enqueue, sustained": 10.75,
        "dequeue, sustained": 12,
        "enqueue and dequeue, sustained": 21,
    }
