"""Behavioural models around the capability unit for its cocotb benches: core, memory, window master, checker.

Inputs change after the rising edge; outputs are looked at after the falling edge of the same cycle.
"""

import os
import random
from collections import deque
from dataclasses import dataclass, field

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from hw.abi import CUSTOM_0, INSTRUCTIONS, CapType, RevokeAnswer, RevokeState, Rights, Verdict
from hw.bus.register import registers
from hw.bus.wishbone import CycleType
from hw.capability import model
from hw.capability.check import CheckRequest, CheckResponse
from hw.capability.config import FAULTS, CapabilityUnitConfig
from hw.capability.lookaside import LineFlip
from hw.capability.revoke_model import Revocation
from hw.capability.unit import CapabilityUnit
from hw.capability.window import WindowCommand
from hw.core.port import Privilege
from tests.hw.cocotb_bench import seed_of_run
from tests.hw.wishbone_bus import Initiator

BY_NAME = {instruction.name: instruction for instruction in INSTRUCTIONS}


#: By the name in the environment: small enough that lines are thrown out, or with as many lines as in the system; with
#: every fault at hand. Or without a revocation engine.
CONFIGS = {name: CapabilityUnitConfig(lines=lines, ways=2, max_walk_cycles=200, revocation=revocation,
                                      error_injection=True, fault_inputs=True)
           for name, lines, revocation in (("small", 16, True), ("large", CapabilityUnitConfig.lines, True),
                                           ("software", 16, False))}


def _config():
    return CONFIGS[os.environ.get("CAPABILITY", "small")]


#: In a bench: of the unit under test.
CONFIG = _config()


def component():
    """The unit of the benches."""
    return CapabilityUnit(_config())


def encode(name, *, rd=10, rs1=11, rs2=12):
    """Instruction word."""
    instruction = BY_NAME[name]
    return (instruction.funct7 << 25 | rs2 << 20 | rs1 << 15 | instruction.funct3 << 12 | rd << 7 | CUSTOM_0)


@dataclass
class Op:
    """One instruction for the core model, and what became of it."""

    insn: int
    rs1: int = 0
    rs2: int = 0
    privilege: Privilege = Privilege.SUPERVISOR
    kill: bool = False
    #: Cycles from issue to commit, at least 1.
    commit_after: int = 1
    #: Cycles that the core leaves the result lying.
    take_after: int = 0
    #: Cycles without issue before it.
    gap: int = 0

    accepted: bool | None = None
    fence: bool | None = None
    issued: int | None = None
    committed: int | None = None
    offered: int | None = None
    taken: int | None = None
    data: int | None = None

    @property
    def verdict(self):
        return Verdict(self.data & 0xff)

    @property
    def value(self):
        return self.data >> 32


def op(name, rs1=0, rs2=0, **more):
    """One instruction by name."""
    return Op(encode(name), rs1, rs2, **more)


@dataclass
class Bus:
    """How memory answers: wait states, and addresses that fail or never answer."""

    wait: tuple[int, int] = (0, 0)
    silent: set = field(default_factory=set)
    #: Addresses that were read, and in which cycles.
    reads: list = field(default_factory=list)
    read_cycles: list = field(default_factory=list)
    #: Called with each address as it is read.
    on_read: object = None
    #: The revocation engine's transfers (address, whether it was a store), and cycles in which it had the bus.
    transfers: list = field(default_factory=list)
    held: int = 0
    #: Called with address and store or not before each of them; True: the bus fails it, "silent": it hangs.
    on_transfer: object = None
    #: It hangs, until somebody clears this.
    hung: bool = False


class Bench:
    """The unit, its memory and its tables."""

    def __init__(self, dut, *, seed=None, **tables):
        self.dut = dut
        self.random = random.Random(seed_of_run() if seed is None else seed)
        self.memory = model.Memory()
        self.kernel = model.KernelTables(self.memory, **tables)
        self.bus = Bus()
        self.cycle = 0
        unit = component()
        unit._MustUse__silence = True
        self.registers = {register.name: register.offset for register in registers(unit.window.memory_map)}
        self.initiator = Initiator(dut, "window")

    async def start(self, *, configure=True, faults=()):
        """Clock, reset, agents; then table registers and the enable bit."""
        dut = self.dut
        planted = set(faults) | set(filter(None, os.environ.get("FAULTS", "").split(",")))
        dut.faults.value = sum(1 << FAULTS.index(name) for name in planted)
        dut.check_response_ready.value = 1
        dut.rst.value = 1
        self._clock = Clock(dut.clk, 10, unit="ns")
        self._clock.start()
        cocotb.start_soon(self._count())
        cocotb.start_soon(self._memory())
        if CONFIG.revocation:
            cocotb.start_soon(self._revoker_memory())
        await self.cycles(3)
        dut.rst.value = 0
        if configure:
            await self.configure()

    async def configure(self, **changes):
        """Write the table registers and enable the unit."""
        for name in ("space_base", "space_count", "slot_base", "slot_count", "object_base", "object_count"):
            await self.write(name, changes.get(name, getattr(self.kernel.tables, name)))
        await self.write("control", 1)
        await self.idle()
        #: Invalidates that the configuration itself caused.
        self.flushes = await self.read("invalidations")

    async def reset(self):
        """Press the reset button for a cycle."""
        self.dut.rst.value = 1
        await self.cycles(1)
        self.dut.rst.value = 0

    async def cycles(self, count):
        for _ in range(count):
            await RisingEdge(self.dut.clk)

    async def _count(self):
        while True:
            await RisingEdge(self.dut.clk)
            self.cycle += 1

    def deadline(self, cycles=4000):
        """A function to call in a loop that must end; it raises when it has not by then."""
        end = self.cycle + cycles

        def check():
            assert self.cycle < end, f"nothing came in {cycles} cycles"
        return check

    # -- Memory behind the walker.

    async def _memory(self):
        dut, bus = self.dut, self.bus
        waiting = None
        while True:
            await FallingEdge(dut.clk)
            request = int(dut.walker_cyc.value) and int(dut.walker_stb.value)
            answering = int(dut.walker_ack.value) or int(dut.walker_err.value)
            answer = None
            if request and not answering:
                assert int(dut.walker_we.value) == 0, "the walker never writes"
                assert int(dut.walker_sel.value) == 0xff
                address = int(dut.walker_adr.value) << 3
                if waiting is None:
                    waiting = self.random.randint(*bus.wait)
                if address not in bus.silent:
                    if waiting == 0:
                        answer, waiting = address, None
                    else:
                        waiting -= 1
            elif not request:
                waiting = None
            await RisingEdge(dut.clk)
            ack = error = data = 0
            if answer is not None:
                bus.reads.append(answer)
                bus.read_cycles.append(self.cycle)
                if bus.on_read:
                    bus.on_read(answer)
                try:
                    data, ack = self.memory.read(answer), 1
                except model.BusError:
                    error = 1
            dut.walker_ack.value, dut.walker_err.value, dut.walker_dat_r.value = ack, error, data

    # -- Memory behind the revocation engine.

    async def _revoker_memory(self):
        """Bursts as :class:`hw.bus.sram.Sram` answers them: a word a cycle from the first on."""
        dut, bus = self.dut, self.bus
        waiting, answering = None, False
        while True:
            await FallingEdge(dut.clk)
            if not int(dut.revoker_cyc.value):
                waiting = None
                if answering:
                    await RisingEdge(dut.clk)
                    dut.revoker_ack.value = dut.revoker_err.value = answering = 0
                continue
            assert int(dut.revoker_stb.value)
            store, word = int(dut.revoker_we.value), int(dut.revoker_adr.value)
            answer, verdict = None, None
            bus.held += 1
            if answering and int(dut.revoker_cti.value) == CycleType.INCR_BURST.value:
                assert not store
                answer = word + 1
            elif not answering:
                answer = word
            if answer is not None:
                if waiting is None:
                    waiting = self.random.randint(*bus.wait)
                    verdict = bus.on_transfer(answer << 3, bool(store)) if bus.on_transfer else None
                    bus.hung = verdict == "silent"
                if waiting or bus.hung:
                    waiting, answer = max(waiting - 1, 0), None
                else:
                    waiting = None
            ack = error = data = 0
            if answer is not None:
                address = answer << 3
                bus.transfers.append((address, bool(store)))
                assert self.kernel.tables.readable(address), f"{address:#x}"
                if verdict is True or address in self.memory.refused:
                    error = 1
                else:
                    data, ack = self.memory.read(address), 1
                    if store:
                        lanes = sum(0xff << 8 * lane for lane in range(8) if int(dut.revoker_sel.value) >> lane & 1)
                        self.memory.write(address, data & ~lanes | int(dut.revoker_dat_w.value) & lanes)
                        data = 0
            await RisingEdge(dut.clk)
            if ack or error or answering:
                dut.revoker_ack.value, dut.revoker_err.value, dut.revoker_dat_r.value = ack, error, data
            answering = ack or error

    # -- Window.

    async def _transfer(self, offset, value=None, sel=0xff):
        acknowledged, data = await self.initiator.access(offset, value, sel)
        if not acknowledged:
            raise model.BusError(f"{offset:#x}")
        return data

    def offset(self, register):
        return self.registers[register] if isinstance(register, str) else register

    async def write(self, register, value, *, sel=0xff):
        await self._transfer(self.offset(register), value, sel)

    async def read(self, register):
        return await self._transfer(self.offset(register))

    async def idle(self):
        """Poll until no command is under way."""
        check = self.deadline()
        while await self.read("status") & 1:
            check()

    async def command(self, command, operand1=0, operand2=0):
        """One command; returns the result register."""
        await self.write("operand1", operand1)
        await self.write("operand2", operand2)
        await self.write("command", WindowCommand(command).value)
        await self.idle()
        return await self.read("result")

    async def ask_window(self, space, query):
        """A check through the window, as an :class:`hw.capability.model.Outcome`."""
        result = await self.command(WindowCommand.OBJECT, query, space)
        answered = await self.read("answered")
        outcome = model.Outcome(Verdict(result & 0xff), answered & 0xffff_ffff, answered >> 32)
        assert result >> 32 == outcome.object_id
        return outcome

    def set_of(self, space, index):
        """Set of the lookaside buffer that a slot belongs to."""
        return (space ^ index) % CONFIG.sets

    async def flip(self, space, index, way, bit):
        """Flip one bit of the lookaside buffer, of a line in the set of a slot."""
        await self.write("flip", model.pack(LineFlip, bit=bit, way=way, set=self.set_of(space, index)))
        check = self.deadline()
        while await self.read("flip") >> LineFlip.as_shape().size:
            check()

    # -- Check port.

    async def ask_check(self, space, query, *, take_after=0):
        """A check through the check port, as an :class:`hw.capability.model.Outcome`."""
        dut = self.dut
        dut.check_request_valid.value = 1
        dut.check_request_payload.value = model.pack(CheckRequest, query=query, space=space)
        dut.check_response_ready.value = int(take_after == 0)
        check = self.deadline()
        while True:
            check()
            await FallingEdge(dut.clk)
            ready = int(dut.check_request_ready.value)
            assert not int(dut.check_response_valid.value), "response without a request"
            await RisingEdge(dut.clk)
            if ready:
                break
        dut.check_request_valid.value = 0
        seen = None
        while True:
            check()
            await FallingEdge(dut.clk)
            if int(dut.check_response_valid.value):
                payload = int(dut.check_response_payload.value)
                assert seen in (None, payload), "a response changed while it was offered"
                seen = payload
            else:
                assert seen is None, "a response was withdrawn"
            await RisingEdge(dut.clk)
            if seen is not None:
                if take_after == 0:
                    break
                take_after -= 1
                if take_after == 0:
                    dut.check_response_ready.value = 1
        fields = model.unpack(CheckResponse, seen)
        return model.Outcome(Verdict(fields["verdict"]), fields["object_id"], fields["badge"])

    # -- Core.

    async def run(self, ops, *, limit=20_000):
        """Put instructions through the capability port as an in-order pipeline does; returns them."""
        dut = self.dut
        ops = list(ops)
        to_issue, to_commit, to_finish = deque(ops), deque(), deque()
        gap = to_issue[0].gap if to_issue else 0
        end = self.cycle + limit
        while to_issue or to_commit or to_finish:
            assert self.cycle < end, f"no progress: {len(to_issue)} {len(to_commit)} {len(to_finish)}"
            now = self.cycle
            issuing = bool(to_issue) and gap == 0 and len(set(map(id, (*to_commit, *to_finish)))) < 4
            dut.port_issue_valid.value = int(issuing)
            if issuing:
                current = to_issue[0]
                dut.port_issue_insn.value = current.insn
                dut.port_issue_rs1.value, dut.port_issue_rs2.value = current.rs1, current.rs2
                dut.port_issue_privilege.value = current.privilege.value
            committing = to_commit[0] if to_commit and now >= to_commit[0].issued + to_commit[0].commit_after else None
            kill = committing is not None and committing.kill
            dut.port_commit_valid.value = int(committing is not None)
            dut.port_commit_kill.value = int(kill)
            oldest = to_finish[0] if to_finish else None
            ready = (oldest is not None and not kill
                     and now >= (oldest.issued if oldest.offered is None else oldest.offered) + oldest.take_after)
            dut.port_result_ready.value = int(ready)
            await FallingEdge(dut.clk)
            valid = int(dut.port_result_valid.value)
            if valid:
                assert oldest is not None, "a result that nobody waits for"
                assert int(dut.port_result_we.value) and not int(dut.port_result_exception.value)
                oldest.offered = now if oldest.offered is None else oldest.offered
                if ready:
                    oldest.data, oldest.taken = int(dut.port_result_data.value), now
                    to_finish.popleft()
            if committing is not None:
                committing.committed = now
                to_commit.popleft()
                if kill and committing in to_finish:
                    to_finish.remove(committing)
            if issuing and int(dut.port_issue_ready.value):
                to_issue.popleft()
                gap = to_issue[0].gap if to_issue else 0
                current.issued = now
                current.accepted = bool(int(dut.port_issue_accept.value))
                current.fence = bool(int(dut.port_issue_fence.value))
                if current.accepted:
                    to_commit.append(current)
                    to_finish.append(current)
            elif gap:
                gap -= 1
            await RisingEdge(dut.clk)
        dut.port_issue_valid.value = dut.port_commit_valid.value = dut.port_result_ready.value = 0
        return ops

    async def one(self, name, rs1=0, rs2=0, **more):
        """One instruction."""
        return (await self.run([op(name, rs1, rs2, **more)]))[0]

    async def ask_port(self, space, query):
        """A check by instructions, as an :class:`hw.capability.model.Outcome`."""
        first, second = await self.run([op("cap.object", query, space), op("cap.badge", query, space)])
        assert first.verdict == second.verdict
        return model.Outcome(first.verdict, first.value, second.value)

    # -- Revocation.

    async def progress(self):
        """State and count of the revocation engine."""
        fields = model.unpack(RevokeAnswer, await self.read("revocation"))
        return RevokeState(fields["state"]), fields["revoked"]

    async def revoked(self, limit=20_000):
        """Wait for the end of a run; what came of it, as the model says it."""
        check = self.deadline(limit)
        while (await self.progress())[0] == RevokeState.RUNNING:
            check()
        state, revoked = await self.progress()
        return Revocation(state, revoked, await self.read("dead"))

    async def begin(self, root, limit=None, *, by="port"):
        """Begin a run, by an instruction or by the window; returns what cap.revoke does, by field."""
        limit = limit or 0
        if by == "port":
            value = (await self.one("cap.revoke", root, limit)).data
        else:
            value = await self.command(WindowCommand.REVOKE, root, limit)
        return model.unpack(RevokeAnswer, value)

    async def revoke(self, root, limit=None, *, by="port"):
        """A whole run."""
        answer = await self.begin(root, limit, by=by)
        assert answer == {"state": RevokeState.RUNNING.value, "accepted": 1, "reserved": 0, "revoked": 0}, answer
        return await self.revoked()

    async def stop(self):
        """The stop command."""
        await self.one("cap.revoke", 0, 1)

    # -- What most tests need.

    def badge_of(self, space, query):
        """Verdict and badge by the model, as :func:`hw.capability.model.answer` wants them."""
        outcome = self.kernel.check(space, query)
        return outcome.verdict, outcome.badge

    def simple(self):
        """Space 3 with two pages; slots 0..5 hold the interesting cases. Returns handles by name."""
        kernel = self.kernel
        kernel.space(3, pages=2)
        kernel.object(7, generation=5)
        kernel.object(8, generation=6, live=0)
        rights = Rights.SEND | Rights.GRANT
        common = dict(cap_type=CapType.ENDPOINT, rights=rights, generation=5)
        kernel.slot(3, 0, object_id=7, tag=0x1111, badge=0xb0, **common)
        kernel.slot(3, 1, object_id=7, tag=0x2222, badge=0xb1, valid=0, **common)
        kernel.slot(3, 2, object_id=7, tag=0x3333, badge=0xb2, **{**common, "generation": 4})
        kernel.slot(3, 3, object_id=8, tag=0x4444, badge=0xb3, **{**common, "generation": 6})
        kernel.slot(3, 4, object_id=7, tag=0, badge=0xb4, **common)
        kernel.slot(3, 5, object_id=7, tag=0x6666, badge=0xb6, **{**common, "cap_type": CapType.NONE})
        kernel.slot(3, 200, object_id=7, tag=0x5555, badge=0xb5, **common)
        return {
            "good": model.handle(0, 0x1111), "empty": model.handle(1, 0x2222), "stale": model.handle(2, 0x3333),
            "dead": model.handle(3, 0x4444), "zero": model.handle(4, 0), "second_page": model.handle(200, 0x5555),
            "typeless": model.handle(5, 0x6666), "wrong_tag": model.handle(0, 0x1112),
            "outside": model.handle(256, 0x1111),
        }
