"""Wishbone decoder: one initiator, many targets by address."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from amaranth.utils import exact_log2

from . import wishbone
from .memory_map import MemoryMap

__all__ = ["Decoder"]


class Decoder(wiring.Component):
    """Hands each cycle to the target in whose window its address lies. Combinational.

    An address in no window is answered with `err` in the same cycle. A target may have fewer address bits and
    fewer optional inputs (`lock`, `cti`, `bte`) than the decoder: without `cti` it sees a burst as classic cycles.

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

    def add(self, target, *, addr=None, name):
        """Add a target.

        Parameters
        ----------
        target : wishbone.Interface
            Its target port, with a memory map.
        addr : int, optional
            First byte of its window, a multiple of the window's size; default the next free place.
        name : str
            Name of the window in the memory map.

        Returns
        -------
        tuple of int
            Start and end of the window.

        Raises
        ------
        TypeError
            Not a Wishbone interface.
        ValueError
            Different data width or granularity, too many address bits, or a window that does not fit.
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
        placed = self.bus.memory_map.add_window(interface.memory_map, name=name, addr=addr)
        self._targets.append((target, *placed))
        return placed

    def elaborate(self, platform):
        m = Module()
        features = self.bus.features
        for target, _, _ in self._targets:
            m.d.comb += [
                target.adr.eq(self.bus.adr),
                target.dat_w.eq(self.bus.dat_w),
                target.sel.eq(self.bus.sel),
                target.we.eq(self.bus.we),
            ]
            for feature in (wishbone.Feature.LOCK, wishbone.Feature.CTI, wishbone.Feature.BTE):
                if feature in target.signature.features and feature in features:
                    m.d.comb += getattr(target, feature.value).eq(getattr(self.bus, feature.value))

        # Only the target that is asked answers, so its answer selects its data: earlier than the address could.
        data = C(0)
        for target, _, _ in self._targets:
            answers = target.ack
            if wishbone.Feature.ERR in target.signature.features:
                answers = answers | target.err
            data = data | (target.dat_r & answers.replicate(len(target.dat_r)))
        m.d.comb += self.bus.dat_r.eq(data)

        with m.Switch(self.bus.adr):
            for target, start, end in self._targets:
                inside = max(0, exact_log2(end - start) - self._word_bits)
                above = self.bus.addr_width - inside
                prefix = f"{start >> (self._word_bits + inside):0{above}b}" if above else ""
                with m.Case(prefix + "-" * inside):
                    m.d.comb += [
                        target.cyc.eq(self.bus.cyc),
                        target.stb.eq(self.bus.stb),
                        self.bus.ack.eq(target.ack),
                    ]
                    if wishbone.Feature.ERR in target.signature.features:
                        m.d.comb += self.bus.err.eq(target.err)
            with m.Default():
                m.d.comb += self.bus.err.eq(self.bus.cyc & self.bus.stb)
        return m
