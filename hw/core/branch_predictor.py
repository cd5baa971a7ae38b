"""Branch predictor: a table of branches, jumps and returns that were taken, and a stack of return addresses."""

from amaranth import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

__all__ = ["REGION_BITS", "Prediction", "Training", "ReturnStack", "BranchPredictor"]

#: A target lies in the same naturally aligned region of 1 MiB as its branch; others are not predicted.
REGION_BITS = 20


class Prediction(data.Struct):
    """What the table knows of a word of eight bytes.

    All of it is a guess: the tag is partial and ignores address spaces. The pipeline checks what it acts on.
    """

    #: There is an entry.
    hit: 1
    #: Two-bit saturating counter; the upper bit means taken.
    counter: 2
    #: Halfword of the word in which the branch ends.
    position: 2
    #: A return: the target is the top of the stack of return addresses. A call: what is behind it goes there.
    returns: 1
    call: 1
    target: REGION_BITS

    def taken(self):
        return self.hit & self.counter[1]


class Training(data.Struct):
    """What execution has learned of the branch that ends at `end`; `prediction.position` is taken from there."""

    valid: 1
    end: REGION_BITS
    prediction: Prediction
    #: For the stack of return addresses: what happened, and whether fetch had not foreseen the call.
    call: 1
    surprise: 1
    returned: 1
    return_to: REGION_BITS


class ReturnStack(wiring.Component):
    """Circular stack of return addresses. Fetch uses it ahead of execution; a redirect takes it back to where execution
    is.

    In LUT RAM. Entries above the top may be overwritten by what turns out not to happen; those that still count are
    not.

    Members
    -------
    push, value : fetch goes on at the target of a call.
    pop : fetch goes on at the target of a return.
    called, surprise, call_value, returned : a call or a return leaves execute; fetch had not foreseen the call.
    restore : fetch is redirected.
    top : where the next return goes to.
    """

    push: In(1)
    value: In(REGION_BITS)
    pop: In(1)
    called: In(1)
    surprise: In(1)
    call_value: In(REGION_BITS)
    returned: In(1)
    restore: In(1)
    top: Out(REGION_BITS)

    def elaborate(self, platform):
        m = Module()
        depth = 8
        m.submodules.stack = stack = memory.Memory(shape=REGION_BITS, depth=depth, init=[])
        write, read = stack.write_port(), stack.read_port(domain="comb")
        ahead = Signal(range(depth))
        executed = Signal(range(depth))
        settled = Signal(range(depth))
        unforeseen = self.called & self.surprise
        m.d.comb += [
            settled.eq(executed + self.called - self.returned),
            read.addr.eq(ahead), self.top.eq(read.data),
            # Behind a call that fetch had not foreseen it is on the wrong way: what it pushes does not matter.
            write.en.eq(self.push | unforeseen),
            write.addr.eq(Mux(unforeseen, settled, ahead + 1)),
            write.data.eq(Mux(unforeseen, self.call_value, self.value)),
        ]
        m.d.sync += executed.eq(settled)
        with m.If(self.restore):
            m.d.sync += ahead.eq(settled)
        with m.Elif(self.push):
            m.d.sync += ahead.eq(ahead + 1)
        with m.Elif(self.pop):
            m.d.sync += ahead.eq(ahead - 1)
        return m


class BranchPredictor(wiring.Component):
    """Direct-mapped table in RAM.

    Parameters
    ----------
    entries : int
        Power of two.

    Members
    -------
    read_address : a word that is being looked up; `prediction` answers in the next cycle,
    address : when this must be the same address.
    followed : the word at `address` is taken, and fetch goes on where `prediction` says.
    restore : fetch is redirected.
    training : replaces an entry, or removes it (`hit` clear).
    clearing : the table is being cleared after reset.
    """

    def __init__(self, entries):
        if not isinstance(entries, int) or entries < 2 or entries & (entries - 1):
            raise ValueError(f"Branch predictor entries must be a power of two above 1, not {entries!r}")
        self._entries = entries
        super().__init__({
            "read_address": In(REGION_BITS),
            "address": In(REGION_BITS),
            "prediction": Out(Prediction),
            "followed": In(1),
            "restore": In(1),
            "training": In(Training),
            "clearing": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        index_high = 3 + exact_log2(self._entries)
        row = data.StructLayout({"prediction": Prediction, "tag": REGION_BITS - index_high})
        m.submodules.table = table = memory.Memory(shape=row, depth=self._entries, init=[])
        write = table.write_port()
        read = table.read_port()

        m.submodules.returns = returns = ReturnStack()
        # A cycle late, for `followed` is.
        moved = Signal()
        called = Signal()
        returned = Signal()
        behind = Signal(REGION_BITS)
        m.d.sync += [
            moved.eq(self.followed & ~self.restore),
            called.eq(self.prediction.call), returned.eq(self.prediction.returns),
            behind.eq(Cat(C(0, 1), Cat(self.prediction.position, self.address[3:]) + 1)),
        ]
        clearing = Signal(init=1)
        sweep = Signal(range(self._entries))
        training = self.training
        m.d.comb += [
            self.clearing.eq(clearing),
            read.en.eq(1),
            read.addr.eq(self.read_address[3:index_high]),
            self.prediction.eq(read.data.prediction),
            returns.called.eq(training.call), returns.call_value.eq(training.return_to),
            returns.surprise.eq(training.surprise), returns.returned.eq(training.returned),
            returns.restore.eq(self.restore),
            returns.push.eq(moved & called), returns.value.eq(behind), returns.pop.eq(moved & returned),
            self.prediction.hit.eq(read.data.prediction.hit & (read.data.tag == self.address[index_high:])),
            write.en.eq(training.valid),
            write.addr.eq(training.end[3:index_high]),
            write.data.prediction.eq(training.prediction),
            write.data.prediction.position.eq(training.end[1:3]),
            write.data.tag.eq(training.end[index_high:]),
        ]
        with m.If(read.data.prediction.returns):
            m.d.comb += self.prediction.target.eq(Mux(moved & called, behind, returns.top))
        with m.If(clearing):
            m.d.comb += [write.en.eq(1), write.addr.eq(sweep), write.data.eq(0)]
            m.d.sync += [sweep.eq(sweep + 1), clearing.eq(sweep != self._entries - 1)]
        return m
