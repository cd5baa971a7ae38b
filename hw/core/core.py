"""The Veridian core: RV64IMAC_Zicsr_Zifencei_Zicntr_Sstc with M, S and U mode, Sv39 and thread contexts."""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..bus import wishbone
from ..bus.snoop import SnoopSignature
from .align import Aligner, FetchedInstruction
from .commit import CommitStage
from .config import CoreConfig
from .data_bus import DataBus
from .debug import DebugPort
from .decode import DecodeStage
from .execute import ExecuteStage
from .fetch import FetchUnit
from .port import CapabilityPort
from .register_file import RegisterFile
from .rvfi import RvfiSignature
from .store_buffer import StoreBuffer
from .trace import TraceSignature
from .walker import PageTableWalker

__all__ = ["Core"]


class Core(wiring.Component):
    """The core.

    Parameters
    ----------
    config : :class:`CoreConfig`

    Members
    -------
    ibus : initiator; refills of the instruction cache and uncached fetches.
    dbus : initiator; everything else.
    snoop : stores of other initiators to main memory.
    msip, mtip, meip, seip : interrupt lines.
    time : mtime.
    capability : see :mod:`hw.core.port`; a system without a unit ties `issue.ready` high and `issue.accept` low.
    trace : see :mod:`hw.core.trace`; only if `config.trace`.
    debug : see :mod:`hw.core.debug`; only if `config.debug`.
    rvfi : see :mod:`hw.core.rvfi`; only if `config.rvfi`.
    """

    def __init__(self, config: CoreConfig = CoreConfig()):
        if not isinstance(config, CoreConfig):
            raise TypeError(f"Core configuration must be a CoreConfig, not {config!r}")
        self.config = config
        members = {
            "ibus": Out(wishbone.system_signature()),
            "dbus": Out(wishbone.system_signature()),
            "snoop": In(SnoopSignature()),
            "msip": In(1),
            "mtip": In(1),
            "meip": In(1),
            "seip": In(1),
            "time": In(64),
            "capability": Out(CapabilityPort()),
        }
        if config.trace:
            members["trace"] = Out(TraceSignature())
        if config.debug:
            members["debug"] = In(DebugPort())
        if config.rvfi:
            members["rvfi"] = Out(RvfiSignature())
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.fetch = fetch = FetchUnit(config)
        m.submodules.aligner = aligner = Aligner(config.reset_vector)
        m.submodules.decode = decode = DecodeStage()
        m.submodules.execute = execute = ExecuteStage()
        m.submodules.commit = commit = CommitStage(config)
        m.submodules.registers = registers = RegisterFile(config.contexts)
        m.submodules.stores = stores = StoreBuffer()
        m.submodules.walker = walker = PageTableWalker(config)
        m.submodules.data_bus = data_bus = DataBus()
        csr = commit.csr

        # ---- fetch and align. What redirects them from further back is older than what the aligner wants again.
        redirect = Signal()
        target = Signal(64)
        m.d.comb += [
            redirect.eq(commit.redirect | aligner.refetch),
            target.eq(Mux(commit.redirect, commit.target, aligner.refetch_pc)),
            fetch.redirect.eq(redirect), fetch.target.eq(target),
            fetch.regime.eq(csr.fetch_regime),
            fetch.privilege.eq(csr.privilege),
            fetch.asid.eq(csr.satp.asid),
            fetch.cache_flush.eq(commit.fetch_flush),
            aligner.redirect.eq(redirect), aligner.target.eq(target),
            aligner.first.eq(fetch.first), aligner.first_valid.eq(fetch.first_valid),
            aligner.second.eq(fetch.second), aligner.second_valid.eq(fetch.second_valid),
            fetch.pop.eq(aligner.pop),
            fetch.training.eq(execute.training),
        ]
        for name in ("all", "some", "by_address", "by_asid", "vpn", "asid"):
            order = getattr(commit.tlb_flush, name)
            m.d.comb += [getattr(fetch.tlb_flush, name).eq(order), getattr(commit.memory.tlb_flush, name).eq(order)]
        m.d.comb += commit.tlb_flush.busy.eq(fetch.tlb_flush.busy | commit.memory.tlb_flush.busy)

        learning = execute.training
        with m.If(~(learning.conditional | learning.insert | learning.indirect | learning.forget)):
            m.d.comb += [fetch.training.forget.eq(aligner.refetch), fetch.training.end.eq(aligner.refetch_pc)]

        # ---- decode
        d_valid = Signal()
        d = Signal(FetchedInstruction)
        d_ready = Signal()
        clearing = Signal()
        m.d.comb += [
            clearing.eq(registers.clearing | commit.memory.busy),
            d_ready.eq(~d_valid | execute.decoded_ready),
            aligner.ready.eq(d_ready & ~clearing & ~commit.kill),
        ]
        with m.If(commit.kill):
            m.d.sync += d_valid.eq(0)
        with m.Elif(d_ready):
            m.d.sync += d_valid.eq(aligner.valid & aligner.ready)
        with m.If(d_ready):
            m.d.sync += d.eq(aligner.instruction)

        # The register file is read as an instruction enters decode, and again while it waits there.
        number_bits = len(registers.read1_address)
        m.d.comb += [
            registers.read1_address.eq(Cat(Mux(d_ready, aligner.rs1, d.insn[15:20]), csr.context)),
            registers.read2_address.eq(Cat(Mux(d_ready, aligner.rs2, d.insn[20:25]), csr.context)),
        ]
        context_register = Cat(csr.context_address.register, csr.context_address.context)[:number_bits]
        with m.If(commit.context_read):
            m.d.comb += registers.read1_address.eq(context_register)

        back = commit.writeback
        m.d.comb += [
            decode.instruction.eq(d),
            decode.register1.eq(registers.read1_data),
            decode.register2.eq(registers.read2_data),
            decode.forward.eq(back.write),
            decode.forward_rd.eq(back.rd),
            decode.forward_value.eq(back.value),
            decode.privilege.eq(csr.privilege),
            decode.status.eq(csr.status),
            decode.custom_user.eq(csr.custom_user),
        ]

        # ---- execute
        m.d.comb += [
            execute.decoded.eq(decode.decoded),
            execute.decoded_valid.eq(d_valid),
            execute.kill.eq(commit.kill),
            execute.executed_ready.eq(commit.executed_ready),
            execute.memory_rd.eq(commit.forward_rd),
            execute.memory_write.eq(commit.forward_write),
            execute.memory_late.eq(commit.forward_late),
            execute.memory_value.eq(commit.forward_value),
            execute.memory_distance.eq(commit.forward_distance),
            execute.memory_multiplies.eq(commit.multiplies),
            execute.slow.eq(commit.slow),
            execute.slow_rd.eq(commit.slow_rd),
            execute.slow_write.eq(commit.slow_write),
            execute.back_write.eq(back.write),
            execute.back_value.eq(commit.back_value),
            execute.behind_csr.eq(commit.accesses_stored),
            execute.behind_any.eq(commit.occupied),
            execute.privilege.eq(csr.privilege),
            execute.context.eq(csr.context),
            csr.check_address.eq(execute.csr_address),
            csr.check_writes.eq(execute.csr_writes),
            execute.csr_illegal.eq(csr.illegal),
            execute.csr_stored.eq(csr.check_stored),
            execute.csr_place.eq(csr.check_place),
            csr.return_machine.eq(execute.machine_return),
            execute.return_pc.eq(csr.return_pc),
            execute.hold_issue.eq(commit.redirecting | commit.kill),
        ]

        # ---- memory and writeback
        m.d.comb += [
            commit.executed.eq(execute.executed),
            commit.executed_valid.eq(execute.executed_valid),
            commit.next_address.eq(execute.address),
            commit.context_data.eq(registers.read1_data),
            commit.stores_room.eq(stores.room),
            commit.stores_empty.eq(stores.empty),
            stores.push.eq(commit.push),
            stores.store.eq(commit.store),
            csr.msip.eq(self.msip), csr.mtip.eq(self.mtip), csr.meip.eq(self.meip), csr.seip.eq(self.seip),
            csr.time.eq(self.time),
        ]
        wiring.connect(m, execute.issue, wiring.flipped(self.capability.issue))
        wiring.connect(m, commit.commit, wiring.flipped(self.capability.commit))
        wiring.connect(m, commit.result, wiring.flipped(self.capability.result))

        m.d.comb += [
            registers.write.eq(back.write),
            registers.write_address.eq(Cat(back.rd, back.context)),
            registers.write_data.eq(back.value),
        ]
        # SCTXDATA writes when the refill that it causes has emptied writeback.
        with m.If(commit.context_write):
            m.d.comb += [
                registers.write.eq(csr.context_address.register != 0),
                registers.write_address.eq(context_register),
                registers.write_data.eq(commit.context_write_data),
            ]

        # ---- bus
        wiring.connect(m, fetch.walk, walker.fetch)
        wiring.connect(m, commit.walk, walker.data)
        wiring.connect(m, stores.bus, data_bus.stores)
        wiring.connect(m, commit.bus, data_bus.unit)
        wiring.connect(m, walker.bus, data_bus.walker)
        m.d.comb += data_bus.walker_comes.eq(walker.comes)
        wiring.connect(m, fetch.bus, wiring.flipped(self.ibus))
        wiring.connect(m, data_bus.bus, wiring.flipped(self.dbus))
        wiring.connect(m, commit.memory.snoop, wiring.flipped(self.snoop))
        m.d.comb += [walker.root.eq(csr.satp.ppn), walker.asid.eq(csr.satp.asid), walker.regions.eq(csr.regions)]

        if config.debug:
            wiring.connect(m, csr.debug.port, wiring.flipped(self.debug))

        if config.trace:
            for name in TraceSignature().members:
                m.d.comb += getattr(self.trace, name).eq(getattr(commit.trace, name))
            m.d.comb += [
                self.trace.rd_we.eq(back.write),
                self.trace.rd.eq(back.rd),
                self.trace.rd_data.eq(back.value),
                self.trace.decode_pc.eq(aligner.instruction.pc),
                self.trace.decode_insn.eq(aligner.instruction.raw),
                self.trace.enters_decode.eq(aligner.valid & aligner.ready),
                self.trace.enters_execute.eq(d_valid & execute.decoded_ready & ~commit.kill),
                self.trace.enters_memory.eq(execute.executed_valid & commit.executed_ready),
            ]
        if config.rvfi:
            wiring.connect(m, commit.rvfi, wiring.flipped(self.rvfi))
        # For proofs, which say things about the state within.
        self._inside = SimpleNamespace(
            fetch=fetch, aligner=aligner, execute=execute, commit=commit, registers=registers)
        return m
