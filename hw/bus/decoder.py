"""Wishbone decoder: one initiator, many targets by address."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In
from amaranth.utils import exact_log2

from . import wishbone
from .memory_map import MemoryMap

__all__ = ["Decoder"]


class Decoder(wiring.Component):
    """Hands each cycle to the target in whose window its address lies.

    A target is reached in the same cycle, or a cycle later through registers, which all targets of that kind share:
    then it sees classic cycles, each transfer by itself. Its answer comes back in the same cycle, unless another way
    brings it (:class:`hw.bus.arbiter.Arbiter`). An address in no window is answered with `err`, a cycle later if there
    are registers. A target may have fewer address bits and fewer optional inputs (`lock`, `cti`, `bte`) than the
    decoder: without `cti` it sees a burst as classic cycles.

    Parameters
    ----------
    signature : wishbone.Signature
        Signature of the initiator's side; default the system bus.

    Attributes
    ----------
    bus : Interface, In
        From the initiator. Its memory map has one window for each target.
    """

    def __init__(self, signature=None):
        signature = wishbone.system_signature() if signature is None else signature
        if not isinstance(signature, wishbone.Signature):
            raise TypeError(f"Signature must be a wishbone.Signature, not {signature!r}")
        if wishbone.Feature.ERR not in signature.features:
            raise ValueError("Decoder needs the 'err' feature to answer unmapped addresses")
        super().__init__({"bus": In(signature)})
        self._word_bits = self.bus.word_bits
        # Aligned to words: two targets never share one.
        self.bus.memory_map = MemoryMap(addr_width=max(1, signature.addr_width + self._word_bits),
                                        alignment=self._word_bits)
        self._targets = []
        #: Targets that are not behind registers, by their names: whether they bring their answers.
        self._direct = {}
        #: What the targets behind registers see of the initiator. Proofs look at it.
        self._kept = Signal(data.StructLayout({"stb": 1, "adr": signature.addr_width, "we": 1, "sel": len(self.bus.sel),
                                               "dat_w": signature.data_width}), name="kept")
        #: And which of them is asked, by its number.
        self._chosen = {}

    def add(self, target, *, addr=None, name, registered=False, answers=True):
        """Add a target.

        Parameters
        ----------
        target : wishbone.Interface
            Its target port, with a memory map.
        addr : int, optional
            First byte of its window, a multiple of the window's size; default the next free place.
        name : str
            Name of the window in the memory map.
        registered : bool
            Reach it through registers.
        answers : bool
            Bring its `ack` and `err` to the bus. Without, it is the only target that is not behind registers, and its
            data are on the bus whenever none of those is asked.

        Returns
        -------
        tuple of int
            Start and end of the window.

        Raises
        ------
        TypeError
            Not a Wishbone interface.
        ValueError
            Different data width or granularity, too many address bits, a window that does not fit, or `answers` off
            where another way cannot bring them.
        AttributeError
            Target without a memory map.
        """
        if isinstance(target, wiring.FlippedInterface):
            interface = wiring.flipped(target)
        else:
            interface = target
        if not isinstance(interface, wishbone.Interface):
            raise TypeError(f"Target must be a wishbone.Interface, not {target!r}")
        for what in ("data_width", "granularity"):
            if getattr(interface, what) != getattr(self.bus, what):
                raise ValueError(f"Target has {what} {getattr(interface, what)}, the decoder "
                                 f"{getattr(self.bus, what)}")
        if interface.memory_map.addr_width > interface.addr_width + self._word_bits:
            raise ValueError(f"Memory map of target {name!r} has more address bits than its port")
        if registered and not answers:
            raise ValueError(f"Target {name!r} is behind registers and must bring its answers")
        if not registered:
            for other, brings in self._direct.items():
                if not (answers and brings):
                    silent, second = (other, name) if answers else (name, other)
                    raise ValueError(f"Target {silent!r} is answered for beside the bus, but {second!r} is not behind "
                                     "registers")
        placed = self.bus.memory_map.add_window(interface.memory_map, name=name, addr=addr)
        if registered:
            self._chosen[len(self._targets)] = Signal(name=f"chosen_{name}")
        else:
            self._direct[name] = answers
        self._targets.append((target, *placed, registered, answers))
        return placed

    def elaborate(self, platform):
        m = Module()
        features, bus, kept = self.bus.features, self.bus, self._kept

        # Only the target that is asked answers.
        acknowledge, error, answer = C(0, 1), C(0, 1), C(0, 1)
        late, hole, elsewhere = C(0, 1), C(1, 1), C(1, 1)
        selected, refused = [], Signal()
        for number, (target, start, end, registered, brings) in enumerate(self._targets):
            request = kept if registered else bus
            m.d.comb += [
                target.adr.eq(request.adr),
                target.dat_w.eq(request.dat_w),
                target.sel.eq(request.sel),
                target.we.eq(request.we),
            ]
            for feature in (wishbone.Feature.LOCK, wishbone.Feature.CTI, wishbone.Feature.BTE):
                if feature in target.signature.features and feature in features:
                    m.d.comb += getattr(target, feature.value).eq(0 if registered else getattr(bus, feature.value))
            inside = max(0, exact_log2(end - start) - self._word_bits)
            asked = bus.adr[inside:] == start >> (self._word_bits + inside)
            answers = target.ack
            if wishbone.Feature.ERR in target.signature.features:
                answers = answers | target.err
            hole = hole & ~asked
            if registered:
                # Which target it is, is found out while the request is kept.
                chosen = self._chosen[number]
                selected.append((chosen, asked))
                m.d.comb += [target.cyc.eq(chosen), target.stb.eq(chosen)]
                late = late | answers
            else:
                elsewhere = elsewhere & ~asked
                m.d.comb += [target.cyc.eq(bus.cyc & asked), target.stb.eq(bus.stb & asked)]
            if brings:
                acknowledge = acknowledge | target.ack
                if wishbone.Feature.ERR in target.signature.features:
                    error = error | target.err
            else:
                answers = ~kept.stb
            answer = answer | (target.dat_r & answers.replicate(len(target.dat_r)))
        asks = bus.cyc & bus.stb
        if selected:
            m.d.sync += [
                kept.adr.eq(bus.adr), kept.we.eq(bus.we), kept.sel.eq(bus.sel), kept.dat_w.eq(bus.dat_w),
                kept.stb.eq(asks & elsewhere & ~late & ~refused),
                *(chosen.eq(asks & asked & ~late) for chosen, asked in selected),
                refused.eq(asks & hole & ~refused),
            ]
        else:
            m.d.comb += refused.eq(asks & hole)
        m.d.comb += [bus.ack.eq(acknowledge), bus.err.eq(error | refused), bus.dat_r.eq(answer)]
        return m
