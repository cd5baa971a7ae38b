"""ALU, comparator, multiplier, divider and atomics against Python's integers."""

import random

from amaranth.sim import Simulator

from hw.core.alu import ArithmeticLogicUnit
from hw.core.atomic import AtomicOperation, AtomicUnit
from hw.core.divider import Divider
from hw.core.multiplier import Multiplier

MASK = (1 << 64) - 1
EDGES = (0, 1, 2, 7, 63, 64, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 32, (1 << 63) - 1, 1 << 63, MASK - 1, MASK,
         0xFFFF_FFFF_8000_0000, 0x5555_5555_5555_5555)


def signed(value, bits=64):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def operands(count, seed):
    source = random.Random(seed)
    yield from ((a, b) for a in EDGES for b in EDGES)
    for _ in range(count):
        yield (source.getrandbits(source.randint(1, 64)), source.getrandbits(source.randint(1, 64)))


def alu_model(a, b, funct3, alternate, word):
    bits = 32 if word else 64
    amount = b % bits
    low = a & ((1 << bits) - 1)
    result = {
        0: a - b if alternate else a + b, 1: a << amount, 2: int(signed(a) < signed(b)), 3: int(a < b), 4: a ^ b,
        5: (signed(low, bits) if alternate else low) >> amount, 6: a | b, 7: a & b,
    }[funct3]
    return signed(result, bits) & MASK


def test_alu():
    dut = ArithmeticLogicUnit()

    async def bench(ctx):
        ctx.set(dut.active, 1)
        for a, b in operands(60, 1):
            ctx.set(dut.operand1, a)
            ctx.set(dut.operand2, b)
            ctx.set(dut.distance, b & 63)
            for funct3, alternate, word in ((f, alt, w) for f in range(8) for alt in (0, 1) for w in (0, 1)):
                if (alternate and funct3 not in (0, 5)) or (word and funct3 not in (0, 1, 5)):
                    continue
                ctx.set(dut.funct3, funct3)
                ctx.set(dut.alternate, alternate)
                ctx.set(dut.word, word)
                assert ctx.get(dut.result) == alu_model(a, b, funct3, alternate, word), (a, b, funct3, alternate, word)

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()


def test_alu_answers_with_what_lies_beside_unless_active():
    dut = ArithmeticLogicUnit()

    async def bench(ctx):
        for a, b in operands(10, 5):
            ctx.set(dut.operand1, a)
            ctx.set(dut.operand2, b)
            ctx.set(dut.distance, b & 63)
            ctx.set(dut.beside, a ^ b ^ 5)
            for funct3, alternate, word in ((f, alt, w) for f in range(8) for alt in (0, 1) for w in (0, 1)):
                ctx.set(dut.funct3, funct3)
                ctx.set(dut.alternate, alternate)
                ctx.set(dut.word, word)
                assert ctx.get(dut.result) == a ^ b ^ 5

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()


def test_comparator():
    dut = ArithmeticLogicUnit()
    model = {0: lambda a, b: a == b, 1: lambda a, b: a != b, 4: lambda a, b: signed(a) < signed(b),
             5: lambda a, b: signed(a) >= signed(b), 6: lambda a, b: a < b, 7: lambda a, b: a >= b}

    async def bench(ctx):
        for a, b in operands(60, 2):
            ctx.set(dut.operand1, a)
            ctx.set(dut.operand2, b)
            for funct3, expected in model.items():
                ctx.set(dut.funct3, funct3)
                assert ctx.get(dut.taken) == expected(a, b), (a, b, funct3)

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()


def multiply_model(a, b, funct3, word):
    if word:
        return signed(a * b, 32) & MASK
    return {0: a * b, 1: signed(a) * signed(b) >> 64, 2: signed(a) * b >> 64, 3: a * b >> 64}[funct3] & MASK


def divide_model(a, b, funct3, word):
    bits = 32 if word else 64
    if not funct3 & 1:
        a, b = signed(a, bits), signed(b, bits)
    else:
        a, b = a & ((1 << bits) - 1), b & ((1 << bits) - 1)
    if b == 0:
        quotient, remainder = -1, a
    else:
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        remainder = a - quotient * b
    return signed(remainder if funct3 & 2 else quotient, bits) & MASK


def test_multiplier():
    dut = Multiplier()

    async def bench(ctx):
        expected = None
        for a, b in random.Random(3).sample(list(operands(100, 4)), 150):
            for funct3, word in ((0, 0), (1, 0), (2, 0), (3, 0), (0, 1)):
                for signal, value in ((dut.operand1, a), (dut.operand2, b), (dut.funct3, funct3), (dut.word, word)):
                    ctx.set(signal, value)
                # The result of the last one is there while the next begins.
                assert expected is None or ctx.get(dut.result) == expected, (hex(a), hex(b), funct3, word)
                await ctx.tick()
                expected = multiply_model(a, b, funct3, word)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_divider():
    dut = Divider()

    async def bench(ctx):
        for a, b in random.Random(3).sample(list(operands(100, 4)), 150):
            for funct3, word in ((f, w) for f in (4, 5, 6, 7) for w in (0, 1)):
                for signal, value in ((dut.operand1, a), (dut.operand2, b), (dut.funct3, funct3), (dut.word, word)):
                    ctx.set(signal, value)
                ctx.set(dut.start, 1)
                await ctx.tick()
                ctx.set(dut.start, 0)
                cycles = 1
                while not ctx.get(dut.done):
                    await ctx.tick()
                    cycles += 1
                    assert cycles <= 18
                assert ctx.get(dut.result) == divide_model(a, b, funct3, word), (hex(a), hex(b), funct3, word)
                await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def atomic_model(operation, a, b):
    return {"ADD": a + b, "SWAP": b, "XOR": a ^ b, "OR": a | b, "AND": a & b, "MIN": min(a, b, key=signed),
            "MAX": max(a, b, key=signed), "MINU": min(a, b), "MAXU": max(a, b)}[operation.name] & MASK


def test_atomic():
    dut = AtomicUnit()

    async def bench(ctx):
        for a, b in operands(50, 5):
            for operation in AtomicOperation:
                if operation in (AtomicOperation.LR, AtomicOperation.SC):
                    continue
                ctx.set(dut.operation, operation)
                ctx.set(dut.word, 0)
                ctx.set(dut.memory, a)
                ctx.set(dut.register, b)
                assert ctx.get(dut.result) == atomic_model(operation, a, b), (a, b, operation)
                ctx.set(dut.word, 1)
                ctx.set(dut.memory, (a & 0xFFFF_FFFF) * 0x1_0000_0001)
                ctx.set(dut.register, (b & 0xFFFF_FFFF) * 0x1_0000_0001)
                low = (a & 0xFFFF_FFFF, b & 0xFFFF_FFFF)
                if operation in (AtomicOperation.MIN, AtomicOperation.MAX):
                    low = tuple(signed(value, 32) & MASK for value in low)
                expected = atomic_model(operation, *low) & 0xFFFF_FFFF
                assert ctx.get(dut.result) == expected * 0x1_0000_0001, (a, b, operation)

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()
