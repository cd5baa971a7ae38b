"""Behavioural model of an SDR SDRAM chip that checks every timing rule of its datasheet, in nanoseconds."""

import random

from hw.memory.sdram import Command

__all__ = ["ChipModel"]

ALL_BANKS = 1 << 10
LENGTH = 4


class _Bank:
    def __init__(self):
        self.row = None
        # Times of the last commands; long ago.
        self.activated = self.precharged = self.wrote = self.read = float("-inf")


class ChipModel:
    """The chip, stepped once a clock cycle with what its pins carry at the clock edge that ends the cycle.

    Parameters
    ----------
    chip : SdramChip
    clock_hz : int

    Attributes
    ----------
    cells : dict
        Data by (bank, row, column).
    refreshes : list of float
        Times of the refreshes.
    """

    def __init__(self, chip, clock_hz):
        self.chip, self.period = chip, 1e9 / clock_hz
        self.banks = [_Bank() for _ in range(1 << chip.bank_bits)]
        self.cells = {}
        self.cycle = 0
        self.refreshes = []
        self.mode_set = None
        self.latency = None
        self.column_cycle = -100
        self.output = {}
        self.input = {}
        self.counts = {command: 0 for command in Command}

    @property
    def now(self):
        return self.cycle * self.period

    def since(self, time, least, what):
        # A picosecond for the floating point.
        assert self.now - time >= least - 1e-3, f"{what}: {self.now - time:.1f} ns, not {least} ns"

    def cell(self, bank, row, column):
        return self.cells.setdefault((bank, row, column), random.getrandbits(self.chip.data_bits))

    def drive(self):
        """Data that the chip shows in this cycle; rubbish where it shows none."""
        return self.output.get(self.cycle, random.getrandbits(self.chip.data_bits))

    def step(self, command, bank, address, dqm, dq, driven):
        """One clock edge."""
        command = Command(command)
        self.counts[command] += 1
        assert not (driven and (self.cycle in self.output or self.cycle - 1 in self.output)), "both drive the data pins"
        if command is Command.WRITE:
            self._column(bank, address)
            state = self.banks[bank]
            for beat in range(LENGTH):
                self.input[self.cycle + beat] = (bank, state.row, self._cell_column(address, beat))
        self._take(dqm, dq, driven)
        if command is Command.READ:
            self._column(bank, address)
            self.banks[bank].read = self.cycle
            for beat in range(LENGTH):
                self.output[self.cycle + self.latency + beat] = self.cell(
                    bank, self.banks[bank].row, self._cell_column(address, beat))
        elif command is Command.ACTIVATE:
            self._activate(bank, address)
        elif command is Command.PRECHARGE:
            self._precharge(range(len(self.banks)) if address & ALL_BANKS else [bank])
        elif command is Command.REFRESH:
            self._refresh()
        elif command is Command.MODE:
            self._mode(address)
        else:
            assert command in (Command.NOP, Command.WRITE), "an unwanted command"
        self.output.pop(self.cycle - 2, None)
        self.cycle += 1

    def _cell_column(self, address, beat):
        column = address & (1 << self.chip.column_bits) - 1
        return column // LENGTH * LENGTH + (column + beat) % LENGTH

    def _take(self, dqm, dq, driven):
        place = self.input.pop(self.cycle, None)
        assert driven == (place is not None), "data pins are driven for data and for nothing else"
        if place is not None:
            mask = sum(0xff << 8 * byte for byte in range(self.chip.data_bits // 8) if not dqm >> byte & 1)
            self.cells[place] = self.cell(*place) & ~mask | dq & mask
            self.banks[place[0]].wrote = self.now

    def _column(self, bank, address):
        state = self.banks[bank]
        assert self.mode_set is not None
        assert state.row is not None, "no row is open"
        assert not address & ALL_BANKS, "a precharge that nobody asked for"
        self.since(state.activated, self.chip.t_rcd, "activate to read or write")
        assert self.cycle - self.column_cycle >= LENGTH, "a burst is cut"
        self.column_cycle = self.cycle

    def _activate(self, bank, row):
        state, chip = self.banks[bank], self.chip
        assert self.mode_set is not None
        assert state.row is None, "a row is open"
        self.since(self.mode_set, chip.t_mrd, "mode register set to activate")
        self.since(state.precharged, chip.t_rp, "precharge to activate")
        self.since(state.activated, chip.t_rc, "activate to activate of a bank")
        self.since(max(other.activated for other in self.banks), chip.t_rrd, "activate to activate of another bank")
        if self.refreshes:
            self.since(self.refreshes[-1], chip.t_rfc, "refresh to activate")
        assert row < 1 << chip.row_bits
        state.row, state.activated = row, self.now

    def _precharge(self, banks):
        if not any(self.counts[command] for command in (Command.PRECHARGE,) if self.counts[command] > 1):
            assert self.now >= self.chip.t_power_up - 1e-3, "too early after power-up"
        for state in (self.banks[bank] for bank in banks):
            if state.row is not None:
                self.since(state.activated, self.chip.t_ras, "activate to precharge")
                self.since(state.wrote, self.chip.t_wr, "write to precharge")
                assert self.cycle - state.read >= LENGTH, "a read is cut"
            assert not any(place[0] == self.banks.index(state) for place in self.input.values()), "a write is cut"
            state.row, state.precharged = None, self.now

    def _refresh(self):
        chip = self.chip
        for state in self.banks:
            assert state.row is None, "refresh with an open row"
            self.since(state.precharged, chip.t_rp, "precharge to refresh")
            self.since(state.activated, chip.t_rc, "activate to refresh")
        if self.refreshes:
            self.since(self.refreshes[-1], chip.t_rfc, "refresh to refresh")
        if self.mode_set is not None:
            self.since(self.mode_set, chip.t_mrd, "mode register set to refresh")
        self.refreshes.append(self.now)

    def _mode(self, address):
        assert self.counts[Command.PRECHARGE] and len(self.refreshes) >= self.chip.initial_refreshes
        self.since(self.refreshes[-1], self.chip.t_rfc, "refresh to mode register set")
        assert address & 0x0f == 2, "sequential bursts of four"
        assert address >> 7 == 0
        self.latency = address >> 4 & 7
        assert any(latency == self.latency and 1e9 / self.period <= hertz for latency, hertz in self.chip.cas)
        self.mode_set = self.now

    def check_refreshes(self):
        """All rows in time: as many refreshes as there are intervals, and none much later than its turn."""
        working = [time for time in self.refreshes if time > self.mode_set]
        intervals = (self.now - self.mode_set) / self.chip.t_refi
        assert len(working) >= int(intervals) - 1
        for number, time in enumerate(working):
            assert time - self.mode_set <= (number + 2) * self.chip.t_refi
