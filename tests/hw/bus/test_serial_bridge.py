"""The serial bridge alone, with a memory behind it."""

import pytest
from amaranth import Module
from amaranth.sim import Simulator

from hw.bus.decoder import Decoder
from hw.bus.serial_bridge import Command, SerialBridge, Status
from hw.bus.sram import Sram

BASE = 0x8000_0000
OK, ERROR, UNKNOWN = (bytes([status.value]) for status in (Status.OK, Status.BUS_ERROR, Status.UNKNOWN))


def exchange(*steps, patience=100, slow=False):
    """Feed bytes to the bridge; an int among the steps is a pause in cycles. Returns all that comes back."""
    m = Module()
    m.submodules.bridge = bridge = SerialBridge(patience)
    m.submodules.decoder = decoder = Decoder()
    m.submodules.memory = memory = Sram(256)
    decoder.add(memory.bus, addr=BASE, name="memory")
    for name in ("adr", "dat_w", "sel", "cyc", "stb", "we"):
        m.d.comb += getattr(decoder.bus, name).eq(getattr(bridge.bus, name))
    for name in ("dat_r", "ack", "err"):
        m.d.comb += getattr(bridge.bus, name).eq(getattr(decoder.bus, name))
    answer, ended = bytearray(), []

    async def host(ctx):
        for step in steps:
            if isinstance(step, int):
                await ctx.tick().repeat(step)
                continue
            for byte in step:
                ctx.set(bridge.rx.payload, byte)
                ctx.set(bridge.rx.valid, 1)
                await ctx.tick().until(bridge.rx.ready)
                ctx.set(bridge.rx.valid, 0)
        await ctx.tick().repeat(60)
        ended.append(True)

    async def listener(ctx):
        ctx.set(bridge.tx.ready, 1)
        wait = 0
        while not ended:
            valid, byte, ready = (await ctx.tick().sample(
                bridge.tx.valid, bridge.tx.payload, bridge.tx.ready))[2:]
            if valid and ready:
                answer.append(byte)
                wait = 3 if slow else 0
            ctx.set(bridge.tx.ready, wait == 0)
            wait = max(0, wait - 1)

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(host)
    simulator.add_testbench(listener)
    simulator.run()
    return bytes(answer)


def read(address):
    return bytes([Command.READ.value]) + address.to_bytes(4, "little")


def write(address, value):
    return bytes([Command.WRITE.value]) + address.to_bytes(4, "little") + value.to_bytes(8, "little")


@pytest.mark.parametrize("slow", [False, True])
def test_what_was_written_is_read(slow):
    value = 0x0123_4567_89ab_cdef
    answer = exchange(write(BASE + 8, value), write(BASE + 248, 5), read(BASE + 8), read(BASE + 248), read(BASE),
                      slow=slow)
    assert answer == OK + OK + b"".join(OK + word.to_bytes(8, "little") for word in (value, 5, 0))


def test_an_address_of_nobody_is_an_error_without_data():
    assert exchange(read(0), write(0, 1), write(BASE, 3), read(BASE)) == ERROR + ERROR + OK + OK + b"\3" + bytes(7)


def test_unknown_commands_are_answered_one_by_one():
    assert exchange(b"\0x", read(BASE)) == UNKNOWN + UNKNOWN + OK + bytes(8)


@pytest.mark.parametrize("length", [1, 4, 5, 12])
def test_a_request_that_is_not_whole_is_forgotten(length):
    part = write(BASE, 0xffff_ffff_ffff_ffff)[:length]
    assert exchange(part, 150, read(BASE)) == OK + bytes(8)


def test_a_pause_shorter_than_the_patience_is_none():
    request = write(BASE, 9)
    assert exchange(request[:3], 80, request[3:9], 80, request[9:], read(BASE)) == OK + OK + b"\x09" + bytes(7)


@pytest.mark.parametrize("patience", [0, -1, True, "1"])
def test_patience_must_be_positive(patience):
    with pytest.raises(ValueError, match="patience must be a positive integer"):
        SerialBridge(patience)
