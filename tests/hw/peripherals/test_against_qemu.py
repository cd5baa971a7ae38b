"""The devices answer as QEMU's do: one list of accesses, on the RTL and, through its test protocol, on QEMU."""

import functools
import random
import re
import shutil
import subprocess
import threading

import pytest

from hw.peripherals.clint import Clint
from hw.peripherals.plic import Plic
from hw.peripherals.uart import Uart
from soc.memory_map import INTERRUPTS, region
from tests.hw.bus.bench import Initiator, idle, run

QEMU = shutil.which("qemu-system-riscv64")
pytestmark = pytest.mark.skipif(QEMU is None, reason="qemu-system-riscv64 is not installed")
#: Seconds that QEMU has for a list of accesses.
PATIENCE = 30
LETTER = {1: "b", 2: "w", 4: "l", 8: "q"}


#: Harts and clock stand still.
MACHINE = [QEMU, "-M", "virt", "-S", "-display", "none", "-bios", "none", "-serial", "null"]
#: Stands for an address: read the interrupt line of the device.
IRQ = None


@functools.cache
def plic_path():
    """Where the PLIC is in QEMU's tree of objects, which differs between versions."""
    tree = subprocess.run([*MACHINE, "-monitor", "stdio"], input="info qom-tree\nquit\n", text=True,
                          capture_output=True, timeout=PATIENCE, check=True).stdout
    name, = re.findall(r"/(device\[\d+\]) \(riscv\.sifive\.plic\)", tree)
    return f"/machine/unattached/{name}"


def on_qemu(accesses, *, interrupt=None):
    """Carry out (address, size, value or None to read). The interrupt line is caught on its way to the PLIC."""
    command = [*MACHINE, "-qtest", "stdio", "-qtest-log", "none", "-monitor", "none"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               text=True, bufsize=1)
    # A machine that stops answering ends, and with it the reading below.
    watchdog = threading.Timer(PATIENCE, process.kill)
    watchdog.start()
    results, line = [], 0

    def ask(command):
        nonlocal line
        process.stdin.write(command + "\n")
        while (answer := process.stdout.readline().split())[:1] == ["IRQ"]:
            if int(answer[2]) == interrupt:
                line = int(answer[1] == "raise")
        assert answer and answer[0] == "OK", f"QEMU answers {answer} to {command}"
        return int(answer[1], 16) if len(answer) > 1 else None

    try:
        if interrupt is not None:
            ask(f"irq_intercept_in {plic_path()}")
        for address, size, value in accesses:
            if address is IRQ:
                results.append(line)
            elif value is None:
                results.append(ask(f"read{LETTER[size]} {address:#x}") & ((1 << 8 * size) - 1))
            else:
                results.append(ask(f"write{LETTER[size]} {address:#x} {value:#x}"))
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()
    return results


def on_rtl(device, base, accesses):
    """The same on a device whose window starts at `base`."""
    results = []

    async def testbench(ctx):
        initiator = Initiator(ctx, device.bus)
        if hasattr(device, "tx"):
            ctx.set(device.tx.ready, 1)
        for address, size, value in accesses:
            if address is IRQ:
                results.append(ctx.get(device.irq))
            elif value is None:
                results.append(await initiator.read(address - base, size))
            else:
                await initiator.write(address - base, value, size)
                results.append(None)
            await idle(ctx, 6)

    run(device, testbench)
    return results


def check(accesses, rtl, qemu):
    for number, (access, here, there) in enumerate(zip(accesses, rtl, qemu, strict=True)):
        if here != there:
            address, _, _ = access
            past = list(zip(accesses, rtl, strict=True))[max(0, number - 15):number]
            history = "\n".join(f"  {_name(a)} {f'is {h:#x}' if v is None else f'becomes {v:#x}'}"
                                for (a, _, v), h in past)
            raise AssertionError(f"access {number}, {_name(address)}: RTL {here:#x}, QEMU {there:#x}; "
                                 f"before that\n{history}")


def _name(address):
    return "interrupt line" if address is IRQ else f"{address:#x}"


@pytest.mark.parametrize("seed", range(3))
def test_uart(seed):
    choose = random.Random(seed)
    base = region("uart").base
    # A slow line: no character timeout falls into the test, as QEMU's clock stands still.
    accesses = [(base + 3, 1, 0x80), (base + 1, 1, 1), (base + 3, 1, 3)]
    latch = False
    for _ in range(1000):
        offset = choose.choice([0, 0, 0, 0, 0, 1, 2, 2, 2, 3, 4, 5, 5, 5, 6, 7])
        if choose.random() < 0.55:
            if offset == 0:
                accesses.append((base + 5, 1, None))
            accesses.append((base + offset, 1, None))
        else:
            value = choose.randrange(256)
            if offset == 1 and latch:
                value |= 1
            if offset == 2:
                # Mostly keep what is in the FIFOs.
                value = value & 0xc9 | (choose.random() < 0.95) | (choose.random() < 0.05) * (value & 6)
            if offset == 3:
                latch = choose.random() < 0.15
                value = value & 0x7f | latch << 7
            if offset == 4:
                value = value & 0xef | (choose.random() < 0.8) << 4
            if offset == 6:
                continue
            accesses.append((base + offset, 1, value))
        if choose.random() < 0.4:
            accesses.append((IRQ, 0, None))

    rtl, qemu = on_rtl(Uart(), base, accesses), on_qemu(accesses, interrupt=INTERRUPTS["uart"])
    for number in range(1, len(accesses)):
        if accesses[number] == (base, 1, None) and not rtl[number - 1] & 1:
            # What an empty receiver gives is nobody's business: QEMU's may be an old character, ours is zero.
            rtl[number] = qemu[number] = None
    check(accesses, rtl, qemu)


def test_uart_reset_values():
    base = region("uart").base
    accesses = [(base + offset, 1, None) for offset in range(8)]
    accesses += [(base + 3, 1, 0x80), (base, 1, None), (base + 1, 1, None)]
    check(accesses, on_rtl(Uart(), base, accesses), on_qemu(accesses))


def test_uart_fifo_depth():
    """As Linux sizes the FIFO: send much in loop back, count what comes back."""
    base = region("uart").base
    accesses = [(base + 2, 1, 7), (base + 4, 1, 0x10)]
    accesses += [(base, 1, value & 0xff) for value in range(40)]
    accesses += [(base + offset, 1, None) for _ in range(20) for offset in (5, 0)]
    results = on_rtl(Uart(), base, accesses)
    check(accesses, results, on_qemu(accesses))
    assert sum(result & 1 for result in results[42::2]) == 16


def test_clint():
    choose = random.Random(1)
    base = region("clint").base
    accesses = [(base + 0x4000, 8, 0)]
    for _ in range(200):
        address, size = choose.choice([(0, 4), (0x4000, 8), (0x4000, 4), (0x4004, 4)])
        value = choose.choice([None, choose.randrange(1 << 8 * size)])
        accesses.append((base + address, size, value))
    check(accesses, on_rtl(Clint(), base, accesses), on_qemu(accesses))


def test_plic_storage():
    choose = random.Random(2)
    base = region("plic").base
    accesses = []
    # One hart: contexts 0 and 1.
    places = ([(4 * source, 7) for source in range(1, 11)]
              + [(0x2000 + 0x80 * context, 0x7fe) for context in (0, 1)]
              + [(0x20_0000 + 0x1000 * context, 7) for context in (0, 1)])
    for _ in range(300):
        address, mask = choose.choice(places)
        accesses.append((base + address, 4, choose.choice([None, choose.randrange(1 << 32) & mask])))
    accesses += [(base + 0x1000, 4, None), (base + 0x20_0004, 4, None)]
    check(accesses, on_rtl(Plic(sources=10, contexts=2), base, accesses), on_qemu(accesses))
