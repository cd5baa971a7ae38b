"""The mailbox with the real capability unit, both on one bus, against the kernel's tables in memory."""

import random

import cocotb
from cocotb.clock import Clock
from cocotbext.wishbone.monitor import WishboneSlave

from hw.abi import CapType, MailStatus, Rights, Verdict
from hw.bus.register import registers
from hw.capability import model as capability_model
from hw.capability.unit import CapabilityUnit
from hw.capability.window import WindowCommand
from hw.mailbox.model import MailboxModel
from hw.mailbox.registers import ControlPage, QueueWord, ThreadPage
from soc.memory_map import region
from tests.hw.mailbox.driver import Bus, context_register, message, page_register, queue_register, thread
from tests.hw.mailbox.port_driver import Hart
from tests.hw.mailbox.unit_system import CONFIG, UnitSystem
from tests.hw.wishbone_bus import SIGNALS

SENDER, RECEIVER = 3, 5
ENDPOINTS = (7, 8, 9)
TAG = 0x1111


def component():
    """What the bench is about."""
    return UnitSystem()


class System:
    """The two, their memory and their model."""

    def __init__(self, dut):
        self.dut = dut
        self.bus = Bus(dut, gap=1)
        self.memory = capability_model.Memory()
        self.kernel = capability_model.KernelTables(self.memory)
        self.model = MailboxModel(CONFIG, self.check)
        unit = CapabilityUnit()
        unit._MustUse__silence = True
        self.offsets = {register.name: register.offset for register in registers(unit.window.memory_map)}
        self.reads = 0
        self.hart = Hart(dut)

    def check(self, space, handle, cap_type, rights):
        query = capability_model.query(handle, cap_type.value, rights.value)
        outcome = self.kernel.check(space, query)
        return outcome.verdict, outcome.object_id, outcome.badge

    def read_memory(self):
        """What the bus asks memory for, for as long as it does."""
        while True:
            self.reads += 1
            yield self.memory.read(int(self.dut.memory_adr.value) << 3)

    def wait_states(self):
        while True:
            yield random.choice([0, 0, 0, 1, 2])

    async def start(self):
        dut = self.dut
        Clock(dut.clk, 10, unit="ns").start()
        dut.rst.value = 1
        await self.bus.tick(3)
        dut.rst.value = 0
        self.responder = WishboneSlave(dut, "memory", dut.clk, width=64, signals_dict=SIGNALS,
                                       datgen=self.read_memory(), waitreplygen=self.wait_states())
        kernel = self.kernel
        for space in (SENDER, RECEIVER):
            kernel.space(space)
        for endpoint in ENDPOINTS:
            kernel.object(endpoint, generation=2)
        kernel.object(10, generation=2, live=0)
        everything = Rights.SEND | Rights.RECEIVE
        slots = [{"object_id": 7}, {"object_id": 8}, {"object_id": 9}, {"object_id": 7, "rights": Rights.SEND},
                 {"object_id": 7, "rights": Rights.RECEIVE}, {"object_id": 7, "cap_type": CapType.CHANNEL},
                 {"object_id": 10}, {"object_id": 7, "valid": 0}, {"object_id": 7, "generation": 1}]
        self.handles = []
        for index, fields in enumerate(slots):
            for space in (SENDER, RECEIVER):
                kernel.slot(space, index, **{"tag": TAG + index, "generation": 2, "rights": everything,
                                             "badge": space << 16 | index, **fields})
            self.handles.append(capability_model.handle(index, TAG + index))
        self.handles.append(capability_model.handle(0, TAG + 1))
        self.handles.append(capability_model.handle(4000, TAG))
        for name in ("space_base", "space_count", "slot_base", "slot_count", "object_base", "object_count"):
            await self.unit_write(name, getattr(kernel.tables, name))
        await self.unit_write("control", 1)

    async def unit_write(self, name, value):
        assert await self.bus.write(region("capability_unit").base + self.offsets[name], value)

    async def unit_command(self, command, operand1=0, operand2=0):
        await self.unit_write("operand1", operand1)
        await self.unit_write("operand2", operand2)
        await self.unit_write("command", WindowCommand(command).value)
        while await self.bus.read(region("capability_unit").base + self.offsets["status"]) & 1:
            pass

    async def write(self, address, value):
        done = await self.bus.write(region("mailbox").base + address, value)
        assert done == self.model.write(address, value)

    async def read(self, address):
        value = await self.bus.read(region("mailbox").base + address)
        assert value == self.model.read(address), f"{address:#x}: {value:#x}"
        return value

    async def command(self, page, register, handle):
        """(status, cycles from the store to it)."""
        await self.write(thread(page, register), handle)
        began = self.bus.cycles
        for _ in range(1000):
            status = await self.bus.read(region("mailbox").base + thread(page, ThreadPage.STATUS))
            if status != MailStatus.BUSY.value:
                break
        took = self.bus.cycles - began
        assert status == self.model.pages[page].status.value, \
            f"{MailStatus(status)}, model {self.model.pages[page].status}"
        return MailStatus(status), took

    async def stage(self):
        await self.write(page_register(1), SENDER | 1 << 32)
        await self.write(page_register(2), RECEIVER | 1 << 32)
        for queue, endpoint in enumerate(ENDPOINTS[:2]):
            await self.write(queue_register(queue, QueueWord.BINDING), endpoint | 1 << 32)


async def begin(dut):
    system = System(dut)
    await system.start()
    await system.stage()
    return system


@cocotb.test()
async def message_through_both(dut):
    """A message crosses; the first check walks the tables over the shared bus, the second hits."""
    system = await begin(dut)
    for round_number in range(2):
        for index, word in enumerate(message(round_number)):
            await system.write(thread(1, ThreadPage.MESSAGE, index), word)
        reads = system.reads
        status, sending = await system.command(1, ThreadPage.SEND, system.handles[0])
        assert status == MailStatus.OK
        assert (system.reads > reads) == (round_number == 0)
        status, receiving = await system.command(2, ThreadPage.RECEIVE, system.handles[0])
        assert status == MailStatus.OK
        assert [await system.read(thread(2, ThreadPage.HEAD_MESSAGE, index)) for index in range(8)] \
            == message(round_number)
        assert await system.read(thread(2, ThreadPage.HEAD_BADGE)) == SENDER << 16
        status, popping = await system.command(2, ThreadPage.POP, system.handles[0])
        assert status == MailStatus.OK
    cocotb.log.info("HIT send %d receive %d pop %d", sending, receiving, popping)
    # Two polls of three cycles, as after the unit of the other benches.
    assert max(sending, receiving, popping) == 6


@cocotb.test()
async def instructions_through_both(dut):
    """By one port: a message, checks between its instructions, and an invalidate that closes the open message."""
    system = await begin(dut)
    handle, words = system.handles[0], message(3)
    await system.write(context_register(0), SENDER | 1 << 32)
    query = capability_model.query(handle, CapType.ENDPOINT.value, Rights.SEND.value)
    check = ("cap.badge", query, SENDER)
    badge = capability_model.answer(Verdict.OK, SENDER << 16)
    sending = [*((f"mail.put{pair}", words[2 * pair], words[2 * pair + 1]) for pair in range(4)), ("mail.send", handle)]
    receiving = [("mail.receive", handle), *((f"mail.get{word}",) for word in range(8)), ("mail.pop",)]

    async def run(*program, **how):
        done, cycles = await system.hart.run(program, privilege=1, **how)
        assert all(one.accepted for one in done)
        return [one.data for one in done], cycles

    ok = MailStatus.OK.value
    for kill in ((), {2}, {5}):
        mixed = [instruction for one in sending for instruction in (check, one)]
        await run(*mixed[:max(kill, default=-1) + 1], kill=kill)
        done, _ = await run(*mixed[max(kill, default=0):])
        assert {data for data in done if data is not None} == {badge, ok} and done[-1] == ok
        done, _ = await run(*receiving)
        assert done == [ok, *words, ok | SENDER << 48]
        await system.bus.tick(5)
    _, sent = await run(*sending)
    await system.bus.tick(20)
    _, received = await run(*receiving)
    assert (sent, received) == (7, 12)
    # The table changes, and who receives then has no right any more.
    await run(*sending)
    done, _ = await run(("mail.receive", handle), ("mail.get0",))
    assert done == [ok, words[0]]
    system.kernel.slot(SENDER, 0, object_id=7, tag=TAG, generation=2, valid=0)
    done, _ = await run(("cap.inv.slot", handle, SENDER), *receiving[1:], *receiving)
    assert done == [0, *[0] * 8, MailStatus.LOST.value, MailStatus.EMPTY.value, *[0] * 8, MailStatus.LOST.value]


@cocotb.test()
async def every_verdict(dut):
    """Each slot of the tables, by both pages and all commands."""
    system = await begin(dut)
    seen = set()
    for handle in system.handles:
        for page in (1, 2):
            for register in (ThreadPage.SEND, ThreadPage.RECEIVE, ThreadPage.POP):
                status, _ = await system.command(page, register, handle)
                seen.add(status)
    assert seen >= {MailStatus(verdict.value) for verdict in Verdict if verdict != Verdict.UNDECIDED}
    assert MailStatus.UNBOUND in seen
    await system.unit_write("control", 0)
    system.kernel.check = lambda space, query: capability_model.Outcome(Verdict.UNDECIDED)
    assert (await system.command(1, ThreadPage.SEND, system.handles[0]))[0] == MailStatus.UNDECIDED


@cocotb.test()
async def revoked_sender(dut):
    """From the end of an invalidate on, the capability that it was about sends nothing."""
    system = await begin(dut)
    assert (await system.command(1, ThreadPage.SEND, system.handles[0]))[0] == MailStatus.OK
    system.kernel.slot(SENDER, 0, object_id=7, tag=TAG, generation=2, valid=0)
    await system.unit_command(WindowCommand.INVALIDATE_SLOT, system.handles[0], SENDER)
    assert (await system.command(1, ThreadPage.SEND, system.handles[0]))[0] == MailStatus.EMPTY
    assert await system.read(queue_register(0, QueueWord.FILL)) == 1
    # The endpoint dies: nobody's capability works any more.
    assert (await system.command(2, ThreadPage.RECEIVE, system.handles[0]))[0] == MailStatus.OK
    system.kernel.object(7, generation=3)
    await system.unit_command(WindowCommand.INVALIDATE_OBJECT, 7)
    assert (await system.command(2, ThreadPage.POP, system.handles[0]))[0] == MailStatus.STALE


@cocotb.test()
async def random_commands(dut):
    """Any commands with any handles, on a bus with wait states."""
    system = await begin(dut)
    for _ in range(250):
        page = random.choice((1, 2))
        if random.random() < 0.3:
            await system.write(thread(page, ThreadPage.MESSAGE, random.randrange(8)), random.getrandbits(64))
        if random.random() < 0.05:
            await system.unit_command(WindowCommand.INVALIDATE_SPACE, 0, random.choice((SENDER, RECEIVER)))
        register = random.choice((ThreadPage.SEND, ThreadPage.SEND, ThreadPage.RECEIVE, ThreadPage.POP,
                                  ThreadPage.NEXT))
        handle = random.choice(system.handles[:3] if random.random() < 0.7 else system.handles)
        await system.command(page, register, handle)
        for index in range(0, 8, 3):
            await system.read(thread(page, ThreadPage.HEAD_MESSAGE, index))
        await system.read(ControlPage.PENDING)
