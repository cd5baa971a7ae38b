"""Random traffic of several initiators through arbiter and second-level cache, against a flat memory.

What an initiator reads must be what was acknowledged last for each byte, whoever wrote it; at the end, after a flush,
memory holds exactly that. The memory behind the cache checks how it is spoken to, and refuses some words.
"""

import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer

from hw.bus.wishbone import BurstTypeExt, CycleType
from tests.hw.memory.l2_system import CONFIGS, INITIATORS

STEPS = int(os.environ.get("STEPS", "250"))
ALL = 0xff
SPANS = {BurstTypeExt.LINEAR: None, BurstTypeExt.WRAP_4: 4, BurstTypeExt.WRAP_8: 8, BurstTypeExt.WRAP_16: 16}
CTI, BTE = CycleType, BurstTypeExt
#: Cycles that no transfer may take.
PATIENCE = 5000


def lanes(sel):
    return sum(0xff << 8 * lane for lane in range(8) if sel >> lane & 1)


def following(word, bte):
    span = SPANS[bte]
    return word + 1 if span is None else word // span * span + (word + 1) % span


class Port:
    """The signals of one port, written only when they change."""

    def __init__(self, dut, prefix):
        self._dut, self._prefix, self._now = dut, prefix, {}

    def drive(self, **values):
        for name, value in values.items():
            if self._now.get(name) != value:
                self._now[name] = value
                getattr(self._dut, f"{self._prefix}_{name}").value = value

    def sample(self, name):
        return int(getattr(self._dut, f"{self._prefix}_{name}").value)


class Memory:
    """Main memory: word addresses from the cache's base on.

    `wait()` draws the wait cycles of a beat, `bad_reads` are refused.
    """

    def __init__(self, dut, config):
        self.port, self.config = Port(dut, "memory"), config
        self.base = config.memory_base >> 3
        self.words = {}
        self.bad_reads = set()
        self.slow = 6
        self.waiting = 0
        self.begins = True
        self.burst = []
        self.fills = self.write_backs = 0

    def word(self, address):
        return self.words.setdefault(address, random.getrandbits(64))

    def cycle(self):
        """At the falling edge: answer what the rising edge before has brought about."""
        port = self.port
        if not (port.sample("cyc") and port.sample("stb")):
            assert not self.burst, "a line was broken off"
            port.drive(ack=0, err=0)
            self.waiting = random.randint(0, self.slow)
            return
        if self.waiting:
            self.waiting -= 1
            port.drive(ack=0, err=0)
            return
        address, write = port.sample("adr") - self.base, port.sample("we")
        assert 0 <= address < self.config.memory_bytes >> 3
        bad = not write and address in self.bad_reads
        port.drive(ack=not bad, err=bad, dat_r=self.word(address) if not write and not bad else 0xbad)
        if write:
            assert port.sample("sel") == ALL
            self.words[address] = port.sample("dat_w")
        self._check_burst(address, write, bad)
        self.waiting = random.choice([0, 0, 0, random.randint(0, self.slow)])

    def _check_burst(self, address, write, bad):
        """A line in one wrapping burst."""
        port, words = self.port, self.config.line_words
        bte = BTE(port.sample("bte"))
        assert SPANS[bte] == words
        if self.burst:
            before, kind = self.burst[-1]
            assert address == following(before, bte) and write == kind
        self.burst.append((address, write))
        last = len(self.burst) == words
        assert port.sample("cti") == (CTI.END_OF_BURST if last else CTI.INCR_BURST).value
        if last or bad:
            self.burst = []
            self.fills += not write
            self.write_backs += write


class Bench:
    """A cache out of reset, its memory, and what the memory should hold."""

    def __init__(self, dut):
        self.dut = dut
        self.config = CONFIGS[os.environ["L2"]]
        self.memory = Memory(dut, self.config)
        self.ports = [Port(dut, f"initiator{number}") for number in range(INITIATORS)]
        self.expected = {}
        self.waited = [0] * INITIATORS
        self.cycles = 0
        self.errors = 0

    @classmethod
    async def start(cls, dut):
        self = cls(dut)
        if self.config.faults:
            name = os.environ.get("FAULT")
            dut.fault.value = 1 << self.config.faults.index(name) if name else 0
        dut.flush.value = dut.invalidate.value = dut.error_clear.value = 0
        self.quiet()
        Clock(dut.clk, 10, unit="ns").start()
        await self.reset()
        return self

    def quiet(self):
        for port in self.ports:
            port.drive(cyc=0, stb=0, we=0, lock=0, adr=0, dat_w=0, sel=0, cti=0, bte=0)
        self.memory.port.drive(ack=0, err=0, dat_r=0)

    async def reset(self):
        self.quiet()
        self.dut.rst.value = 1
        await FallingEdge(self.dut.clk)
        await FallingEdge(self.dut.clk)
        self.dut.rst.value = 0
        # What stands in memory is what counts now.
        self.expected = {}
        self.memory.burst = []
        self.waited = [0] * INITIATORS

    def value(self, word):
        if word not in self.expected:
            self.expected[word] = self.memory.word(word)
        return self.expected[word]

    def lost(self, word):
        """A line with a bad word never gets into the cache: stores to it have no effect."""
        first = word // self.config.line_words * self.config.line_words
        return any(first + number in self.memory.bad_reads for number in range(self.config.line_words))

    async def run(self, *traffic, pulses=None, cycles=None):
        """Let each initiator do what its generator yields, until all have ended or so many cycles are over."""
        live = dict(zip(self.ports, traffic, strict=True))
        wanted = {port: next(generator, None) for port, generator in live.items()}
        end = None if cycles is None else self.cycles + cycles
        while live and self.cycles != end:
            await FallingEdge(self.dut.clk)
            self.cycles += 1
            for port in live:
                port.drive(**(wanted[port] or {"cyc": 0, "stb": 0}))
            self.memory.cycle()
            if pulses is not None:
                pulses(self)
            await Timer(4, "ns")
            for number, (port, generator) in enumerate(list(live.items())):
                answer = self._answer(port, wanted[port])
                busy = wanted[port] is not None and wanted[port]["stb"] and answer is None
                self.waited[number] = self.waited[number] + 1 if busy else 0
                assert self.waited[number] < PATIENCE, "no answer"
                if busy:
                    continue
                try:
                    wanted[port] = generator.send(answer)
                except StopIteration:
                    del live[port]
                    wanted[port] = None
                    # Its last cycle ends at the next rising edge.
                    self._retire(port)

    def _retire(self, port):
        async def lower():
            await FallingEdge(self.dut.clk)
            port.drive(cyc=0, stb=0)
        cocotb.start_soon(lower())

    def _answer(self, port, request):
        """(acknowledged, data), or None without an answer; compares and keeps what the answer says."""
        ack, err = port.sample("ack"), port.sample("err")
        if request is None or not request["stb"]:
            assert not ack and not err, "an answer that nobody asked for"
            return None
        assert not (ack and err)
        if not ack and not err:
            return None
        word, sel = request["adr"], request["sel"]
        if request["we"]:
            assert ack
            if not self.lost(word):
                mask = lanes(sel)
                self.expected[word] = self.value(word) & ~mask | request["dat_w"] & mask
            return True, 0
        self.errors += err
        assert bool(err) == (word in self.memory.bad_reads), f"error at word {word:#x}"
        data = port.sample("dat_r")
        if ack:
            assert data == self.value(word), f"word {word:#x} reads {data:#x}, not {self.value(word):#x}"
        return bool(ack), data

    async def flush(self, invalidate=False):
        """Write everything back and compare memory with what it should hold."""
        self.dut.flush.value, self.dut.invalidate.value = 1, int(invalidate)
        await FallingEdge(self.dut.clk)
        self.memory.cycle()
        self.dut.flush.value = self.dut.invalidate.value = 0
        for _ in range(100_000):
            await FallingEdge(self.dut.clk)
            self.memory.cycle()
            if not int(self.dut.flushing.value):
                break
        else:
            raise AssertionError("the flush does not end")
        for word, value in self.expected.items():
            assert self.memory.word(word) == value, f"word {word:#x} in memory"


def request(word, *, write=None, sel=ALL, cti=CTI.CLASSIC, bte=BTE.LINEAR, lock=0, stb=1):
    return {"cyc": 1, "stb": stb, "we": int(write is not None), "adr": word, "dat_w": write or 0, "sel": sel,
            "cti": cti.value, "bte": bte.value, "lock": lock}


def pause(last):
    """The initiator waits inside a cycle; the other signals say nothing."""
    return {**last, "stb": 0, "adr": 0, "cti": random.randrange(8), "bte": random.randrange(4),
            "we": random.getrandbits(1), "sel": random.getrandbits(8)}


def any_word(config):
    """Mostly words whose lines meet in a few sets."""
    words = config.memory_bytes >> 3
    way = config.sets * config.line_words
    return random.choice([random.randrange(words), random.randrange(0, words, way) + random.randrange(4),
                          random.randrange(2 * config.line_words)])


def any_sel():
    return random.choice([ALL, ALL, 0x0f, 0xf0, 1 << random.randrange(8), random.getrandbits(8)])


def single(config, write):
    word = any_word(config)
    yield request(word, write=random.getrandbits(64) if write else None, sel=any_sel())


def burst(config, write):
    """Any kind of burst, over line borders too, with pauses, ended by an error."""
    bte = random.choice([BTE.LINEAR, BTE.LINEAR, BTE.WRAP_4, BTE.WRAP_8, BTE.WRAP_16])
    constant = bte == BTE.LINEAR and random.random() < 0.1
    words = config.memory_bytes >> 3
    length = random.choice([2, 4, 4, 4, random.randint(2, 20)])
    word = min(any_word(config), words - length)
    for beat in range(length):
        kind = CTI.CONST_BURST if constant else CTI.INCR_BURST
        asked = request(word, write=random.getrandbits(64) if write else None, sel=any_sel() if write else ALL,
                        cti=CTI.END_OF_BURST if beat == length - 1 else kind, bte=bte)
        acknowledged, _ = yield asked
        if not acknowledged:
            return
        if random.random() < 0.15 and beat < length - 1:
            for _ in range(random.randint(1, 8)):
                yield pause(asked)
        word = word if constant else following(word, bte)


def stores(config):
    """As a store buffer: `cyc` stays up, each store by itself."""
    word = any_word(config)
    for _ in range(random.randint(1, 12)):
        yield request(word, write=random.getrandbits(64), sel=any_sel())
        word = random.choice([any_word(config), min(word + 1, (config.memory_bytes >> 3) - 1), word])


def locked(config):
    """An atomic: what is written depends on what is read, and nobody comes between."""
    word = any_word(config)
    acknowledged, old = yield request(word, lock=1)
    if acknowledged:
        yield request(word, write=old + 1 & (1 << 64) - 1, lock=1)
        _, new = yield request(word, lock=1)


def traffic(bench, steps):
    """Random transfers of one initiator."""
    config = bench.config
    kinds = {single: 3, burst: 4, stores: 3, locked: 2}
    for _ in range(steps):
        kind, = random.choices(list(kinds), list(kinds.values()))
        yield from kind(config, random.random() < 0.4) if kind in (single, burst) else kind(config)
        # An arbiter hands the bus on in these cycles.
        for _ in range(random.choice([1, 1, 1, 2, random.randint(1, 20)])):
            yield None


@cocotb.test()
async def any_traffic(dut):
    """Three initiators at once; memory of any speed."""
    bench = await Bench.start(dut)
    for slow in (0, 2, 12):
        bench.memory.slow = slow
        await bench.run(*(traffic(bench, STEPS // 3) for _ in range(INITIATORS)))
        await bench.flush(invalidate=slow == 2)
    assert not int(dut.status.value) & 3
    assert bench.memory.fills > STEPS // 4 and bench.memory.write_backs > STEPS // 8
    cocotb.log.info("%d cycles, %d fills, %d write-backs", bench.cycles, bench.memory.fills, bench.memory.write_backs)


@cocotb.test()
async def refused_words(dut):
    """Some words of memory cannot be read: their readers get errors, nobody else notices."""
    bench = await Bench.start(dut)
    bench.memory.bad_reads = {random.randrange(bench.config.memory_bytes >> 3) for _ in range(20)} | {1, 5}
    await bench.run(*(traffic(bench, STEPS // 2) for _ in range(INITIATORS)))
    await bench.flush()
    assert bench.errors > 5
    # A store that was lost has been told of.
    assert int(dut.status.value) & 3 == 2


@cocotb.test()
async def flush_at_any_moment(dut):
    """Requests and flushes in any order."""
    bench = await Bench.start(dut)

    def pulses(bench):
        dut.flush.value = int(random.random() < 0.02)
        dut.invalidate.value = random.getrandbits(1)

    bench.memory.slow = 3
    await bench.run(*(traffic(bench, STEPS // 4) for _ in range(INITIATORS)), pulses=pulses)
    dut.flush.value = 0
    await bench.flush()


@cocotb.test()
async def reset_at_any_moment(dut):
    """After a reset the cache holds nothing, and answers."""
    bench = await Bench.start(dut)
    for _ in range(4):
        await bench.run(*(traffic(bench, STEPS) for _ in range(INITIATORS)), cycles=random.randint(50, 800))
        await bench.reset()
        # Lines that were not written back are gone.
        bench.memory.words = {word: random.getrandbits(64) for word in bench.memory.words}
        await bench.run(*(traffic(bench, STEPS // 8) for _ in range(INITIATORS)))
        await bench.flush()
