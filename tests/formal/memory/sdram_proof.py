"""The SDRAM controller with a chip's rules, and what is proven about it by induction.

The chip is small: two banks of two rows of two words. One word is chosen freely (`AnyConst`): `cell` is what the chip
holds there, `shadow` what the acknowledged writes have put there. The chip acts on what the pins carry; names with
`then` tell its state after this cycle's command. It starts with the controller, once.
"""

from amaranth import *
from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume, Cover

from hw.bus import wishbone
from hw.memory.sdram import Command, SdramController
from hw.memory.sdram_config import ALL_BANKS_BIT, BURST_LENGTH, SdramChip, SdramConfig
from tests.formal.bus.rules import initiator_rules, target_rules

__all__ = ["CHIP", "SdramProof"]

CLOCK = 100_000_000
CHIP = SdramChip("small", cas=((2, CLOCK),), t_rc=70, t_ras=30, t_rp=20, t_rcd=20, t_rrd=20, t_wr=20, t_rfc=40,
                 t_mrd=20, t_refi=420, t_power_up=20, initial_refreshes=2, row_bits=1, column_bits=3, bank_bits=1,
                 data_bits=8)
#: Where counters of cycles stop.
MANY = 15


class SdramProof(SdramController):
    """The controller with its properties.

    Parameters
    ----------
    stricter : str, optional
        A timing of the chip that is a cycle longer than the controller believes.
    forget : {None, "mask", "turn"}
        What to plant: the chip ignores the byte mask; it wants two cycles between directions of the data pins.
    cover : bool
    """

    def __init__(self, *, stricter=None, forget=None, cover=False):
        self._stricter, self._forget, self._cover = stricter, forget, cover
        super().__init__(SdramConfig(chip=CHIP, clock_hz=CLOCK))

    def _cycles(self, name):
        extra = 10 if self._stricter == name else 0
        return self.config.cycles(getattr(self.config.chip, name) + extra)

    def elaborate(self, platform):
        m = super().elaborate(platform)
        self.burst = initiator_rules(m, self.bus, Assume, bursts=True)
        target_rules(m, self.bus, Assert)
        self._decode(m)
        self._commands(m)
        self._links(m)
        self._data(m)
        self._reads(m)
        return m

    def _decode(self, m):
        """What the pins say."""
        pins = self.pins
        self.is_command = {command: pins.command == command for command in Command}
        everything = pins.address[ALL_BANKS_BIT]
        self.banks = range(1 << self.config.chip.bank_bits)
        self.precharges = [self.is_command[Command.PRECHARGE] & (everything | (pins.bank == bank))
                           for bank in self.banks]

        def names(command, bank):
            return self.is_command[command] & (pins.bank == bank)

        self.activates = [names(Command.ACTIVATE, bank) for bank in self.banks]
        self.columns = [names(Command.READ, bank) | names(Command.WRITE, bank) for bank in self.banks]
        self.reads_bank = [names(Command.READ, bank) for bank in self.banks]
        self.writes_bank = [names(Command.WRITE, bank) for bank in self.banks]

    def _since(self, m, event, name):
        """Cycles since an event, before and after this cycle's command."""
        before, then = Signal(range(MANY + 1), init=MANY, name=f"{name}_before"), Signal(range(MANY + 1), name=name)
        m.d.comb += then.eq(Mux(event, 0, before))
        m.d.sync += before.eq(Mux(then == MANY, MANY, then + 1))
        return before, then

    def _commands(self, m):
        """Every rule of the datasheet, as the chip sees it. Numbers of cycles are those at the pins."""
        pins, cycles = self.pins, self._cycles
        is_command = self.is_command
        self.opened = [Signal(name=f"opened{bank}") for bank in self.banks]
        self.row = [Signal(self.config.chip.row_bits, name=f"chip_row{bank}") for bank in self.banks]
        self.opened_then = [self.activates[bank] | (self.opened[bank] & ~self.precharges[bank])
                            for bank in self.banks]
        self.row_then = [Mux(self.activates[bank], pins.address[:len(self.row[bank])], self.row[bank])
                         for bank in self.banks]
        since = {}
        for bank in self.banks:
            m.d.sync += [self.opened[bank].eq(self.opened_then[bank]), self.row[bank].eq(self.row_then[bank])]
            for name, event in (("activate", self.activates), ("precharge", self.precharges),
                                ("read", self.reads_bank), ("write", self.writes_bank)):
                since[name, bank] = self._since(m, event[bank], f"since_{name}{bank}")
        since["refresh"] = self._since(m, is_command[Command.REFRESH], "since_refresh")
        since["mode"] = self._since(m, is_command[Command.MODE], "since_mode")
        any_column = is_command[Command.READ] | is_command[Command.WRITE]
        since["column"] = self._since(m, any_column, "since_column")
        self.since = since
        m.d.comb += Assert(~is_command[Command.STOP])
        for bank in self.banks:
            ago = {name: since[name, bank][0] for name in ("activate", "precharge", "read", "write")}
            with m.If(self.activates[bank]):
                m.d.comb += [
                    Assert(~self.opened[bank]),
                    Assert(ago["precharge"] >= cycles("t_rp")), Assert(ago["activate"] >= cycles("t_rc")),
                    Assert(since["refresh"][0] >= cycles("t_rfc")), Assert(since["mode"][0] >= cycles("t_mrd")),
                    *(Assert(since["activate", other][0] >= cycles("t_rrd")) for other in self.banks),
                ]
            with m.If(self.columns[bank]):
                m.d.comb += [
                    Assert(self.opened[bank]), Assert(ago["activate"] >= cycles("t_rcd")),
                    Assert(~pins.address[ALL_BANKS_BIT]), Assert(since["column"][0] >= BURST_LENGTH),
                ]
            with m.If(self.precharges[bank] & self.opened[bank]):
                m.d.comb += [
                    Assert(ago["activate"] >= cycles("t_ras")), Assert(ago["read"] >= BURST_LENGTH),
                    # The last datum comes three cycles behind the command.
                    Assert(ago["write"] >= BURST_LENGTH - 1 + cycles("t_wr")),
                ]
            with m.If(is_command[Command.REFRESH] | is_command[Command.MODE]):
                m.d.comb += [
                    Assert(~self.opened[bank]), Assert(ago["precharge"] >= cycles("t_rp")),
                    Assert(ago["activate"] >= cycles("t_rc")), Assert(since["refresh"][0] >= cycles("t_rfc")),
                    Assert(since["mode"][0] >= cycles("t_mrd")),
                ]

    def _links(self, m):
        """The controller's waits cover what the chip still has to wait for."""
        inside, since, config = self._inside, self.since, self.config
        row_wait, column_wait, precharge_wait = (inside.waits[name] for name in ("row", "column", "precharge"))
        runs = self._fsm.ongoing("run")

        def covered(then, wait, cycles):
            return (then == MANY) | (then + 1 + wait >= cycles)

        m.d.comb += [
            Assert(self._fsm.ongoing("power-up") | self._fsm.ongoing("refresh") | runs),
            Assert(covered(since["refresh"][1], row_wait, config.rfc)),
            Assert(covered(since["mode"][1], row_wait, config.mrd)),
            Assert(covered(since["column"][1], column_wait, BURST_LENGTH)),
            Assert(runs | (inside.beat == 0)),
            Assert(runs | ~inside.streams),
        ]
        for bank in self.banks:
            then = {name: since[name, bank][1] for name in ("activate", "precharge", "read", "write")}
            m.d.comb += [
                Assert(self.opened_then[bank] == inside.is_open[bank]),
                Assert(~self.opened_then[bank] | (self.row_then[bank] == inside.open_rows[bank])),
                Assert(runs | ~inside.is_open[bank]),
                Assert(covered(then["precharge"], row_wait, config.rp)),
                Assert(covered(then["activate"], row_wait, config.rrd)),
                Assert(covered(then["activate"], column_wait, config.rcd)),
                Assert(covered(then["activate"], precharge_wait, config.ras) | ~self.opened_then[bank]),
                Assert(covered(then["read"], precharge_wait, BURST_LENGTH) | ~self.opened_then[bank]),
                Assert(covered(then["write"], precharge_wait, BURST_LENGTH - 1 + config.wr)
                       | ~self.opened_then[bank]),
                Assert(self.opened_then[bank] | (then["activate"] == MANY)
                       | (then["activate"] >= then["precharge"] + config.ras)),
            ]

    def _data(self, m):
        """The chosen word: what the chip holds and what was written, a datum at a time."""
        config, bus, pins, inside = self.config, self.bus, self.pins, self._inside
        chip = config.chip
        bits, column_bits = chip.data_bits, chip.column_bits - 2
        self.chosen = chosen = Signal(config.address_bits)
        m.d.comb += chosen.eq(AnyConst(config.address_bits))
        bank = chosen[column_bits:column_bits + chip.bank_bits]
        self.at_pins = ((pins.bank == bank) & (pins.address[2:2 + column_bits] == chosen[:column_bits])
                        & (Array(self.row)[bank] == chosen[column_bits + chip.bank_bits:]))
        self.cell, self.shadow = Signal(config.word_bits), Signal(config.word_bits)
        cell_then = Signal(config.word_bits)
        # Beat of the write on the pins, and whether it goes to the chosen word.
        place, goes_here = Signal(range(BURST_LENGTH)), Signal()
        writes = self.is_command[Command.WRITE]
        now, here, on = Signal(2), Signal(), Signal()
        m.d.comb += [
            on.eq(writes | (place != 0)),
            now.eq(Mux(writes, 0, place)),
            here.eq(Mux(writes, self.at_pins, goes_here)),
            cell_then.eq(self.cell),
        ]
        m.d.sync += [place.eq(Mux(on, now + 1, 0)), goes_here.eq(here)]
        masked = 0 if self._forget == "mask" else pins.dqm[0]
        for beat in range(BURST_LENGTH):
            with m.If(on & here & (now == beat) & ~masked):
                m.d.comb += cell_then[bits * beat:bits * (beat + 1)].eq(pins.dq_o)
        m.d.sync += self.cell.eq(cell_then)
        m.d.comb += Assert(pins.dq_oe == on)

        lanes = Cat(lane.replicate(bits) for lane in bus.sel)
        with m.If(bus.ack & bus.we & (bus.adr == chosen)):
            m.d.sync += self.shadow.eq((self.shadow & ~lanes) | (bus.dat_w & lanes))
        done = Cat((inside.beat > beat).replicate(bits) for beat in range(BURST_LENGTH))
        partly = (self.shadow & ~(lanes & done)) | (bus.dat_w & lanes & done)
        with m.If((inside.beat != 0) & (bus.adr == chosen)):
            m.d.comb += Assert(cell_then == partly)
        with m.Else():
            m.d.comb += Assert(cell_then == self.shadow)
        with m.If(inside.beat != 0):
            m.d.comb += [Assert(bus.cyc & bus.stb & bus.we), Assert(on), Assert(now == inside.beat - 1),
                         Assert(here == (bus.adr == chosen))]
        with m.Else():
            m.d.comb += Assert(~on | (now == BURST_LENGTH - 1))
        self.on = on

    def _reads(self, m):
        """Words on their way back, and who waits for them."""
        config, bus, burst, inside = self.config, self.bus, self.burst, self._inside
        latency, bits = config.cas_latency, config.chip.data_bits
        length = len(inside.reads)
        # What the chip gives: data of a read so many cycles ago.
        coming = Signal(latency + BURST_LENGTH)
        m.d.sync += coming.eq(Cat(self.is_command[Command.READ] & self.at_pins, coming))
        busy = Signal(latency + BURST_LENGTH)
        m.d.sync += busy.eq(Cat(self.is_command[Command.READ], busy))
        for beat in range(BURST_LENGTH):
            with m.If(coming[latency - 1 + beat]):
                m.d.comb += Assume(self.pins.dq_i == self.cell.word_select(beat, bits))
        # Chip and controller never drive together, nor in neighbouring cycles.
        turn = 2 if self._forget == "turn" else 1
        driven = busy[latency - 1:]
        late = Signal(turn)
        m.d.sync += late.eq(Cat(driven.any(), late))
        m.d.comb += Assert(~self.pins.dq_oe | ~(driven.any() | late.any()))

        addresses = [Signal(config.address_bits, name=f"asked{age}") for age in range(length)]
        m.d.sync += addresses[0].eq(inside.address)
        m.d.sync += [later.eq(earlier) for earlier, later in zip(addresses[:-1], addresses[1:], strict=True)]
        def asks_for(address):
            return (bus.cyc & ~(bus.stb & bus.we) & (bus.stb | burst.inside) & (~bus.stb | (bus.adr == address))
                    & (~burst.inside | ((burst.expected == address) & ~burst.we)))

        def after(address):
            """The word behind `address` in the burst on the bus."""
            cti, bte = Signal(wishbone.CycleType), Signal(wishbone.BurstTypeExt)
            m.d.comb += [cti.eq(Mux(burst.inside, wishbone.CycleType(burst.kind), bus.cti)),
                         bte.eq(Mux(burst.inside, wishbone.BurstTypeExt(burst.bte), bus.bte))]
            return wishbone.next_burst_address(address, cti, bte)[:config.address_bits]

        cti, bte = Value.cast(inside.ahead_cti), Value.cast(inside.ahead_bte)
        same_burst = ((~bus.stb | (((Value.cast(bus.cti) == cti) | (Value.cast(bus.cti) == 7))
                                   & (Value.cast(bus.bte) == bte)))
                      & (~burst.inside | ((burst.kind == cti) & (burst.bte == bte))))
        m.d.comb += Assert((inside.wanted & ~inside.reads) == 0)
        older = C(0, 1)
        # From the oldest to the youngest.
        for age in reversed(range(length)):
            wanted = inside.wanted[age]
            with m.If(inside.reads[age]):
                for other in range(max(0, age - BURST_LENGTH + 1), age):
                    m.d.comb += Assert(~inside.reads[other])
                if age < BURST_LENGTH:
                    m.d.comb += Assert(inside.waits["column"] >= BURST_LENGTH - 1 - age)
                # On the pins, at the chip, or just over.
                if age == 0:
                    m.d.comb += [Assert(self.is_command[Command.READ]),
                                 Assert(self.at_pins == (addresses[0] == self.chosen))]
                elif age <= len(coming):
                    m.d.comb += [Assert(busy[age - 1]), Assert(coming[age - 1] == (addresses[age] == self.chosen))]
                collected = min(max(age - latency, 0), BURST_LENGTH)
                if collected:
                    with m.If(addresses[age] == self.chosen):
                        m.d.comb += Assert(inside.collected[bits * (BURST_LENGTH - collected):]
                                           == self.cell[:bits * collected])
            with m.Else():
                if age == 0:
                    m.d.comb += Assert(~self.is_command[Command.READ])
                elif age <= len(coming):
                    m.d.comb += Assert(~busy[age - 1] & ~coming[age - 1])
            with m.If(wanted & ~older):
                m.d.comb += Assert(asks_for(addresses[age]))
            for before in range(age + 1, length):
                with m.If(wanted & inside.wanted[before] & ~inside.wanted[age + 1:before].any()):
                    m.d.comb += Assert(addresses[age] == after(addresses[before]))
            with m.If(inside.streams & wanted & ~inside.wanted[:age].any()):
                m.d.comb += [Assert(inside.ahead == after(addresses[age])),
                             Assert(inside.waits["column"] <= max(0, BURST_LENGTH - 1 - age)),
                             Assert(same_burst)]
            older = older | wanted
        m.d.comb += [
            Assert(~inside.streams | inside.wanted[:BURST_LENGTH + 1].any()),
            Assert(~self.on | ~inside.reads.any()),
        ]
        with m.If(bus.ack & ~bus.we & (bus.adr == self.chosen)):
            m.d.comb += Assert(bus.dat_r == self.shadow)
        if self._cover:
            wrote = Signal()
            with m.If(bus.ack & bus.we & (bus.adr == self.chosen)):
                m.d.sync += wrote.eq(1)
            m.d.comb += Cover(bus.ack & ~bus.we & (bus.adr == self.chosen) & wrote & (self.shadow == 0x1234_5678))
