"""What the mailbox's benches drive it with: a Wishbone initiator, a stand-in for the capability unit, the model."""

import os
import random
from dataclasses import dataclass

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from hw.abi import PAGE_BYTES, CapType, MailStatus, Rights, Verdict
from hw.capability.check import CheckRequest, CheckResponse
from hw.mailbox.config import FAULTS, MAX_QUEUES, MailboxConfig
from hw.mailbox.mailbox import Mailbox
from hw.mailbox.model import MailboxModel
from hw.mailbox.registers import (
    QUEUE_ROW_BYTES,
    SENDER_ROW_BYTES,
    WORD_BYTES,
    ControlPage,
    QueueWord,
    SenderWord,
    ThreadPage,
)
from tests.hw.mailbox.port_driver import Hart
from tests.hw.wishbone_bus import Initiator

#: The configurations that test_mailbox.py builds, by name.
CONFIGS = {
    "default": MailboxConfig(contexts=2, senders=5, check_timeout=200, faults=FAULTS),
    "small": MailboxConfig(queues=3, depth=1, pages=2, senders=1, contexts=0, check_timeout=64),
    "harts": MailboxConfig(harts=2, contexts=2, queues=3, pages=3, senders=1, check_timeout=200, faults=FAULTS),
    "wide": MailboxConfig(queues=MAX_QUEUES, pages=2, senders=2, check_timeout=64),
}

#: Cycles after reset that nothing has to be waited for longer than.
PATIENCE = 5000


def component():
    """The mailbox of the benches, its configuration by the environment."""
    return Mailbox(CONFIGS[os.environ.get("MAILBOX", "default")])


def queue_register(queue, word):
    return ControlPage.QUEUES + queue * QUEUE_ROW_BYTES + word * WORD_BYTES


def sender_register(sender, word):
    return ControlPage.SENDERS + sender * SENDER_ROW_BYTES + word * WORD_BYTES


def page_register(page):
    return ControlPage.PAGES + page * WORD_BYTES


def context_register(context):
    return ControlPage.CONTEXTS + context * WORD_BYTES


def thread(page, offset, index=0):
    return page * PAGE_BYTES + offset + index * WORD_BYTES


class Bus:
    """Wishbone initiator. Drives and samples between rising edges; `cycles` counts them.

    `gap` cycles without `cyc` follow each access: an arbiter hands a shared bus on in these only.
    """

    def __init__(self, dut, *, gap=0):
        self.dut = dut
        self.gap = gap
        self.cycles = 0
        #: Cycles of the last access, from the first with `stb` to the one with the acknowledge.
        self.took = 0

    async def tick(self, count=1):
        for _ in range(count):
            await FallingEdge(self.dut.clk)
            self.cycles += 1

    async def access(self, address, write, value=0, select=0xff):
        """(acknowledged, data)."""
        dut = self.dut
        dut.bus_adr.value, dut.bus_we.value = address // WORD_BYTES, int(write)
        dut.bus_dat_w.value, dut.bus_sel.value = value, select
        dut.bus_cyc.value = dut.bus_stb.value = 1
        began = self.cycles
        while True:
            await self.tick()
            acknowledged, refused = int(dut.bus_ack.value), int(dut.bus_err.value)
            assert not (acknowledged and refused)
            if acknowledged or refused:
                data = int(dut.bus_dat_r.value) if acknowledged else 0
                break
            assert self.cycles - began < PATIENCE, f"no acknowledge at {address:#x}"
        # The acknowledge counts at the next rising edge.
        await self.tick()
        self.took = self.cycles - began
        dut.bus_cyc.value = dut.bus_stb.value = 0
        await self.tick(self.gap)
        return bool(acknowledged), data

    async def read(self, address):
        acknowledged, data = await self.access(address, False)
        return data if acknowledged else None

    async def write(self, address, value, select=0xff):
        acknowledged, _ = await self.access(address, True, value, select)
        return acknowledged


class LibraryBus(Bus):
    """The same by the Wishbone library's master, for who does not count the cycles of an access."""

    def __init__(self, dut):
        super().__init__(dut)
        self._initiator = Initiator(dut, "bus")

    async def access(self, address, write, value=0, select=0xff):
        answer = await self._initiator.access(address, value if write else None, select)
        await self.tick()
        return answer


@dataclass(frozen=True)
class Capability:
    """What a handle names in a space, as far as a check can tell."""

    object_id: int
    rights: Rights
    badge: int = 0
    cap_type: CapType = CapType.ENDPOINT
    #: The verdict that a check gives before it looks at type and rights.
    state: Verdict = Verdict.OK


class Unit:
    """Behavioural stand-in for the capability unit.

    `latency` and `stall` are ranges of cycles to answer and to take a request; `deaf` takes nothing, `mute` answers
    nothing.
    """

    def __init__(self, dut):
        self.dut = dut
        self.capabilities = {}
        self.latency, self.stall = (1, 1), (0, 0)
        self.deaf = self.mute = False
        self.asked = []
        self.unknown_verdict = None

    def check(self, space, handle, cap_type, rights):
        capability = self.capabilities.get((space, handle))
        if capability is None:
            return Verdict.BAD_HANDLE, 0, 0
        if capability.state != Verdict.OK:
            return capability.state, 0, 0
        if capability.cap_type != cap_type:
            return Verdict.WRONG_TYPE, 0, 0
        if rights & ~capability.rights:
            return Verdict.MISSING_RIGHTS, 0, 0
        return Verdict.OK, capability.object_id, capability.badge

    async def serve(self):
        dut = self.dut
        request_shape, response_shape = CheckRequest.as_shape(), CheckResponse.as_shape()
        dut.check_request_ready.value = dut.check_response_valid.value = 0
        offered, wait_take, answers = None, 0, []
        while True:
            await FallingEdge(dut.clk)
            if int(dut.rst.value):
                answers, offered = [], None
                dut.check_request_ready.value = dut.check_response_valid.value = 0
                continue
            # What the rising edge before this one transferred.
            if int(dut.check_request_ready.value) and offered is not None:
                query, space = request_shape.from_bits(offered).query, request_shape.from_bits(offered).space
                self.asked.append((space, query.handle, query.cap_type, query.rights))
                answers.append([random.randint(*self.latency), (space, query)])
                offered = None
            if int(dut.check_response_valid.value) and self.response_taken:
                answers.pop(0)
            # What comes next.
            ready = 0
            if int(dut.check_request_valid.value):
                payload = int(dut.check_request_payload.value)
                if offered is None:
                    offered, wait_take = payload, random.randint(*self.stall)
                assert payload == offered, "a request changed while it was offered"
                ready = int(wait_take <= 0 and not self.deaf and not answers)
                wait_take -= 1
            else:
                assert offered is None, "a request was withdrawn"
            dut.check_request_ready.value = ready
            valid = 0
            if answers and not self.mute:
                answers[0][0] -= 1
                if answers[0][0] <= 0:
                    valid = 1
                    space, query = answers[0][1]
                    verdict, object_id, badge = self.check(space, query.handle, CapType(query.cap_type),
                                                           Rights(query.rights))
                    number = verdict.value if self.unknown_verdict is None else self.unknown_verdict
                    fields = {"object_id": object_id, "badge": badge}
                    dut.check_response_payload.value = response_shape.const(fields).as_bits() | number
            dut.check_response_valid.value = valid
            self.response_taken = False
            if valid:
                cocotb.start_soon(self._watch_response())

    async def _watch_response(self):
        """`ready` depends on this cycle's bus access, so look just before the rising edge."""
        from cocotb.triggers import Timer
        await Timer(4, unit="ns")
        self.response_taken = bool(int(self.dut.check_response_ready.value))


class Bench:
    """A mailbox out of reset, with its model beside it."""

    def __init__(self, dut, bus=Bus):
        self.dut = dut
        self.config = CONFIGS[os.environ.get("MAILBOX", "default")]
        self.bus = bus(dut)
        self.unit = Unit(dut)
        self.model = MailboxModel(self.config, self.unit.check)
        #: Each with a port. `hart` is the first one, which `execute` means.
        self.harts = [Hart(dut, f"port_{number}", number) for number in range(self.config.harts)]
        if self.config.harts == 1:
            self.harts = [Hart(dut)] if self.config.contexts else []
        self.hart = self.harts[0] if self.harts else None

    @classmethod
    async def start(cls, dut, bus=Bus):
        self = cls(dut, bus)
        if self.config.faults:
            name = os.environ.get("FAULT")
            dut.fault.value = 1 << self.config.faults.index(name) if name else 0
        Clock(dut.clk, 10, unit="ns").start()
        cocotb.start_soon(self.unit.serve())
        await self.reset()
        return self

    async def reset(self):
        self.dut.bus_cyc.value = self.dut.bus_stb.value = 0
        self.dut.rst.value = 1
        await self.bus.tick(2)
        self.dut.rst.value = 0
        self.model.reset()

    # Each access goes to both, and both have to say the same.

    async def read(self, address):
        value, expected = await self.bus.read(address), self.model.read(address)
        assert value == expected, f"read {address:#x}: {value!r}, model {expected!r}"
        return value

    async def write(self, address, value, select=0xff):
        done, expected = await self.bus.write(address, value, select), self.model.write(address, value, select)
        assert done == expected, f"write {address:#x}: {done}, model {expected}"
        return done

    async def status(self, page):
        """Status of a page once its command is finished."""
        for _ in range(PATIENCE):
            value = await self.bus.read(thread(page, ThreadPage.STATUS))
            if value != MailStatus.BUSY.value:
                return MailStatus(value)
        raise AssertionError(f"page {page} stays busy")

    async def command(self, page, register, handle):
        """Give a command, wait for its end, compare."""
        await self.write(thread(page, register), handle, 0x0f)
        status, expected = await self.status(page), self.model.pages[page].status
        assert status == expected, f"page {page} {register.name}: {status}, model {expected}"
        await self.compare_lines()
        return status

    async def compare_lines(self):
        """Interrupt line, once the copy that may follow a command is done."""
        pending = await self.read(ControlPage.PENDING)
        irq = int(self.dut.irq.value)
        assert irq == self.model.irq, f"interrupt line {irq}, pending {pending:#x}"

    async def bind_page(self, page, space, *, enabled=True, kernel=False):
        await self.write(page_register(page), space | enabled << 32 | kernel << 33)

    async def bind_queue(self, queue, endpoint, *, enabled=True):
        await self.write(queue_register(queue, QueueWord.BINDING), endpoint | enabled << 32)

    async def bind_context(self, context, space, *, enabled=True):
        await self.write(context_register(context), space | enabled << 32)

    async def execute(self, *program, **how):
        """Execute instructions, (name, rs1, rs2) each, and compare; what rd received, and the cycles."""
        program = [(one,) if isinstance(one, str) else one for one in program]
        done, cycles = await self.hart.run(program, **how)
        for instruction, one in zip(program, done, strict=True):
            assert one.accepted, instruction
            if one.killed:
                continue
            expected = self.model.execute(self.hart.context, *instruction)
            assert one.data == expected, f"{instruction}: {one.data!r}, model {expected!r}"
        return [one.data for one in done], cycles

    async def forget(self):
        self.model.forget()
        await self.hart.forget()

    async def limit(self, sender, space, period, window, *, enabled=True):
        """Give a space a token bucket."""
        await self.write(sender_register(sender, SenderWord.BINDING), space | enabled << 32)
        await self.write(sender_register(sender, SenderWord.RATE), period | window << 32)

    async def stage(self, page, words, capabilities=()):
        for index, word in enumerate(words):
            await self.write(thread(page, ThreadPage.MESSAGE, index), word)
        for index, word in enumerate(capabilities):
            await self.write(thread(page, ThreadPage.CAPABILITIES, index), word)

    async def send(self, page, handle, words, capabilities=()):
        await self.stage(page, words, capabilities)
        return await self.command(page, ThreadPage.SEND, handle)

    async def head(self, page):
        """All that a page sees of the open message: words, capabilities, badge, sender."""
        words = [await self.read(thread(page, ThreadPage.HEAD_MESSAGE, index)) for index in range(8)]
        capabilities = [await self.read(thread(page, ThreadPage.HEAD_CAPABILITIES, index)) for index in range(2)]
        return (words, capabilities, await self.read(thread(page, ThreadPage.HEAD_BADGE)),
                await self.read(thread(page, ThreadPage.HEAD_SENDER)))

    async def staging(self, page):
        return [await self.read(thread(page, ThreadPage.MESSAGE, index)) for index in range(8)]

    async def receive(self, page, handle):
        """Take one message: open, read, pop. (status, what was read)."""
        status = await self.command(page, ThreadPage.RECEIVE, handle)
        if status != MailStatus.OK:
            return status, None
        seen = await self.head(page)
        return await self.command(page, ThreadPage.POP, handle), seen

    async def compare_all(self):
        """Every register that can be read."""
        for base in range(0, ControlPage.QUEUES, WORD_BYTES):
            await self.read(base)
        for queue in range(self.config.queues):
            for word in QueueWord:
                await self.read(queue_register(queue, word))
        for sender in range(self.config.senders):
            for word in SenderWord:
                await self.read(sender_register(sender, word))
        for page in range(1, self.config.pages + 1):
            for offset in range(0, 0x180, WORD_BYTES):
                await self.read(thread(page, offset))


def message(seed):
    """Eight words that no other seed gives."""
    return [(seed << 32 | 0xa000 + index) * 0x1_0001 & (1 << 64) - 1 for index in range(8)]
