import pytest

from hw import abi
from sim.toolchain import ROOT
from soc import memory_map
from soc.config import SocConfig
from soc.generate.call_page import system_calls_page
from soc.generate.tables import abi_page, memory_map_page, pages
from soc.top import SoC

PAGES = ("abi.md", "memory-map.md", "registers.md", "system-calls.md")


def test_memory_map_page_has_every_region():
    page = memory_map_page()
    for region in memory_map.REGIONS:
        assert f"| {region.name} | `{region.base:#010x}` | `{region.size:#x}` |" in page


def test_system_calls_page_has_every_call_argument_and_error():
    page = system_calls_page()
    assert f"There are {len(abi.CALLS)}." in page
    for rule in abi.CALLS:
        assert f"| {rule.call.value} | `{rule.call.name}` |" in page
        section = page[page.index(f"### {rule.call.value} {rule.call.name}\n"):].split("\n### ")[0]
        for argument in rule.arguments:
            assert f"| {argument.name} | {argument.kind.title} |" in section
        for status in rule.all_errors:
            assert f"`{status.name}`" in section


def test_abi_page_has_every_instruction_and_verdict():
    page = abi_page()
    for instruction in abi.INSTRUCTIONS:
        assert f"| `{instruction.name}` | {instruction.funct7} | {instruction.funct3} |" in page
    for verdict in abi.Verdict:
        assert f"| `{verdict.name}` | {verdict.value} |" in page


def test_tables_are_whole():
    for text in pages(SoC(SocConfig()).memory_map).values():
        columns = None
        for line in text.splitlines():
            if not line.startswith("|"):
                columns = None
                continue
            count = line.replace("\\|", "").count("|")
            assert columns in (None, count), line
            columns = count


@pytest.mark.parametrize("name", PAGES)
def test_pages_in_docs_are_what_the_data_says(name):
    """`make docs` writes them."""
    assert (ROOT / "docs" / "reference" / name).read_text() == pages(SoC(SocConfig()).memory_map)[name]
