import pytest
from amaranth.hdl import Module, unsigned
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In

from hw.bus.bridge import Bridge
from hw.bus.field import RW, RW1C, Access, External, R, Reserved, W
from hw.bus.register import Field, FieldInfo, Register, RegisterBank, registers
from tests.hw.bus.bench import BusError, Initiator, idle, run


class Mode(enum.Enum, shape=2):
    OFF = 0
    ON = 2


class Device(wiring.Component):
    class Control(Register, access="rw", width=32):
        """How it runs."""

        enable: Field(RW, 1, init=1, description="run")
        _0: Field(Reserved, 7)
        mode: Field(RW, Mode, init=Mode.ON)
        level: Field(RW, 16)

    class Status(Register, access="r", width=32):
        """What it does."""

        level: Field(R, 12)

    class Events(Register, width=8):
        """Sticky."""

        seen: Field(RW1C, 4, init=5)

    class Command(Register, access="w", width=16):
        """Acts at once."""

        value: Field(W, 16)

    class Compare(Register, access="rw", width=64):
        """Wide."""

        value: Field(RW, 64, init=0xffff_ffff_ffff_ffff)

    class Odd(Register, access="rw", width=32):
        """Whatever."""

        value: Field(External, 32, "rw", init=3)

    class OddRead(Register, access="r", width=32):
        """The other face."""

        value: Field(R, 32)

    class Start(Register, access="w", width=32):
        """Begin."""

        value: Field(W, 32)

    def __init__(self):
        bank = RegisterBank(addr_width=6)
        self.control = bank.add("control", self.Control(), offset=0)
        self.status = bank.add("status", self.Status())
        self.events = bank.add("events", self.Events(), offset=9)
        self.command = bank.add("command", self.Command(), offset=10)
        self.compare = bank.add("compare", self.Compare(), offset=0x18)
        self.odd = bank.add("odd", self.Odd(), offset=0x24)
        self.shadow = bank.add_alternate("shadow", self.OddRead(), of=self.odd, when=self.control.f.enable.data)
        self.start = bank.add("start", self.Start(), offset=0x28)
        self.progress = bank.add_alternate("progress", self.OddRead(), of=self.start)
        self._bridge = Bridge(bank)
        super().__init__({"bus": In(self._bridge.bus.signature.flip())})
        self.bus.memory_map = bank.memory_map

    def elaborate(self, platform):
        m = Module()
        m.submodules.bridge = self._bridge
        wiring.connect(m, wiring.flipped(self.bus), self._bridge.bus)
        return m


def test_each_action():
    dut = Device()
    commands, reads, odd = [], [], []

    async def watch(ctx):
        async for _, _, stb, value, r_stb, w_stb, data, mask in ctx.tick().sample(
                dut.command.f.value.w_stb, dut.command.f.value.w_data, dut.status.f.level.r_stb,
                dut.odd.f.value.bus.w_stb, dut.odd.f.value.bus.w_data, dut.odd.f.value.bus.w_mask):
            if stb:
                commands.append(value)
            if r_stb:
                reads.append(value)
            if w_stb:
                odd.append((data & mask, mask))

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        # RW
        assert await bus.read(0) == 0x201
        assert bus.cycles == 2
        await bus.write(0, 0xffff_ffff)
        assert await bus.read(0) == 0x03ff_ff01
        assert ctx.get(dut.control.f.level.data) == 0xffff
        # Byte lanes: one byte of a field that spans two.
        await bus.write(1, 0, 1)
        assert await bus.read(0) == 0x03ff_0001
        await bus.write(0, 0)
        assert ctx.get(dut.control.f.mode.data) == Mode.OFF
        # R, in the upper half of the same word
        ctx.set(dut.status.f.level.r_data, 0xabc)
        assert await bus.read(4) == 0xabc
        assert await bus.read(0, 8) == 0xabc << 32
        await idle(ctx, 1)
        assert len(reads) == 2
        await bus.write(4, 0)
        assert await bus.read(5, 1) == 0x0a
        # RW1C
        assert await bus.read(9, 1) == 5
        await bus.write(9, 0b0110, 1)
        assert await bus.read(9, 1) == 1
        ctx.set(dut.events.f.seen.set, 0b1001)
        await bus.write(9, 0b0001, 1)
        ctx.set(dut.events.f.seen.set, 0)
        assert await bus.read(9, 1) == 0b1001
        # W: whole or not at all
        await bus.write(10, 0x1234, 2)
        await bus.write(10, 0x56, 1)
        assert await bus.read(10, 2) == 0
        await idle(ctx, 1)
        assert commands == [0x1234]
        # 64 bits in halves
        await bus.write(0x18, 0x11223344)
        await bus.write(0x1c, 0x55667788)
        assert await bus.read(0x18, 8) == 0x55667788_11223344
        # External
        ctx.set(dut.odd.f.value.bus.r_data, 99)
        assert await bus.read(0x24) == 99
        await bus.write(0x26, 0xeeff, 2)
        await idle(ctx, 1)
        assert odd == [(0xeeff_0000, 0xffff_0000)]
        # Alternates by mode (the shadow cannot be written) and by direction
        await bus.write(0, 1)
        ctx.set(dut.shadow.f.value.r_data, 55)
        assert await bus.read(0x24) == 55
        await bus.write(0x24, 1)
        await bus.write(0, 0)
        assert await bus.read(0x24) == 99
        await idle(ctx, 1)
        assert len(odd) == 1
        ctx.set(dut.progress.f.value.r_data, 66)
        await bus.write(0x28, 123)
        assert await bus.read(0x28) == 66
        # Nothing there: neither lane nor word
        for hole, size in ((8, 1), (12, 4), (0x10, 8), (0x20, 4), (0x38, 8)):
            with pytest.raises(BusError):
                await bus.read(hole, size)
            with pytest.raises(BusError):
                await bus.write(hole, 0, size)
        assert await bus.read(0x18, 8) == 0x55667788_11223344
        # ... and the neighbour in the same word has heard nothing of it.
        assert len(odd) == 1

    run(dut, testbench, background=[watch])


def test_registers_as_data():
    found = {info.name: info for info in registers(Device().bus.memory_map)}
    assert [(info.name, info.offset, info.width, info.access.value, info.reset, info.alternate_of)
            for info in found.values()] == [
        ("control", 0, 32, "rw", 0x201, None),
        ("status", 4, 32, "r", 0, None),
        ("events", 9, 8, "rw", 5, None),
        ("command", 10, 16, "w", 0, None),
        ("compare", 0x18, 64, "rw", 0xffff_ffff_ffff_ffff, None),
        ("odd", 0x24, 32, "rw", 3, None),
        ("shadow", 0x24, 32, "r", 0, "odd"),
        ("start", 0x28, 32, "w", 0, None),
        ("progress", 0x28, 32, "r", 0, "start"),
    ]
    assert found["control"].description == "How it runs."
    assert found["control"].fields == (
        FieldInfo("enable", 0, 1, Access.RW, 1, "run"),
        FieldInfo("mode", 8, 2, Access.RW, 2, "", (("OFF", 0), ("ON", 2))),
        FieldInfo("level", 10, 16, Access.RW, 0),
    )
    assert found["status"].fields[0].reset is None


def test_fields_by_parameter():
    register = Register({f"bit_{number}": Field(RW, 1) for number in range(9)})
    assert (register.width, register.access, len(register.fields)) == (16, Access.RW, 9)


class Empty(Register):
    pass


class TooWide(Register, width=8):
    value: Field(RW, 9)


def test_refused():
    with pytest.raises(TypeError, match="Register Empty has no fields"):
        Empty()
    with pytest.raises(ValueError, match="Fields of register TooWide take 9 bits, more than 8"):
        TooWide()
    with pytest.raises(ValueError, match="take 65 bits, more than 64"):
        Register({"value": Field(RW, 65)})
    with pytest.raises(TypeError, match="Field 'x' must be a Field, not 5"):
        Register({"x": 5})
    with pytest.raises(TypeError, match="Action must be a subclass of FieldAction"):
        Field(int)
    with pytest.raises(ValueError, match="has no bits"):
        Register({"x": Field(R, unsigned(0))})
    with pytest.raises(ValueError, match="Register width must be one of 8, 16, 32, 64, not 24"):
        class Strange(Register, width=24):
            pass
    with pytest.raises(TypeError, match="at least 3, not 2"):
        RegisterBank(addr_width=2)
    bank = RegisterBank(addr_width=4)
    with pytest.raises(TypeError, match="Register must be a Register"):
        bank.add("x", 5)
    with pytest.raises(ValueError, match="multiple of 0x2"):
        bank.add("x", Device.Command(), offset=3)
    base = bank.add("base", Device.Status())
    with pytest.raises(ValueError, match="Alternate 'y' has 16 bits, the register it shares with 32"):
        bank.add_alternate("y", Device.Command(), of=base)
    with pytest.raises(ValueError, match="both accessible by 'r'"):
        bank.add_alternate("y", Device.OddRead(), of=base)
    with pytest.raises(ValueError, match="both accessible by 'rw'"):
        bank.add_alternate("y", Device.Odd(), of=base)
    with pytest.raises(KeyError):
        bank.add_alternate("y", Device.OddRead(), of=Device.Start())
    with pytest.raises(TypeError, match="Bank must be a RegisterBank"):
        Bridge(None)
    Bridge(bank)
    with pytest.raises(ValueError, match="frozen"):
        bank.add("x", Device.Command())
