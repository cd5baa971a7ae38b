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
    #: A return: the target is the top of the stack of return addresses.
    returns: 1
    target: REGION_BITS

    def taken(self):
        return self.hit & self.counter[1]


class Training(data.Struct):
    """What execution has learned of the branch that ends at `end`; `prediction.position` is taken from there."""

    valid: 1
    end: REGION_BITS
    prediction: Prediction
    #: For the stack of return addresses.
    call: 1
    returned: 1
    return_to: REGION_BITS


class ReturnStack(wiring.Component):
    """Circular stack of return addresses, kept by execute: calls and returns that were cancelled never touch it.

    Members
    -------
    push, value : a call leaves execute.
    pop : a return does.
    top : where the next return goes to.
    """

    push: In(1)
    value: In(REGION_BITS)
    pop: In(1)
    top: Out(REGION_BITS)

    def elaborate(self, platform):
        m = Module()
        depth = 8
        stack = Array(Signal(REGION_BITS, name=f"entry{i}") for i in range(depth))
        index = Signal(range(depth))
        m.d.comb += self.top.eq(stack[index])
        with m.If(self.push):
            m.d.sync += [index.eq(index + 1), stack[(index + 1)[:index.shape().width]].eq(self.value)]
        with m.Elif(self.pop):
            m.d.sync += index.eq(index - 1)
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
        clearing = Signal(init=1)
        sweep = Signal(range(self._entries))
        training = self.training
        m.d.comb += [
            self.clearing.eq(clearing),
            read.en.eq(1),
            read.addr.eq(self.read_address[3:index_high]),
            self.prediction.eq(read.data.prediction),
            returns.push.eq(training.call), returns.value.eq(training.return_to), returns.pop.eq(training.returned),
            self.prediction.hit.eq(read.data.prediction.hit & (read.data.tag == self.address[index_high:])),
            write.en.eq(training.valid),
            write.addr.eq(training.end[3:index_high]),
            write.data.prediction.eq(training.prediction),
            write.data.prediction.position.eq(training.end[1:3]),
            write.data.tag.eq(training.end[index_high:]),
        ]
        with m.If(read.data.prediction.returns):
            m.d.comb += self.prediction.target.eq(returns.top)
        with m.If(clearing):
            m.d.comb += [write.en.eq(1), write.addr.eq(sweep), write.data.eq(0)]
            m.d.sync += [sweep.eq(sweep + 1), clearing.eq(sweep != self._entries - 1)]
        return m
