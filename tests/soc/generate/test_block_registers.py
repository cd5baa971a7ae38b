"""Registers of blocks alone: one hart's and several harts'."""

import subprocess
import sys
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from hw.bus.register import registers
from hw.capability.config import CapabilityUnitConfig
from hw.capability.window import ADDRESS_BITS, Window
from hw.mailbox.registers import WORD_BYTES, ControlPage
from soc.generate.__main__ import main
from soc.generate.block_registers import block_registers


def svd_registers(text):
    """Offset of each register by name, of the only peripheral."""
    peripheral, = ElementTree.fromstring(text.encode()).iter("peripheral")
    return {one.findtext("name"): int(one.findtext("addressOffset"), 16) for one in peripheral.iter("register")}


@pytest.fixture(scope="module")
def of_one_unit():
    return {info.name: info.offset for info in registers(Window(CapabilityUnitConfig()).bus.memory_map)}


def test_each_hart_has_the_registers_of_a_unit(of_one_unit):
    assert svd_registers(block_registers("capability-unit", "svd")) == of_one_unit
    several = svd_registers(block_registers("capability-unit", "svd", parameters=["harts=3"]))
    assert several.items() >= {f"hart{hart}_{name}": offset + (hart << ADDRESS_BITS)
                               for hart in range(3) for name, offset in of_one_unit.items()}.items()
    assert {name[:5] for name in several} == {"hart0", "hart1", "hart2"} and "hart2_remote_invalidations" in several


def test_contexts_of_the_mailbox_by_hart():
    found = svd_registers(block_registers("mailbox", "svd", parameters=["harts=2", "contexts=3"]))
    assert [found[f"hart{hart}_context_{context}"] for hart in range(2) for context in range(3)] == [
        ControlPage.CONTEXTS + WORD_BYTES * number for number in range(6)]
    assert "context_0" not in found
    assert "context_2" in svd_registers(block_registers("mailbox", "svd", parameters=["contexts=3"]))


def test_table_and_header_have_them_all(of_one_unit, tmp_path):
    table = block_registers("capability-unit", "table", parameters=["harts=2"])
    assert all(f"`hart1_{name}`" in table for name in of_one_unit)
    (tmp_path / "harts.h").write_text(block_registers("capability-unit", "header", parameters=["harts=2"]))
    source = tmp_path / "harts.c"
    source.write_text('#include "harts.h"\n'
                      + f"static_assert(CAPABILITY_UNIT_HART1_STATUS == {of_one_unit['status'] + (1 << ADDRESS_BITS)});"
                      + "static_assert(CAPABILITY_UNIT_HART1_STATUS_BUSY_SHIFT == 0);\n")
    compiler = [sys.executable, "-m", "ziglang", "cc", "-std=c23", "-Wall", "-Werror"]
    subprocess.run([*compiler, "-c", source, "-o", tmp_path / "harts.o"], check=True)


@pytest.mark.parametrize(("arguments", "message"), [
    (["--block", "core"], "core: it has no registers"),
    (["--block", "nonsense"], "there is no block 'nonsense'"),
    (["--block", "mailbox", "harts=9"], "mailbox: harts must be from 1 to 8, not 9"),
])
def test_errors_are_one_line(arguments, message):
    done = CliRunner().invoke(main, ["registers", *arguments])
    assert done.exit_code == 1 and done.output.startswith(f"Error: {message}") and done.output.count("\n") == 1
