"""The simulated SDRAM chip (sim/host/sdram_chip.cpp) by itself, command by command, and against the one of the
controller's own bench (tests/hw/memory/sdram_chip.py), which counts in nanoseconds."""

import random
import subprocess
from dataclasses import dataclass, replace

import pytest

from hw.memory.sdram import Command
from hw.memory.sdram_config import AS4C16M16SA_7, CHIPS, SdramConfig
from sim.model import datasheet
from sim.toolchain import ROOT
from tests.hw.memory.sdram_chip import ChipModel

#: Short to wait for; all else as the datasheet says.
CHIP = replace(AS4C16M16SA_7, t_power_up=1000)
CONFIG = SdramConfig(chip=CHIP, clock_hz=133_000_000, input_registers=0)
ALL = 1 << 10


@dataclass(frozen=True)
class Pins:
    """What the controller drives in a cycle."""

    command: Command = Command.NOP
    bank: int = 0
    address: int = 0
    dqm: int = 0
    dq: int = 0
    driven: bool = False


def idle(cycles):
    return [Pins()] * cycles


def start(config=CONFIG):
    """Power-on as the datasheet has it."""
    refresh = [Pins(Command.REFRESH), *idle(config.rfc - 1)]
    return [*idle(config.power_up), Pins(Command.PRECHARGE, address=ALL), *idle(config.rp - 1),
            *refresh * config.chip.initial_refreshes, Pins(Command.MODE, address=config.mode), *idle(config.mrd - 1)]


def activate(bank=0, row=0, config=CONFIG):
    return [Pins(Command.ACTIVATE, bank=bank, address=row), *idle(config.rcd - 1)]


def written(data, bank=0, column=0, dqm=(0, 0, 0, 0)):
    return [Pins(Command.WRITE if beat == 0 else Command.NOP, bank=bank, address=column, dqm=dqm[beat], dq=datum,
                 driven=True) for beat, datum in enumerate(data)]


def read(bank=0, column=0):
    return [Pins(Command.READ, bank=bank, address=column), *idle(3)]


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    path = tmp_path_factory.mktemp("chip") / "driver"
    subprocess.run(["g++", "-std=gnu++20", "-O1", "-o", path, ROOT / "tests/sim/sdram_chip_driver.cpp",
                    ROOT / "sim/host/sdram_chip.cpp"], check=True)
    return path


def run_all(driver, runs, config=CONFIG, stuck=None):
    """For each run on a new chip: what `dq_i` becomes in each cycle, and what the chip complains about."""
    begin = "new\n" + (f"stick {stuck}\n" if stuck is not None else "")
    text = "".join(begin + "".join(
        f"{one.command.value} {one.bank} {one.address} {one.dqm} {one.dq} {int(one.driven)}\n" for one in pins)
        for pins in runs)
    command = [driver, *map(str, datasheet(config).values())]
    lines = iter(subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout.splitlines())
    for pins in runs:
        values = [next(lines).split(" ", 1) for _ in pins]
        yield [int(shown) for shown, _ in values], [complaint for _, complaint in values]
    assert next(lines, None) is None


def run(driver, pins, config=CONFIG):
    [result] = run_all(driver, [pins], config)
    return result


def first_of(complaints):
    return next((number for number, text in enumerate(complaints) if text), None)


def complaint(driver, pins, config=CONFIG):
    """The first complaint and how many cycles before the end it came; None without one."""
    _, complaints = run(driver, [*pins, *idle(8)], config)
    first = first_of(complaints)
    return None if first is None else (complaints[first], len(pins) - 1 - first)


@pytest.mark.parametrize("registers", [0, 1, 2, 4])
def test_data_come_back_as_they_were_written(driver, registers):
    """Byte masks, the wrap of a burst, and the cycle in which `dq_i` has the first datum."""
    config = replace(CONFIG, input_registers=registers)
    data = [0x1111, 0x2222, 0x3333, 0x4444]
    pins = [*start(config), *activate(3, 77, config), *written(data, 3, 8),
            *written([0xaaaa, 0xbbbb, 0xcccc, 0xdddd], 3, 8, (3, 1, 2, 0))]
    asked = len(pins)
    shown, complaints = run(driver, [*pins, *read(3, 10), *idle(12)], config)
    assert not any(complaints)
    # A line says what the next cycle has.
    first = asked + config.cas_latency + registers - 1
    assert shown[first:first + 4] == [0xcc33 ^ 0xcc33 ^ 0x33cc, 0xdddd, 0x1111, 0xbb22]
    assert set(shown[:first] + shown[first + 4:]) == {0x5aa5}


def test_a_stuck_cell(driver):
    """The second word of the row loses its lowest bit, and nothing else."""
    pins = [*start(), *activate(), *written([0xffff] * 4), *read(), *idle(4)]
    plain, stuck = ([value for value in next(run_all(driver, [pins], stuck=offset))[0] if value in (0xffff, 0xfffe)]
                    for offset in (None, 2))
    assert (plain, stuck) == ([0xffff] * 4, [0xffff, 0xfffe, 0xffff, 0xffff])


def test_mask_hides_what_is_read(driver):
    pins = [*start(), *activate(), *written([1, 2, 3, 4]), *idle(1), *read()]
    asked = len(pins) - 4
    pins[asked + CONFIG.cas_latency - 2] = replace(pins[asked + CONFIG.cas_latency - 2], dqm=1)
    shown, complaints = run(driver, [*pins, *idle(8)])
    first = asked + CONFIG.cas_latency - 1
    assert shown[first:first + 4] == [0x00a5, 2, 3, 4] and not any(complaints)


def test_open_row_is_kept_and_another_one_is_another(driver):
    pins = [*start(), *activate(1, 5), *written([5] * 4, 1), *activate(2, 5), *written([6] * 4, 2), *idle(20),
            Pins(Command.PRECHARGE, bank=1), *idle(CONFIG.rp - 1), *activate(1, 6), *written([7] * 4, 1)]
    asked = len(pins)
    shown, complaints = run(driver, [*pins, *idle(20), Pins(Command.PRECHARGE, bank=1), *idle(CONFIG.rp - 1),
                                      *activate(1, 5), *read(1), *read(2), *idle(8)])
    assert not any(complaints)
    assert [value for value in shown[asked:] if value != 0x5aa5] == [5] * 4 + [6] * 4


def rule(name, cycles, before, after):
    """A rule, kept and broken by a cycle: `after` comes so many cycles behind `before`."""
    return pytest.param(name, cycles, before, after, id=f"{name}-{after.command.name}")


PRECHARGE, REFRESH = Pins(Command.PRECHARGE, address=ALL), Pins(Command.REFRESH)
OPEN = Pins(Command.ACTIVATE)


@pytest.mark.parametrize("name, cycles, before, after", [
    rule("t_rcd", CONFIG.rcd, [OPEN], Pins(Command.READ)),
    rule("t_ras", CONFIG.cycles(CHIP.t_ras), [OPEN], PRECHARGE),
    rule("t_rp", CONFIG.rp, [OPEN, *idle(20), PRECHARGE], OPEN),
    rule("t_rp", CONFIG.rp, [OPEN, *idle(20), PRECHARGE], REFRESH),
    rule("t_rrd", CONFIG.rrd, [OPEN], Pins(Command.ACTIVATE, bank=1)),
    rule("t_wr", CONFIG.wr, [*activate(), *idle(20), *written([0] * 4)], PRECHARGE),
    rule("t_rfc", CONFIG.rfc, [REFRESH], OPEN),
    rule("t_rfc", CONFIG.rfc, [REFRESH], REFRESH),
    rule("burst", 4, [*activate(), Pins(Command.READ)], Pins(Command.READ, address=4)),
    rule("burst", 4, [*activate(), *idle(20), Pins(Command.READ)], PRECHARGE),
])
def test_rule(driver, name, cycles, before, after):
    assert complaint(driver, [*start(), *idle(20), *before, *idle(cycles - 1), after]) is None
    text, cycles_before_end = complaint(driver, [*start(), *idle(20), *before, *idle(cycles - 2), after])
    assert text.startswith(f"{name}: ") and cycles_before_end == 0


def test_row_cycle(driver):
    """For a chip whose t_rc is more than t_ras and t_rp together."""
    config = replace(CONFIG, chip=replace(CHIPS["IS42S16160G-7"], t_power_up=1000))
    cycles = {name: config.cycles(getattr(config.chip, name)) for name in ("t_rc", "t_ras", "t_rp")}
    for after in (OPEN, REFRESH):
        wait = cycles["t_rc"] - cycles["t_ras"] - 1
        assert wait >= cycles["t_rp"]
        before = [*start(config), *idle(20), OPEN, *idle(cycles["t_ras"] - 1), PRECHARGE]
        assert complaint(driver, [*before, *idle(wait), after], config) is None
        assert complaint(driver, [*before, *idle(wait - 1), after], config)[0].startswith("t_rc: ")


@pytest.mark.parametrize("name, pins", [
    ("t_power_up", [*idle(CONFIG.power_up - 1), PRECHARGE]),
    ("t_mrd", [*start()[:-1], OPEN]),
    ("power-on", [*idle(CONFIG.power_up), REFRESH]),
    ("power-on", [*start()[:CONFIG.power_up + 20], Pins(Command.MODE, address=CONFIG.mode)]),
    ("mode register", [*start()[:-CONFIG.mrd], OPEN]),
    ("mode register", [*start()[:-CONFIG.mrd], Pins(Command.MODE, address=2 << 4 | 2)]),
    ("mode register", [*start()[:-CONFIG.mrd], Pins(Command.MODE, address=3 << 4 | 3)]),
    ("open row", [*start(), Pins(Command.READ)]),
    ("open row", [*start(), *activate(), *idle(20), OPEN]),
    ("open row", [*start(), *activate(), *idle(20), REFRESH]),
    ("auto-precharge", [*start(), *activate(), Pins(Command.READ, address=ALL)]),
    ("data pins", [*start(), Pins(driven=True)]),
    ("data pins", [*start(), *activate(), Pins(Command.WRITE)]),
    ("data pins", [*start(), *activate(), *read(), *written([0] * 4)[:1]]),
    ("command", [*start(), Pins(Command.STOP)]),
    ("burst", [*start(), *activate(), *idle(20), *written([0] * 4)[:3], Pins(Command.PRECHARGE, driven=True)]),
    ("t_refi", [*start(), *idle(2 * CONFIG.refresh_interval - CONFIG.mrd + 2)]),
], ids=lambda value: value if isinstance(value, str) else "")
def test_refusal(driver, name, pins):
    text, cycles_before_end = complaint(driver, pins)
    assert text.startswith(f"{name}: ") and cycles_before_end == 0


def test_refreshes_in_advance_do_not_count_for_ever(driver):
    """Ten at once, and the eleventh more than two intervals late."""
    wait = idle(4 * CONFIG.refresh_interval)
    text, _ = complaint(driver, [*start(), *[REFRESH, *idle(CONFIG.rfc - 1)] * 10, *wait])
    assert text.startswith("t_refi: ")


def anything(model):
    """Some commands that mostly keep the rules, and at times do not."""
    careful = random.random() < 0.9
    opened = [number for number, bank in enumerate(model.banks) if bank.row is not None]
    closed = [number for number, bank in enumerate(model.banks) if bank.row is None]
    kinds = ["wait", "precharge", *(["read", "read", "write", "write"] if opened or not careful else []),
             *(["activate", "activate"] if closed or not careful else []), *([] if opened and careful else ["refresh"])]
    kind = random.choice(kinds)
    among = closed if kind == "activate" else opened
    bank = random.choice(among if careful and among else range(4))
    gap = idle(random.randint(4, 12) if careful else random.choice([0, 1, 2, 3]))
    if kind == "read":
        return [*gap, *read(bank, random.randrange(0, 512))]
    if kind == "write":
        return [*gap, *written([random.getrandbits(16) for _ in range(4)], bank, random.randrange(0, 512, 4),
                               [random.choice([0, 0, random.randrange(4)]) for _ in range(4)])]
    return [*gap, {"wait": Pins(), "activate": Pins(Command.ACTIVATE, bank, random.randrange(2)),
                   "precharge": Pins(Command.PRECHARGE, bank, random.choice([0, 0, ALL])), "refresh": REFRESH}[kind]]


class Zeros(ChipModel):
    """A chip whose cells are zero at first."""

    def cell(self, bank, row, column):
        return self.cells.setdefault((bank, row, column), 0)


def until_broken(config, length):
    """Pins for `length` cycles, or until the chip of the controller's bench finds a broken rule; what it showed in each
    cycle; and the last cycle if it was broken in it."""
    model, pins, shown, more = Zeros(config.chip, config.clock_hz), [], [], [*start(config), *idle(12)]
    while len(pins) < length:
        for one in more:
            pins.append(one)
            shown.append(model.output.get(model.cycle))
            try:
                model.step(one.command, one.bank, one.address, one.dqm, one.dq, one.driven)
            except AssertionError:
                return pins, shown, len(pins) - 1
        more = anything(model)
    return pins, shown, None


@pytest.mark.parametrize("clock_hz", [60_000_000, 100_000_000, 143_000_000])
@pytest.mark.parametrize("name", CHIPS)
def test_both_chips_say_the_same(driver, name, clock_hz):
    """Random commands, each run until the first broken rule: in the same cycle for both, and with the same data."""
    config = SdramConfig(chip=replace(CHIPS[name], t_power_up=1000), clock_hz=clock_hz)
    random.seed(f"{name} {clock_hz}")
    runs = [until_broken(config, 600) for _ in range(150)]
    reads = 0
    results = run_all(driver, [pins for pins, _, _ in runs], config)
    for (pins, wanted, end), (shown, complaints) in zip(runs, results, strict=True):
        assert first_of(complaints) == end
        for number, value in enumerate(wanted[1:end], 1):
            # The other model leaves the mask of what is read out.
            if value is not None and not pins[number - 2].dqm:
                reads += 1
                assert shown[number - 1] == value
    assert sum(end is not None for _, _, end in runs) > 50 and reads > 1000
