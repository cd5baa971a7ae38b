"""Branch predictor: which branch a fetched word holds, whether it is taken, and where it goes."""

from amaranth import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..mapping import BLOCK_RAM, SEPARATE, equal
from .prediction import REGION_BITS, BranchKind, Prediction, Training
from .return_stack import ReturnStack

__all__ = ["BranchPredictor"]

WAYS = 2
#: A new target enters the history with this many bits, of which the oldest are shifted out by one for each.
TARGET_BITS = 8
INDIRECT_BITS = 9


def _block_ram(m, name, shape, depth):
    """A memory with one write port and one read port; answers a cycle after the address."""
    m.submodules[name] = store = memory.Memory(shape=shape, depth=depth, init=[], attrs=BLOCK_RAM)
    write, read = store.write_port(), store.read_port(domain="comb")
    answer = Signal(shape, name=f"{name}_read", reset_less=True)
    m.d.sync += answer.eq(read.data)
    return write, read.addr, answer


class BranchPredictor(wiring.Component):
    """Tables in block RAM, looked up with each word that is fetched.

    *Which and where*: two branches of each word, with partial tags. *Whether*: four two-bit counters, one for each
    halfword in which a branch may end, chosen by address and *history* (gshare: McFarling, Combining Branch Predictors,
    1993); the targets of indirect jumps are chosen so too. The history is a hash of the last targets that were gone to.
    It is kept twice, as fetch foresees it and as it was in execution.

    Parameters
    ----------
    entries : int
        Branches in the table, a power of two above 2; 0: nothing is ever predicted.
    history_bits : int
        The history's length; there are counters for that many words, to a power of two.

    Members
    -------
    read_address : a word that is being looked up; `prediction` answers in the next cycle,
    address : when this must be the same address. Branches that end before it are not on the way.
    followed : the word at `address` is taken, and fetch goes on where `prediction` says; in the next cycle that is
        `followed_to`.
    restore : fetch is redirected.
    training : what has happened in execution.
    clearing : the table is being cleared after reset.
    """

    def __init__(self, entries, history_bits):
        if not isinstance(entries, int) or 0 < entries < 2 * WAYS or entries < 0 or entries & (entries - 1):
            raise ValueError(f"Branch predictor entries must be 0 or a power of two above {WAYS}, not {entries!r}")
        if not isinstance(history_bits, int) or not 1 <= history_bits <= 14:
            raise ValueError(f"Branch history bits must be between 1 and 14, not {history_bits!r}")
        self._sets = entries // WAYS
        self._history_bits = history_bits
        super().__init__({
            "read_address": In(REGION_BITS),
            "address": In(REGION_BITS),
            "prediction": Out(Prediction),
            "followed": In(1),
            "followed_to": In(REGION_BITS),
            "restore": In(1),
            "training": In(Training),
            "clearing": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        if self._sets == 0:
            return m
        training = self.training
        bits = self._history_bits
        index_high = 3 + exact_log2(self._sets)
        m.submodules.returns = returns = ReturnStack()

        # ---- history
        def hashed(history, target):
            return ((history << 1) ^ target[1:1 + TARGET_BITS])[:bits]

        moved = Signal()  # `followed` in the cycle before
        ahead = Signal(bits)
        foreseen = Signal(bits)
        executed = Signal(bits)
        settled = Signal(bits)
        m.d.comb += [
            foreseen.eq(Mux(moved, hashed(ahead, self.followed_to), ahead)),
            settled.eq(Mux(training.taken, hashed(executed, training.target), executed)),
        ]
        m.d.sync += executed.eq(settled)
        with m.If(self.restore):
            m.d.sync += ahead.eq(settled)
        with m.Else():
            m.d.sync += ahead.eq(foreseen)

        # Of the counters and indirect targets: for the word looked up, and for the instruction learned of.
        row = Signal(bits)
        learned = Signal(bits)
        m.d.comb += [
            row.eq(self.read_address[3:3 + bits] ^ Mux(self.restore, settled, foreseen)),
            learned.eq(training.end[3:3 + bits] ^ executed),
        ]

        # ---- which and where
        clearing = Signal(init=1)
        sweep = Signal(range(self._sets))
        victim = Signal()
        m.d.comb += self.clearing.eq(clearing)
        with m.If(clearing):
            m.d.sync += [sweep.eq(sweep + 1), clearing.eq(sweep != self._sets - 1)]
        with m.If(training.insert):
            m.d.sync += victim.eq(~victim)
        layout = data.StructLayout({"kind": BranchKind, "position": 2, "half_target": REGION_BITS - 1,
                                    "tag": REGION_BITS - index_high})
        branches = []
        for way in range(WAYS):
            write, read_address, branch = _block_ram(m, f"branches{way}", layout, self._sets)
            m.d.comb += [
                read_address.eq(self.read_address[3:index_high]),
                write.en.eq(clearing | training.forget | (training.insert & (victim == way))),
                write.addr.eq(Mux(clearing, sweep, training.end[3:index_high])),
                write.data.kind.eq(Mux(clearing | training.forget, BranchKind.NONE, training.kind)),
                write.data.position.eq(training.end[1:3]),
                write.data.half_target.eq(training.target[1:]),
                write.data.tag.eq(training.end[index_high:]),
            ]
            branches.append(branch)

        # ---- whether. The counter is read again when its branch has been executed; zero means taken, weakly.
        counters = data.ArrayLayout(2, 4)
        depth = 1 << bits
        write, counters_address, guesses = _block_ram(m, "counters", counters, depth)
        again, again_address, old = _block_ram(m, "counters_again", counters, depth)
        update = Signal()
        updated = Signal(bits)
        position = Signal(2)
        up = Signal()
        m.d.sync += [
            update.eq(training.conditional), updated.eq(learned), position.eq(training.end[1:3]),
            up.eq(training.taken),
        ]
        m.d.comb += [counters_address.eq(row), again_address.eq(learned)]
        for port in (write, again):
            m.d.comb += [port.en.eq(update), port.addr.eq(updated), port.data.eq(old)]
            with m.Switch(position):
                for i in range(4):
                    with m.Case(i):
                        m.d.comb += port.data[i].eq(_count(old[i], up))

        # ---- targets of indirect jumps
        write, targets_address, target = _block_ram(
            m, "targets", REGION_BITS - 1, 1 << min(bits, INDIRECT_BITS))
        m.d.comb += [
            targets_address.eq(row),
            write.en.eq(training.indirect), write.addr.eq(learned), write.data.eq(training.target[1:]),
        ]

        # ---- the first branch on the way that is taken. Which way counts is known last, so each has its target.
        hits = Signal(WAYS)
        counts = Signal(WAYS, attrs=SEPARATE)
        targets = Signal(data.ArrayLayout(REGION_BITS - 1, WAYS), attrs=SEPARATE)
        for way, branch in enumerate(branches):
            taken = (branch.kind != BranchKind.CONDITIONAL) | ~guesses[branch.position][1]
            m.d.comb += [
                hits[way].eq((branch.kind != BranchKind.NONE) & equal(branch.tag, self.address[index_high:])),
                counts[way].eq(hits[way] & taken & (branch.position >= self.address[1:3])),
            ]
            with m.Switch(branch.kind):
                with m.Case(BranchKind.RETURN):
                    m.d.comb += targets[way].eq(returns.top[1:])
                with m.Case(BranchKind.INDIRECT, BranchKind.INDIRECT_CALL):
                    m.d.comb += targets[way].eq(target)
                with m.Default():
                    m.d.comb += targets[way].eq(branch.half_target)
        first, second = branches
        takes_second = Signal(attrs=SEPARATE)
        chosen = Signal(layout)
        m.d.comb += [
            takes_second.eq(counts[1] & ~(counts[0] & (first.position <= second.position))),
            chosen.eq(Mux(takes_second, second, first)),
            self.prediction.taken.eq(counts.any()),
            self.prediction.position.eq(chosen.position),
            self.prediction.half_target.eq(Mux(takes_second, targets[1], targets[0])),
        ]
        for i in range(4):
            m.d.comb += self.prediction.known[i].eq(
                (hits[0] & (first.position == i)) | (hits[1] & (second.position == i)))

        # ---- returns: a cycle late, for `followed` is.
        called = Signal()
        returned = Signal()
        halfword = Signal(REGION_BITS - 1)
        m.d.sync += [
            moved.eq(self.followed & ~self.restore),
            called.eq((chosen.kind == BranchKind.CALL) | (chosen.kind == BranchKind.INDIRECT_CALL)),
            returned.eq(chosen.kind == BranchKind.RETURN),
            halfword.eq(Cat(chosen.position, self.address[3:])),
        ]
        m.d.comb += [
            returns.called.eq(training.call), returns.call_value.eq(training.return_to),
            returns.surprise.eq(training.surprise), returns.returned.eq(training.returned),
            returns.restore.eq(self.restore),
            returns.push.eq(moved & called), returns.value.eq(Cat(C(0, 1), halfword + 1)),
            returns.pop.eq(moved & returned),
        ]
        return m


def _count(counter, up):
    """The counter a step further up or down. 0 to 3: taken weakly, taken strongly, not taken strongly, not weakly."""
    return Mux(up, Mux(counter == 1, 1, counter + 1), Mux(counter == 2, 2, counter - 1))
