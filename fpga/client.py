"""Host's side of the accelerator board: reads and writes its bus over a serial line, and asks its capability unit.

``python -m fpga.client --help`` compares a board with the reference model. As a library::

    with open_port("/dev/ttyUSB1", baud_of(find_board("icebreaker").clock_hz)) as port:
        client = Client(port)
        kernel = KernelTables(client, base=region("memory").base, spaces=2, pages=2, objects=16)
        kernel.space(1), kernel.object(7), kernel.slot(1, 5, object_id=7, rights=Rights.SEND, tag=3)
        client.start(kernel.tables)
        print(client.check(1, query(handle(5, 3), CapType.ENDPOINT, Rights.SEND)))
"""

import random
import time
from functools import cached_property
from typing import Protocol

import click
from amaranth.hdl import Fragment

from hw.abi import Answer, CapType, Rights, Verdict
from hw.bus.register import registers
from hw.bus.serial_bridge import ADDRESS_BYTES, DATA_BYTES, Command, Status
from hw.capability.model import KernelTables, Outcome, handle, query, unpack
from hw.capability.window import WindowCommand
from sim.toolchain import ToolError, console, run_command
from soc.memory_map import region

from .accelerator import Accelerator, baud_of
from .board import find_board
from .terminal import open_port

__all__ = ["AccessError", "Client", "NoAnswer", "Port", "compare"]

#: Longer than the bridge waits for the rest of a request.
PAUSE_SECONDS = 0.1
#: Longer than any answer takes.
ANSWER_SECONDS = 1.0
TABLE_REGISTERS = ("space_base", "space_count", "slot_base", "slot_count", "object_base", "object_count")


class NoAnswer(ToolError):
    """The board does not answer, or not as it should."""


class AccessError(ToolError):
    """The board's bus refused an access."""


class Port(Protocol):
    """A byte stream in both directions, such as pyserial's `Serial` with a timeout, after which a read is short."""

    def write(self, data: bytes) -> object: ...
    def read(self, size: int) -> bytes: ...
    def reset_input_buffer(self) -> None: ...


class Client:
    """The board's bus, and the capability unit on it.

    It has `read` and `write` as :class:`hw.capability.model.Memory` has them, so that
    :class:`hw.capability.model.KernelTables` lays tables out on the board.

    Parameters
    ----------
    port : Port
    """

    def __init__(self, port: Port):
        self._port = port
        self.resume()

    def resume(self) -> None:
        """Begin anew after a request that was broken off: the bridge forgets it in silence.

        Raises
        ------
        NoAnswer
            If there is no bridge.
        """
        time.sleep(PAUSE_SECONDS)
        self._port.reset_input_buffer()
        self._port.write(b"\0")
        if self._take(1) != bytes([Status.UNKNOWN.value]):
            raise NoAnswer("no answer: is this the port, and is the bitstream loaded?")

    def _take(self, size: int) -> bytes:
        """`size` bytes of the answer, or those that come in time."""
        data, deadline = b"", time.monotonic() + ANSWER_SECONDS
        while len(data) < size and time.monotonic() < deadline:
            data += self._port.read(size - len(data))
        return data

    def _access(self, command: Command, address: int, value: int | None = None) -> None:
        if address % DATA_BYTES or not 0 <= address < 1 << 8 * ADDRESS_BYTES:
            raise ValueError(f"Address must be a multiple of {DATA_BYTES} below 4 GiB, not {address:#x}")
        request = bytes([command.value]) + address.to_bytes(ADDRESS_BYTES, "little")
        if value is not None:
            request += (value & (1 << 8 * DATA_BYTES) - 1).to_bytes(DATA_BYTES, "little")
        self._port.write(request)
        status = self._take(1)
        if status == bytes([Status.BUS_ERROR.value]):
            raise AccessError(f"the board refuses {command.name.lower()} of {address:#x}")
        if status != bytes([Status.OK.value]):
            raise NoAnswer(f"{command.name.lower()} of {address:#x} is answered by {status!r}")

    def read(self, address: int) -> int:
        """The word at byte address `address`."""
        self._access(Command.READ, address)
        data = self._take(DATA_BYTES)
        if len(data) != DATA_BYTES:
            raise NoAnswer(f"read of {address:#x} is answered by {len(data)} bytes of {DATA_BYTES}")
        return int.from_bytes(data, "little")

    def write(self, address: int, value: int) -> None:
        """Store a word; what is above 64 bits is dropped."""
        self._access(Command.WRITE, address, value)

    @cached_property
    def _registers(self) -> dict[str, int]:
        """Byte addresses of the capability unit's registers."""
        accelerator = Accelerator()
        # Amaranth warns of parts that are made and come into no design.
        Fragment.get(accelerator, None)
        base = region("capability_unit").base
        return {register.name: base + register.offset for register in registers(accelerator.unit_map)}

    def get(self, name: str) -> int:
        """A register of the capability unit (docs/reference/registers.md)."""
        return self.read(self._registers[name])

    def set(self, name: str, value: int) -> None:
        """Store to a register of the capability unit."""
        self.write(self._registers[name], value)

    def start(self, tables) -> None:
        """Give the unit its tables (:class:`hw.capability.model.Tables`) and enable it."""
        self.set("control", 0)
        for name in TABLE_REGISTERS:
            self.set(name, getattr(tables, name))
        self.set("control", 1)
        self._wait()

    def command(self, command: WindowCommand, operand1: int = 0, operand2: int = 0) -> int:
        """One command; what `rd` of the instruction would hold."""
        self.set("operand1", operand1)
        self.set("operand2", operand2)
        self.set("command", command.value)
        self._wait()
        return self.get("result")

    def _wait(self) -> None:
        for _ in range(100):
            if not self.get("status") & 0b11:
                return
        raise NoAnswer("the capability unit stays busy")

    def check(self, space: int, asked: int) -> Outcome:
        """Verdict on a query (:func:`hw.capability.model.query`) in `space`."""
        answer = unpack(Answer, self.command(WindowCommand.OBJECT, asked, space))
        try:
            verdict = Verdict(answer["verdict"])
        except ValueError:
            raise NoAnswer(f"the capability unit answers with {answer['verdict']:#x}, which is no verdict") from None
        answered = self.get("answered")
        return Outcome(verdict, answered & 0xffff_ffff, answered >> 32)


def compare(client: Client, checks: int, seed: int, show=lambda done: None) -> dict[Verdict, int]:
    """Random tables and queries on the board and in the model. Returns how often each verdict came.

    Raises
    ------
    ToolError
        For the first answer that differs.
    """
    choose = random.Random(seed)

    class Both:
        """Memory of the board, and a copy for the model."""

        def __init__(self):
            self.words = {}

        def read(self, address):
            return self.words.get(address, 0)

        def write(self, address, value):
            self.words[address] = value & (1 << 64) - 1
            client.write(address, value)

    kernel = KernelTables(Both(), base=region("memory").base, spaces=2, pages=2, objects=8)
    tables = kernel.tables
    for entry in (kernel.space_address(0), *map(kernel.object_address, range(8))):
        kernel.memory.write(entry, 0)
    kernel.space(1)
    for object_id in range(1, 8):
        kernel.object(object_id, generation=choose.choice((1, 2)), live=choose.random() < 0.8)
    types = (CapType.ENDPOINT, CapType.CHANNEL)
    for index in range(8):
        kernel.slot(1, index, cap_type=choose.choice(types), object_id=choose.randrange(1, 8),
                    rights=choose.choice((Rights.SEND, Rights.RECEIVE, Rights.SEND | Rights.RECEIVE)), tag=1 + index,
                    badge=choose.getrandbits(32), valid=choose.random() < 0.9)
    client.start(tables)
    seen: dict[Verdict, int] = {}
    for number in range(checks):
        index = choose.randrange(8)
        asked = query(handle(index, 1 + index if choose.random() < 0.9 else 9), choose.choice(types),
                      choose.choice((Rights.SEND, Rights.RECEIVE)))
        space = 1 if choose.random() < 0.95 else 2
        expected, outcome = kernel.check(space, asked), client.check(space, asked)
        if outcome != expected:
            raise ToolError(f"check {number} of seed {seed}, query {asked:#x} in space {space}: the board says "
                            f"{outcome}, the model {expected}")
        seen[outcome.verdict] = seen.get(outcome.verdict, 0) + 1
        show(number + 1)
    return seen


@click.command()
@click.argument("device")
@click.option("--board", "name", default="icebreaker", show_default=True)
@click.option("--checks", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
def main(device, name, checks, seed):
    """Compare the capability unit on the board at the serial line DEVICE with the reference model."""
    board = find_board(name)
    if board.design != "accelerator":
        raise ToolError(f"{name} carries a whole system; what it says is on its console", 2)
    with open_port(device, baud_of(board.clock_hz)) as port, console.status("Asking the board") as status:
        started = time.monotonic()
        seen = compare(Client(port), checks, seed, lambda done: status.update(f"{done} of {checks} checks"))
    click.echo(f"{checks} checks as the model says, {time.monotonic() - started:.1f} s: "
               + ", ".join(f"{verdict.name} {count}" for verdict, count in sorted(
                   seen.items(), key=lambda item: item[0].value)))


if __name__ == "__main__":
    run_command(main)
