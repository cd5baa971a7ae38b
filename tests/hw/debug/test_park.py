import capstone

from hw.core.debug import DRET
from hw.debug import park


def disassemble(words, base):
    engine = capstone.Cs(capstone.CS_ARCH_RISCV, capstone.CS_MODE_RISCV64)
    code = b"".join(word.to_bytes(4, "little") for word in words)
    engine.skipdata = True
    text = [f"{insn.mnemonic} {insn.op_str}".strip() for insn in engine.disasm(code, base)]
    # Capstone knows neither dret nor the number of dscratch0.
    return ["dret" if word == DRET else line.replace("dscratch", "dscratch0")
            for line, word in zip(text, words, strict=True)]


def test_park_loop_in_assembly():
    words, handler = park.park_program()
    assert handler == park.ENTRY + 4 * 17
    assert disassemble(words, park.ENTRY) == [
        "j 8", "j 0x40",
        "fence", "csrw dscratch0, s0", "csrr s0, mhartid", "sw s0, 0x100(zero)",
        "csrr s0, mhartid", "lbu s0, 0x200(s0)", "beqz s0, -8", "andi s0, s0, 2", "bnez s0, 0x14",
        "sw zero, 0x108(zero)", "csrr s0, dscratch0", "fence.i", "j -0x138",
        "csrr s0, dscratch0", "dret",
        "csrr s0, dscratch0", "sw zero, 0x110(zero)", "ebreak",
    ]


def test_instructions_of_commands():
    assert disassemble([park.load(9, 3, park.DATA), park.store(10, 2, park.DATA), park.read_csr(8, 0x7b1),
                        park.write_csr(0x300, 8)], 0) == [
        "ld s1, 0x380(zero)", "sw a0, 0x380(zero)", "csrr s0, dpc", "csrw mstatus, s0"]
