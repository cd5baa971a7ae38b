"""Faults to plant in the core, each of which a proof must find; :mod:`tests.formal.core.faults` plants them."""

from dataclasses import dataclass

__all__ = ["FAULTS", "Fault"]


@dataclass(frozen=True)
class Fault:
    """A text in a source file of the core, what stands there instead, and the proof that must fail.

    Parameters
    ----------
    proof, file, text, instead : str
    quick : bool
        One of those that `make test` plants.
    """

    proof: str
    file: str
    text: str
    instead: str
    quick: bool = False


FAULTS = {
    # Instructions.
    "auipc forgets the pc": Fault(
        "instructions", "decoder.py", "_ADD, unit=Unit.ALU, writes_rd=1, use_pc=1,",
        "_ADD, unit=Unit.ALU, writes_rd=1,"),
    "slt compares unsigned": Fault(
        "instructions-register", "alu.py", "(less & compares)", "((a < b) & compares)"),
    "srai shifts logically": Fault(
        "instructions-immediate", "decoder.py",
        '("srai", "010000- ----- ----- 101 ----- 0010011", dict(_I, unit=Unit.ALU, alternate=1))',
        '("srai", "010000- ----- ----- 101 ----- 0010011", dict(_I, unit=Unit.ALU))'),
    "word shifts take six bits of amount": Fault(
        "instructions-word", "alu.py", "by_32.eq(distance[5] & ~self.word)", "by_32.eq(distance[5])"),
    "lui does not sign-extend": Fault(
        "instructions-upper", "decoder.py", "insn[12:31], sign.replicate(33)", "insn[12:32], C(0, 32)"),
    "jalr keeps bit 0": Fault(
        "instructions-jump", "execute.py", "out.target.eq(Cat(C(0, 1), self.address[1:]))",
        "out.target.eq(self.address)"),
    "blt looks at the wrong sign": Fault(
        "instructions-branch", "alu.py", "Cat(b[:63], b[63] ^ ~unsigned_)", "Cat(b[:63], b[63])"),
    "lbu sign-extends": Fault(
        "instructions-load", "load_store.py", "(part[-1] & ~unsigned_)", "part[-1]"),
    "store immediate mixed up": Fault(
        "instructions-store", "decoder.py", "Cat(insn[7:12], insn[25:31], sign.replicate(53))",
        "Cat(insn[7:12], insn[24:30], sign.replicate(53))"),
    "mulw multiplies 64 bits": Fault(
        "instructions-multiply", "decoder.py", "dict(_R, unit=Unit.MULTIPLY, word=1)", "dict(_R, unit=Unit.MULTIPLY)"),
    "amominu compares signed": Fault(
        "instructions-atomic", "atomic.py", "(~unsigned_ & (a[63] ^ b[63]))", "(a[63] ^ b[63])"),
    "lr.w does not sign-extend": Fault(
        "instructions-reserve", "load_store.py", "w.unsigned_.eq(self.unsigned_)",
        "w.unsigned_.eq(self.unsigned_ | (self.kind == MemoryKind.ATOMIC))"),
    "sc reports success": Fault(
        "instructions-conditional", "load_store.py", "w.word.eq(Cat(C(1, 32), w.size == 2))", "w.word.eq(0)"),
    "c.addi4spn immediate mixed up": Fault(
        "instructions-compressed0", "compressed.py", "C(0, 2), c[6], c[5], c[11:13], c[7:11], C(0, 2)",
        "C(0, 2), c[6], c[5], c[7:11], c[11:13], C(0, 2)"),
    "c.subw subtracts 64 bits": Fault(
        "instructions-compressed1", "compressed.py", "out(_r_type(Opcode.OP_32, 0, short1, short1, short2, 0x20))",
        "out(_r_type(Opcode.OP, 0, short1, short1, short2, 0x20))"),
    "c.mv adds rd": Fault(
        "instructions-compressed2", "compressed.py", "_r_type(Opcode.OP, 0, rd, Mux(c[12], rd, 0), rs2)",
        "_r_type(Opcode.OP, 0, rd, rd, rs2)"),
    "c.jalr links behind four bytes": Fault(
        "instructions-compressed-jump", "align.py", "pc[1:] + Mux(compressed, 1, 2)", "pc[1:] + 2"),
    "c.sdsp offset mixed up": Fault(
        "instructions-compressed-memory", "compressed.py", "Cat(C(0, 3), c[10:13], c[7:10], C(0, 3))",
        "Cat(C(0, 3), c[7:10], c[10:13], C(0, 3))"),
    "fence.i links": Fault(
        "instructions-order", "decoder.py", "dict(unit=Unit.SYSTEM, system=System.FENCE_I)",
        "dict(unit=Unit.SYSTEM, system=System.FENCE_I, writes_rd=1)"),
    # Pipeline.
    "a waiting instruction misses a result": Fault(
        "registers", "execute.py", "m.d.sync += held.eq(operand)", "m.d.sync += held.eq(held)"),
    "decode does not see writeback": Fault(
        "registers", "decode.py", "with m.Elif(self.forward & (self.forward_rd == number)):", "with m.Elif(0):"),
    "a load is forwarded too early": Fault(
        "registers", "execute.py", "with m.If(awaited | missing):", "with m.If(0):"),
    "a result is looked for in the wrong stage while execute waits": Fault(
        "registers", "execute.py", "Mux(self.executed_ready, self.memory_write, self.slow & self.slow_write))",
        "Mux(self.executed_ready, self.memory_write, 0))"),
    "an instruction right behind a multiplication does not wait for the product": Fault(
        "registers", "execute.py", "for multiplies, rd in ((x_valid & (control.unit == Unit.MULTIPLY), x.rd),",
        "for multiplies, rd in ((C(0), x.rd),"),
    "an instruction next but one to a multiplication does not wait for the product": Fault(
        "registers", "execute.py", "(self.memory_multiplies, self.memory_rd)):", "(C(0), self.memory_rd)):"),
    "only the first operand waits for a product": Fault(
        "registers", "execute.py", "((decoded.rs1 == rd) | (decoded.rs2 == rd))):", "(decoded.rs1 == rd)):"),
    "the shifter's distance is not forwarded": Fault(
        "instructions-register", "execute.py", "distance = Mux(from_memory, ~self.memory_distance, ",
        "distance = Mux(C(0), C(0, 6), "),
    "the shifter's distance is forwarded upside down": Fault(
        "instructions-register", "execute.py", "~self.memory_distance,", "self.memory_distance,"),
    "mret does not wait for a CSR write": Fault(
        "returns", "execute.py", "with m.If((is_return & self.behind_csr) | (counts & self.behind_any)):",
        "with m.If(counts & self.behind_any):"),
    "minstret is read too early": Fault(
        "csr_instructions", "execute.py", "with m.If((is_return & self.behind_csr) | (counts & self.behind_any)):",
        "with m.If(is_return & self.behind_csr):"),
    "an interrupt that a CSR write enables comes an instruction late": Fault(
        "interrupts", "csr_file.py", "m.d.comb += self.unsettles.eq(self.writes)", "m.d.comb += self.unsettles.eq(0)"),
    "a branch predicted to a wrong place is decided too early": Fault(
        "flow", "execute.py", "deciding = x_valid & misled & ~hazard & self.executed_ready & ~decided",
        "deciding = x_valid & misled & ~decided"),
    "a predicted return is believed": Fault(
        "program_counter", "execute.py", "x.predictable & equal(operand1, predicted_pc)", "x.predictable"),
    "a guess that splits an instruction is believed": Fault(
        "alignment", "align.py", "m.d.sync += discard.eq(out.predicted & straddles)",
        "m.d.sync += discard.eq(0)"),
    # Privileged.
    "ecall always says M-mode": Fault(
        "traps", "decode.py", "out.cause.eq(Cause.ECALL_USER | self.privilege.as_value())",
        "out.cause.eq(Cause.ECALL_MACHINE)"),
    "M-mode delegates": Fault(
        "traps", "trap_entry.py", "(privilege != Privilege.MACHINE)\n        & Mux(file.next_interrupt,",
        "C(1)\n        & Mux(file.next_interrupt,"),
    "S-mode may sret under TSR": Fault(
        "traps", "decode.py", "forbidden.eq(user | (supervisor & self.status.tsr))", "forbidden.eq(user)"),
    "c.lui of zero is legal": Fault(
        "traps", "compressed.py", "with m.If((c[2:7] == 0) & ~c[12]):", "with m.If(0):"),
    "mret keeps MPRV": Fault(
        "returns", "trap_entry.py", "with m.If(status.mpp != Privilege.MACHINE):", "with m.If(0):"),
    "sret enables by SIE": Fault(
        "returns", "trap_entry.py", "status.sie.eq(status.spie), status.spie.eq(1),",
        "status.sie.eq(status.sie), status.spie.eq(1),"),
    "MPP takes the reserved level": Fault(
        "csr_instructions", "csr_file.py", "Mux(value[11:13] == 2, Privilege.USER, value[11:13])", "value[11:13]"),
    "U-mode reads time by mcounteren alone": Fault(
        "csr_instructions", "csr_file.py", "for_supervisor & (~user | for_user)", "for_supervisor"),
    "csrrs of x0 writes": Fault(
        "csr_instructions", "commit.py", "csr.writes.eq((control.funct3[:2] == 1) | (i.raw[15:20] != 0))",
        "csr.writes.eq(1)"),
    "a cancelled CSR access writes": Fault(
        "csr_continuity", "commit.py", "csr.execute.eq(csr_now)", "csr.execute.eq(active & (unit == Unit.CSR))"),
    "timer goes before software interrupt": Fault(
        "interrupts", "interrupts.py",
        "Interrupt.MACHINE_EXTERNAL, Interrupt.MACHINE_SOFTWARE, Interrupt.MACHINE_TIMER",
        "Interrupt.MACHINE_EXTERNAL, Interrupt.MACHINE_TIMER, Interrupt.MACHINE_SOFTWARE"),
    "a vectored interrupt goes to the base": Fault(
        "interrupts", "trap_entry.py", "file.trap_vectored.eq(base[0] & file.trap_interrupt)",
        "file.trap_vectored.eq(0)"),
    # Memory.
    "an atomic unlocks before it writes": Fault(
        "bus_rules", "load_store.py",
        "self.bus.cyc.eq(1), self.bus.stb.eq(1), self.bus.lock.eq(1), self.bus.we.eq(1)",
        "self.bus.cyc.eq(1), self.bus.stb.eq(1), self.bus.we.eq(1)"),
    "a refill of the instruction cache does not end its burst": Fault(
        "fetch_bus_rules", "fetch.py",
        "self.bus.cti.eq(Mux(last, wishbone.CycleType.END_OF_BURST, wishbone.CycleType.INCR_BURST))",
        "self.bus.cti.eq(wishbone.CycleType.INCR_BURST)"),
    "I/O starts under an interrupt": Fault(
        "input_output", "commit.py", "go.eq(active & ~diverted & ~exception)",
        "go.eq(active & ~exception)"),
    "sc ignores the address": Fault(
        "reservations", "load_store.py", "reserved & (reservation == w.physical[3:])", "reserved"),
    "sc keeps the reservation": Fault(
        "reservations", "load_store.py", "with m.If(is_sc):\n                    m.d.sync += reserved.eq(0)",
        "with m.If(is_sc):\n                    m.d.sync += reserved.eq(reserved)"),
    "a reservation outlives another's store": Fault(
        "atomicity", "load_store.py", "(self.snoop.valid & (self.snoop.adr == reservation))", "C(0)"),
    "sc does not look again when it has the bus": Fault(
        "atomicity", "load_store.py",
        "with m.If(is_sc & ~reservation_holds):\n                    fail_sc()\n                with m.Else():",
        "with m.If(C(1)):"),
    "lr reserves what another has just changed": Fault(
        "atomicity", "load_store.py", "with m.If(cache.collision | self.snoop.valid):",
        "with m.If(cache.collision):"),
    "another's store leaves the line as it was": Fault(
        "snooping", "load_store.py", "cache.drop.eq(self.snoop.valid)", "cache.drop.eq(0)", quick=True),
    "another's store drops the wrong set": Fault(
        "snooping", "load_store.py", "cache.drop_set.eq(self.snoop.adr[2:line_high - 3])",
        "cache.drop_set.eq(self.snoop.adr[1:line_high - 4])"),
    "a look-up in the cycle of a drop is trusted": Fault(
        "snooping", "cache_array.py", "wrote_tag.eq(self.tag_write | self.drop)", "wrote_tag.eq(self.tag_write)"),
    "a load behind a store to its word reads the cache too early": Fault(
        "data_coherence", "load_store.py", "Mux(loads, ~behind_store,", "Mux(loads, C(1),"),
    "a store leaves the cached word as it was": Fault(
        "data_coherence", "load_store.py", "cache.write_ways.eq(Mux(w_storing, w_hit_way, 0))",
        "cache.write_ways.eq(0)"),
    "fence.i does not wait for stores": Fault(
        "fences", "commit.py",
        "m.d.comb += [slow_done.eq(self.stores_empty), slow_refill.eq(1)]\n"
        "                        m.d.comb += self.fetch_flush.eq(w_slow & self.stores_empty)",
        "m.d.comb += [slow_done.eq(1), slow_refill.eq(1)]\n"
        "                        m.d.comb += self.fetch_flush.eq(w_slow)"),
    "fence.i leaves what was fetched already": Fault(
        "fence_order", "commit.py", "m.d.comb += [slow_done.eq(self.stores_empty), slow_refill.eq(1)]\n",
        "m.d.comb += slow_done.eq(self.stores_empty)\n"),
    "what stands in decode survives a redirect": Fault(
        "fence_order", "core.py", "with m.If(commit.kill):\n            m.d.sync += d_valid.eq(0)",
        "with m.If(0):\n            m.d.sync += d_valid.eq(0)"),
    "fence.i flushes nothing": Fault(
        "fetch_coherence", "fetch.py", "m.d.comb += cache.flush.eq(flush_wanted & ~cache.busy)",
        "m.d.comb += cache.flush.eq(0)"),
    "the aligner keeps the word behind a straddling branch": Fault(
        "alignment", "align.py", "m.d.comb += self.pop.eq(self.first_valid)\n", "m.d.comb += self.pop.eq(0)\n"),
    "fetch stays in a refill": Fault(
        "fetch_progress", "fetch.py",
        'm.d.comb += [cache.tag_write.eq(1), cache.tag_valid.eq(1)]\n                        m.next = "restart"',
        'm.d.comb += [cache.tag_write.eq(1), cache.tag_valid.eq(1)]'),
    "sfence.vma never ends": Fault(
        "progress", "commit.py", "slow_done.eq(flushing & ~self.tlb_flush.busy)",
        "slow_done.eq(flushing & self.tlb_flush.busy & ~begin)"),
    # Rights.
    "a hit in the lookaside buffer may do anything": Fault(
        "data_rights", "load_store.py", "~forbidden(entry, access, self.privilege, sum_=self.sum, mxr=self.mxr)",
        "C(1)"),
    "a hit in the lookaside buffer passes by PMP": Fault(
        "data_rights", "load_store.py", "canonical(self.address) & entry.physical.allow(access)",
        "canonical(self.address)"),
    "MPRV does nothing": Fault(
        "data_rights", "csr_file.py", "Mux(status.mprv, status.mpp.as_value(), privilege.as_value())",
        "privilege.as_value()"),
    "an AMO needs the right to read only": Fault(
        "data_rights", "load_store.py", "& (self.operation == AtomicOperation.LR))", "& C(1))"),
    "the walker is asked for a load's rights by a store": Fault(
        "data_rights", "load_store.py", "self.walk.access.eq(Mux(reads_only, Access.LOAD, Access.STORE))",
        "self.walk.access.eq(Access.LOAD)"),
    "S-mode runs what belongs to users, once it is known": Fault(
        "fetch_rights", "fetch.py", "(tlb.entry.execute & ~wrong_level)", "tlb.entry.execute"),
    "data are run, once they are known": Fault(
        "fetch_rights", "fetch.py", "(tlb.entry.execute & ~wrong_level)", "~wrong_level"),
    "fetch passes by PMP, once the page is known": Fault(
        "fetch_rights", "fetch.py", "canonical(f_pc) & tlb.entry.physical.execute",
        "canonical(f_pc)"),
    "fetch forgets the upper bits of an address": Fault(
        "fetch_rights", "fetch.py", "canonical(f_pc) & tlb.entry.physical.execute",
        "tlb.entry.physical.execute"),
    # Units by themselves.
    "the highest PMP region that matches decides": Fault(
        "protection", "pmp.py", "for matched, region in reversed(matches):", "for matched, region in matches:",
        quick=True),
    "a locked region does not bind M-mode": Fault(
        "protection", "pmp.py", "(self.machine & ~region.locked).replicate(3)", "self.machine.replicate(3)",
        quick=True),
    "a lookaside entry serves every address space": Fault(
        "lookaside", "translation.py", "Cat(self.vpn, self.regime)), *same_space,",
        "Cat(self.vpn, self.regime)),", quick=True),
    "sfence.vma of an address leaves the rest of a large page": Fault(
        "lookaside", "translation.py", "(same_low | (entry.level != 0))", "same_low", quick=True),
    "what is filled behind the search of sfence.vma stays": Fault(
        "lookaside", "translation.py", "looking & (~readable | (named & owned))", "looking & readable & named & owned"),
    "the accessed bit is not looked at": Fault(
        "walker", "walker.py", "pte.misaligned(level) | ~pte.accessed\n", "pte.misaligned(level)\n"),
    "a misaligned large page is used": Fault(
        "walker", "walker.py", "pte.misaligned(level) | ~pte.accessed\n", "~pte.accessed\n"),
    "a clean page may be written": Fault(
        "walker", "translation.py", "~(leaf.write & leaf.dirty)", "~leaf.write"),
    "page tables are read where PMP forbids it": Fault(
        "walker", "walker.py", "frame[20:].any() | ~pmp.rights.read", "frame[20:].any()"),
    "the user bit is not looked at": Fault(
        "walker", "translation.py", "leaf.user & ((access == Access.FETCH) | ~sum_), ~leaf.user)",
        "leaf.user & ((access == Access.FETCH) | ~sum_), 0)"),
    "SUM lets S-mode run what belongs to users": Fault(
        "walker", "translation.py", "leaf.user & ((access == Access.FETCH) | ~sum_)", "leaf.user & ~sum_"),
    "MXR is always on": Fault(
        "walker", "translation.py", "(mxr & leaf.execute)", "leaf.execute"),
    "reserved bits of an entry are ignored": Fault(
        "walker", "translation.py", "| self.reserved.any() | pointer_flags", "| pointer_flags"),
    "a page of 1 GiB is taken for one of 2 MiB": Fault(
        "walker", "walker.py", "with m.If(level == 2):\n", "with m.If(0):\n"),
    "each table is read at the last level's index": Fault(
        "walker", "walker.py", "index.eq(vpn.word_select(level, 9))", "index.eq(vpn[:9])"),
    "a fourth level is read": Fault(
        "walker", "walker.py", "with m.Elif(level == 0):\n", "with m.Elif(0):\n"),
    "a large page is filled in as a small one": Fault(
        "walker", "walker.py", "entry.level.eq(level)", "entry.level.eq(0)"),
    "a large page gets the rights of its first 4 KiB": Fault(
        "walker", "walker.py", "m.d.sync += frame[:9].eq(vpn[:9])", "pass"),
    "PMP is asked as M-mode for everyone": Fault(
        "walker", "walker.py", "pmp.machine.eq(regime == Regime.MACHINE)", "pmp.machine.eq(1)"),
    "fetch is answered what was found for data": Fault(
        "walker", "walker.py", "(self.fetch, for_fetch)", "(self.fetch, C(1))"),
}
