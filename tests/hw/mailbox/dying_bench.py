"""Attacks: sends to an endpoint that dies, or by a capability that is revoked, at every moment; with the real unit."""

import os

import cocotb

from hw.abi import MailStatus, Rights
from hw.capability.config import FAULTS as UNIT_FAULTS
from hw.capability.window import WindowCommand
from hw.mailbox.config import FAULTS as MAILBOX_FAULTS
from hw.mailbox.registers import ControlPage, QueueWord, ThreadPage
from soc.memory_map import region
from tests.hw.mailbox.driver import context_register, message, queue_register, thread
from tests.hw.mailbox.unit_bench import ENDPOINTS, SENDER, TAG, begin
from tests.hw.mailbox.unit_system import UnitSystem

MAILBOX, UNIT = region("mailbox").base, region("capability_unit").base
ENDPOINT, QUEUE, OTHER = ENDPOINTS[0], 0, ENDPOINTS[2]
RIGHTS = Rights.SEND | Rights.RECEIVE
#: What a send may come to, by what has happened to its capability.
REFUSALS = {"revoked": MailStatus.EMPTY, "dead": MailStatus.STALE}
#: Cycles between the send and the kernel's change. A miss walks the tables over a bus with wait states.
MOMENTS = {"hit": range(0, 24), "miss": range(0, 64, 2)}


def component():
    """What the bench is about."""
    return UnitSystem()


class Stage:
    """A sender with a page and a context, its endpoint's queue, and a kernel that takes one of them away."""

    def __init__(self, system):
        self.system = system

    async def set_up(self, cached):
        """Capability and endpoint are alive, the queue is empty; the unit knows the slot or nothing."""
        system = self.system
        system.kernel.object(ENDPOINT, generation=2)
        system.kernel.slot(SENDER, 0, object_id=ENDPOINT, tag=TAG, generation=2, rights=RIGHTS, badge=1)
        await system.unit_command(WindowCommand.INVALIDATE_ALL)
        await self.bind(ENDPOINT)
        if cached:
            await system.unit_command(WindowCommand.INSTALL, system.handles[0], SENDER)
        # Operands first: a change is then one store behind another.
        await system.unit_write("operand1", system.handles[0])
        await system.unit_write("operand2", SENDER)

    async def bind(self, endpoint):
        assert await self.system.bus.write(MAILBOX + queue_register(QUEUE, QueueWord.BINDING), endpoint | 1 << 32)

    async def fill(self):
        return await self.system.bus.read(MAILBOX + queue_register(QUEUE, QueueWord.FILL))

    async def take_away(self, how):
        """The kernel's side: change the tables, have it forgotten, wait for that."""
        system = self.system
        if how == "revoked":
            system.kernel.slot(SENDER, 0, object_id=ENDPOINT, tag=TAG, generation=2, rights=RIGHTS, badge=1, valid=0)
            await system.unit_write("command", WindowCommand.INVALIDATE_SLOT.value)
        else:
            system.kernel.object(ENDPOINT, generation=3)
            await system.unit_write("operand1", ENDPOINT)
            await system.unit_write("command", WindowCommand.INVALIDATE_OBJECT.value)
        while await system.bus.read(UNIT + system.offsets["status"]) & 1:
            pass

    async def ends(self, how, statuses):
        """After the acknowledge: what the queue holds it was sent before, and from now on nothing passes."""
        system = self.system
        before = await self.fill()
        status = await statuses()
        assert status in (MailStatus.OK, REFUSALS[how]), status
        assert before == (status == MailStatus.OK), "stored after the acknowledge, or not stored"
        assert await self.by_page(message(1)) == REFUSALS[how]
        assert await self.by_instructions(message(2)) == REFUSALS[how]
        assert await self.fill() == before
        # The queue gets its next owner: nothing of before is there.
        await self.bind(OTHER)
        assert await self.fill() == 0 and await system.bus.read(MAILBOX + ControlPage.PENDING) == 0
        return status

    async def page_status(self):
        while (status := await self.system.bus.read(MAILBOX + thread(1, ThreadPage.STATUS))) == MailStatus.BUSY.value:
            pass
        return MailStatus(status)

    async def stage_words(self, words):
        for index, word in enumerate(words):
            assert await self.system.bus.write(MAILBOX + thread(1, ThreadPage.MESSAGE, index), word)

    async def ring(self):
        assert await self.system.bus.write(MAILBOX + thread(1, ThreadPage.SEND), self.system.handles[0])

    async def by_page(self, words):
        await self.stage_words(words)
        await self.ring()
        return await self.page_status()

    async def by_instructions(self, words):
        program = [*((f"mail.put{pair}", words[2 * pair], words[2 * pair + 1]) for pair in range(4)),
                   ("mail.send", self.system.handles[0])]
        done, _ = await self.system.hart.run(program, privilege=1)
        return MailStatus(done[-1].data)


async def prepare(dut):
    planted = set(filter(None, os.environ.get("FAULTS", "").split(",")))
    for port, known in ((dut.unit_faults, UNIT_FAULTS), (dut.mailbox_faults, MAILBOX_FAULTS)):
        port.value = sum(1 << known.index(fault) for fault in planted & set(known))
    system = await begin(dut)
    assert await system.bus.write(MAILBOX + context_register(0), SENDER | 1 << 32)
    return Stage(system)


def both_ways(seen, how, cached):
    """Some came before and some after, or the moments were not those that count."""
    assert set(seen) == {MailStatus.OK, REFUSALS[how]}, (how, cached, seen)


@cocotb.test()
async def taken_away_during_a_send_by_page(dut):
    """Revoked, or its endpoint dead, in every cycle behind the doorbell: refused, or in the queue when acknowledged."""
    stage = await prepare(dut)
    for how in REFUSALS:
        for cached, moments in (True, MOMENTS["hit"]), (False, MOMENTS["miss"]):
            seen = []
            for moment in moments:
                await stage.set_up(cached)
                await stage.stage_words(message(moment))
                await stage.ring()
                await stage.system.bus.tick(moment)
                await stage.take_away(how)
                seen.append(await stage.ends(how, stage.page_status))
            if cached:
                # The doorbell's own access outlasts a hit.
                assert set(seen) <= {MailStatus.OK, REFUSALS[how]}
            else:
                both_ways(seen, how, cached)


@cocotb.test()
async def taken_away_during_a_send_by_instructions(dut):
    """The same in every cycle around `mail.send`."""
    stage = await prepare(dut)
    for how in REFUSALS:
        for cached, moments in (True, MOMENTS["hit"]), (False, MOMENTS["miss"]):
            seen = []
            for moment in moments:
                await stage.set_up(cached)
                taking = cocotb.start_soon(stage.take_away(how))
                # The send comes so much before the invalidate, or so much behind.
                await stage.system.bus.tick(moment) if cached else None
                sending = cocotb.start_soon(stage.by_instructions(message(moment)))
                await taking

                async def statuses(sending=sending):
                    return await sending
                seen.append(await stage.ends(how, statuses))
            cocotb.log.info("%s %s %s", how, cached, [status.name for status in seen])


@cocotb.test()
async def unbound_during_a_send(dut):
    """The queue itself is taken from the endpoint in every cycle behind the doorbell, and around `mail.send`: what was
    not in it before is in no queue."""
    stage = await prepare(dut)
    for by in ("page", "instructions"):
        seen = []
        for moment in MOMENTS["hit"]:
            await stage.set_up(True)
            if by == "page":
                await stage.stage_words(message(moment))
                await stage.ring()
                await stage.system.bus.tick(moment)
            else:
                sending = cocotb.start_soon(stage.by_instructions(message(moment)))
                await stage.system.bus.tick(moment)
            await stage.bind(OTHER)
            seen.append(await (stage.page_status() if by == "page" else sending))
            assert seen[-1] in (MailStatus.OK, MailStatus.UNBOUND, MailStatus.RETRY), seen
            assert await stage.fill() == 0
            assert await stage.system.bus.read(MAILBOX + ControlPage.PENDING) == 0
        assert MailStatus.OK in seen, seen
