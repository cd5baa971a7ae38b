"""The memory of single-port RAM blocks, over a model of the block as its technical note describes it."""

import random

import pytest
from amaranth import Cat, Elaboratable, Module, Mux, Signal
from amaranth.lib.memory import Memory
from amaranth.sim import Simulator

from fpga import spram
from fpga.spram import SIZE, Spram


class Block(Elaboratable):
    """SB_SPRAM256KA (FPGA-TN-02022, "SPRAM256KA"): nothing happens without CHIPSELECT; a write leaves DATAOUT alone."""

    def __init__(self, kind, **ports):
        assert kind == "SB_SPRAM256KA"
        self.ports = {name.partition("_")[2]: value for name, value in ports.items()}
        assert (self.ports["STANDBY"], self.ports["SLEEP"], self.ports["POWEROFF"]) == (0, 0, 1)

    def elaborate(self, platform):
        m = Module()
        ports = self.ports
        m.submodules.cells = cells = Memory(shape=16, depth=1 << 14, init=[0xdead] * 64)
        write, read = cells.write_port(granularity=4), cells.read_port()
        mask = Signal(4)
        m.d.comb += [
            mask.eq(ports["MASKWREN"]),
            write.addr.eq(ports["ADDRESS"]), write.data.eq(ports["DATAIN"]),
            write.en.eq(Mux(ports["CHIPSELECT"] & ports["WREN"], mask, 0)),
            read.addr.eq(ports["ADDRESS"]), read.en.eq(ports["CHIPSELECT"] & ~ports["WREN"]),
            ports["DATAOUT"].eq(read.data),
        ]
        return m


@pytest.fixture
def memory(monkeypatch):
    monkeypatch.setattr(spram, "Instance", Block)
    return Spram()


def test_words_and_bytes_come_back(memory):
    choose = random.Random(1)
    words = {address: int.from_bytes(b"\xde\xad"[::-1] * 4, "little") for address in range(8)}
    words[SIZE // 8 - 1] = 0
    seen = []

    async def bench(ctx):
        bus = memory.bus

        async def access(address, value=None, select=0xff):
            ctx.set(bus.adr, address)
            ctx.set(bus.dat_w, value or 0)
            ctx.set(bus.sel, select)
            ctx.set(bus.we, value is not None)
            ctx.set(bus.cyc, 1)
            ctx.set(bus.stb, 1)
            cycles = 0
            while True:
                cycles += 1
                ack, data = (await ctx.tick().sample(bus.ack, bus.dat_r))[2:]
                if ack:
                    break
            assert cycles == 2
            if choose.random() < 0.5:
                # Back to back otherwise, as in a burst.
                ctx.set(bus.cyc, 0)
                ctx.set(bus.stb, 0)
                await ctx.tick()
            return data

        await access(SIZE // 8 - 1, 0)
        for _ in range(200):
            address = choose.choice(list(words))
            if choose.random() < 0.5:
                value, select = choose.getrandbits(64), choose.choice((0xff, 0x01, 0x80, choose.getrandbits(8)))
                await access(address, value, select)
                for byte in range(8):
                    if select >> byte & 1:
                        words[address] = words[address] & ~(0xff << 8 * byte) | value & 0xff << 8 * byte
            else:
                seen.append(await access(address))
                assert seen[-1] == words[address]

    simulator = Simulator(memory)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert len(set(seen)) > 20


def test_memory_is_all_that_the_device_has(memory):
    assert SIZE == memory.bus.memory_map.size == 4 * 256 * 1024 // 8
    memory._MustUse__silence = True
    assert len(Cat(memory.bus.adr)) == 14
