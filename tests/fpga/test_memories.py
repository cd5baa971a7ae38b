"""Caches, queues and tables of the systems are in RAM and not in logic."""

import pytest
from amaranth import Module
from amaranth.back import rtlil
from amaranth.lib.memory import Memory as Ram

from fpga.memories import BLOCK, LARGE, LUT, NEITHER, Memory, memories_of, misplaced
from fpga.synthesis import cells_of, synthesize_top
from soc.blocks import find_block
from soc.config import SocConfig

TEXT = """\
module \\top.a
  memory width 64 size 512 \\data
  memory width 8 size 16 \\fifo
  memory width 8 size 4 \\lost
end
module \\top
  memory width 32 size 128 \\table$3
end
"""
CELLS = {"a.data.0.0": "DP16KD", "a.data.0.1_2": "DP16KD", "a.fifo.0.0": "TRELLIS_DPR16X4", "a.lost_FF": "TRELLIS_FF",
         "table$3.0.0": "TRELLIS_DPR16X4"}


def test_memories_by_name():
    memories = memories_of(TEXT, CELLS, "top")
    assert memories == [Memory("a.data", 64, 512, BLOCK), Memory("a.fifo", 8, 16, LUT), Memory("a.lost", 8, 4, NEITHER),
                        Memory("table$3", 32, 128, LUT)]
    assert [memory.name for memory in misplaced(memories)] == ["a.lost", "table$3"]


def test_few_wide_words_may_be_in_luts():
    """As many cells hold one word or sixteen."""
    assert [memory.depth for memory in misplaced([Memory("few", 128, 16, LUT), Memory("more", 128, 17, LUT)])] == [17]


def mapped(text, top):
    """Memories after Yosys has mapped them: what comes behind does not move them."""
    # The cells' models would go into the netlist else.
    command = f"synth_ecp5 -run begin:map_gates -top \\{top}\nblackbox =A:whitebox\nhierarchy"
    netlist, _ = synthesize_top(text, top, command)
    return memories_of(text, cells_of(netlist, top), top)


@pytest.fixture(scope="module")
def default_system():
    block = find_block("soc", SocConfig(trace=False))
    return mapped(block.text, block.module)


@pytest.mark.slow
def test_no_memory_is_in_logic_and_no_large_one_in_luts(default_system):
    assert not misplaced(default_system)
    large = {memory.name for memory in default_system if memory.bits >= LARGE}
    assert large >= {"core.fetch.cache.data0", "core.commit.memory.cache.data1", "core.fetch.tlb.table",
                     "capability_unit.engine.lookaside.way0", "mailbox.entries", "l2.arrays.way3", "boot_rom.memory"}


def test_a_large_memory_in_luts_is_noticed():
    """A memory that is read in the same cycle cannot be block RAM."""
    m = Module()
    m.submodules.table = table = Ram(shape=16, depth=256, init=range(256))
    write, read = table.write_port(), table.read_port(domain="comb")
    ports = [write.addr, write.data, write.en, read.addr, read.data]
    text = rtlil.convert(m, name="top", ports=ports, emit_src=False)
    assert [(memory.bits, memory.place) for memory in misplaced(mapped(text, "top"))] == [(4096, LUT)]
