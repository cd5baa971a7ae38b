"""The accelerator with the host's client, over the byte streams of a simulation."""

from collections import deque

import pytest
from amaranth.sim import Simulator

from fpga import client as client_module
from fpga.accelerator import Accelerator, AcceleratorConfig
from fpga.client import AccessError, Client, NoAnswer, compare
from hw.abi import CapType, Rights, Verdict
from hw.bus.serial_bridge import Status
from hw.capability.model import KernelTables, handle, query
from sim.toolchain import ToolError
from soc.memory_map import region

PERIOD = 1e-6
#: Cycles for an answer to a byte, more than any access takes.
PATIENCE = 400


class SimulatedPort:
    """Port of the client that leads into a simulation."""

    def __init__(self, dut):
        self.sent, self.received = deque(), deque()
        self._simulator = Simulator(dut)
        self._simulator.add_clock(PERIOD)
        self._now = 0
        self._dut = dut
        self._simulator.add_process(self._line)

    async def _line(self, ctx):
        rx, tx = self._dut.rx, self._dut.tx
        ctx.set(tx.ready, 1)
        offered = False
        async for _, _, taken, valid, byte in ctx.tick().sample(rx.ready, tx.valid, tx.payload):
            if valid:
                self.received.append(byte)
            if offered and taken:
                offered = False
            if not offered and self.sent:
                ctx.set(rx.payload, self.sent.popleft())
                offered = True
            ctx.set(rx.valid, offered)

    def run(self, cycles):
        self._now += cycles
        self._simulator.run_until(self._now * PERIOD)

    def write(self, data):
        self.sent.extend(data)

    def read(self, size):
        waited = 0
        while len(self.received) < size and waited < PATIENCE:
            self.run(4)
            waited += 4
        return bytes(self.received.popleft() for _ in range(min(size, len(self.received))))

    def reset_input_buffer(self):
        self.received.clear()


@pytest.fixture
def port(monkeypatch):
    monkeypatch.setattr(client_module, "PAUSE_SECONDS", 0)
    return SimulatedPort(Accelerator(AcceleratorConfig(mailbox=False)))


def test_memory_is_reached_and_holes_are_refused(port):
    client = Client(port)
    base = region("memory").base
    client.write(base, 0x0123_4567_89ab_cdef)
    client.write(base + 0x1_fff8, 1 << 64 | 5)
    assert (client.read(base), client.read(base + 0x1_fff8)) == (0x0123_4567_89ab_cdef, 5)
    with pytest.raises(AccessError, match="refuses read of 0x0"):
        client.read(0)
    with pytest.raises(AccessError, match="refuses write of 0x90000000"):
        client.write(0x9000_0000, 1)
    with pytest.raises(ValueError, match="multiple of 8"):
        client.read(base + 4)
    # An error does not disturb the next request.
    assert client.read(base + 0x1_fff8) == 5


def test_check_and_its_refusals(port):
    client = Client(port)
    kernel = KernelTables(client, base=region("memory").base, spaces=2, pages=2, objects=16)
    kernel.space(1)
    kernel.object(7)
    kernel.slot(1, 5, object_id=7, rights=Rights.SEND, tag=3, badge=0xabcd)
    client.start(kernel.tables)
    asked = query(handle(5, 3), CapType.ENDPOINT, Rights.SEND)
    for _ in ("miss", "hit"):
        outcome = client.check(1, asked)
        assert (outcome.verdict, outcome.object_id, outcome.badge) == (Verdict.OK, 7, 0xabcd)
    assert client.check(1, query(handle(5, 4), CapType.ENDPOINT, Rights.SEND)).verdict == Verdict.BAD_HANDLE
    assert client.check(1, query(handle(5, 3), CapType.ENDPOINT, Rights.RECEIVE)).verdict == Verdict.MISSING_RIGHTS
    assert client.check(0, asked).verdict == Verdict.BAD_HANDLE


def test_comparison_with_the_model(port):
    seen = compare(Client(port), 12, seed=1)
    assert sum(seen.values()) == 12 and seen[Verdict.OK] and len(seen) > 1


def test_comparison_notices_a_difference(port, monkeypatch):
    client = Client(port)
    check = client.check
    monkeypatch.setattr(client, "check", lambda space, asked: check(space, asked ^ 1 << 40))
    with pytest.raises(ToolError, match="the board says .*, the model"):
        compare(client, 12, seed=1)


def test_requests_that_are_broken_off(monkeypatch):
    monkeypatch.setattr(client_module, "PAUSE_SECONDS", 0)
    port = SimulatedPort(Accelerator(AcceleratorConfig(), patience=50))
    client = Client(port)
    base = region("memory").base
    client.write(base, 7)
    port.write(b"W" + base.to_bytes(4, "little") + b"\1\2\3")
    port.run(200)
    client.resume()
    assert client.read(base) == 7


def test_answers_that_are_none():
    class Silent:
        def write(self, data): ...
        def reset_input_buffer(self): ...
        def read(self, size):
            return b""

    with pytest.raises(NoAnswer, match="is this the port"):
        Client(Silent())
    port = Silent()
    port.read = lambda size: bytes([Status.UNKNOWN.value]) * size
    with pytest.raises(NoAnswer, match="answered by"):
        Client(port).read(0)


def test_a_verdict_that_is_none(monkeypatch):
    """What a damaged line or another bitstream may answer."""
    client = Client.__new__(Client)
    monkeypatch.setattr(client, "command", lambda *_: (1 << 64) - 1)
    with pytest.raises(NoAnswer, match="answers with 0xff, which is no verdict"):
        client.check(1, query(handle(5, 3), CapType.ENDPOINT, Rights.SEND))
