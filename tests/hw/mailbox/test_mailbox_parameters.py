"""Parameters of the mailbox and its parts, its memory map, and what is derived from it."""

import re
import warnings
from pathlib import Path

import pytest
from amaranth.hdl import UnusedElaboratable

from hw.abi import PAGE_BYTES, MailStatus
from hw.bus.register import registers
from hw.mailbox.check_client import CheckClient
from hw.mailbox.config import MailboxConfig
from hw.mailbox.mailbox import Mailbox
from hw.mailbox.registers import CONTROL_REGISTERS, THREAD_REGISTERS, WINDOW_BYTES, constants, memory_map
from soc.memory_map import region

DATASHEET = Path(__file__).resolve().parents[3] / "docs" / "datasheet" / "mailbox.md"


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ({"queues": "8"}, TypeError, "queues must be an integer, not '8'"),
    ({"queues": True}, TypeError, "queues must be an integer, not True"),
    ({"queues": 0}, ValueError, "queues must be from 1 to 64, not 0"),
    ({"queues": 65}, ValueError, "queues must be from 1 to 64, not 65"),
    ({"depth": 3}, ValueError, "depth must be a power of two, not 3"),
    ({"depth": 128}, ValueError, "depth must be from 1 to 64, not 128"),
    ({"pages": 16}, ValueError, "pages must be from 1 to 15, not 16"),
    ({"senders": 17}, ValueError, "senders must be from 1 to 16, not 17"),
    ({"contexts": 17}, ValueError, "contexts must be from 0 to 16, not 17"),
    ({"harts": 9}, ValueError, "harts must be from 1 to 8, not 9"),
    ({"harts": 2, "contexts": 0}, ValueError, "2 harts with contexts=0 have 0 contexts, not from 1 to 16"),
    ({"harts": 5, "contexts": 4}, ValueError, "5 harts with contexts=4 have 20 contexts, not from 1 to 16"),
    ({"check_timeout": 3}, ValueError, "check_timeout must be from 4 to 1048576, not 3"),
    ({"message_words": 9}, ValueError, "message_words must be from 1 to 8, not 9"),
    ({"capability_words": None}, TypeError, "capability_words must be an integer, not None"),
    ({"faults": ("rust",)}, ValueError, "Unknown fault 'rust'; there are store_on_refusal, "),
])
def test_bad_configuration(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        MailboxConfig(**arguments)


def test_bad_component_arguments():
    with pytest.raises(TypeError, match="Configuration must be a MailboxConfig, not 8"):
        Mailbox(8)
    with pytest.raises(TypeError, match="Timeout must be an integer, not 'long'"):
        CheckClient("long")
    with pytest.raises(ValueError, match="Timeout must be positive, not 0"):
        CheckClient(0)


def test_ports():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)
        assert "fault" not in Mailbox().signature.members
        assert "port" in Mailbox().signature.members
        assert "port" not in Mailbox(MailboxConfig(contexts=0)).signature.members
        assert "resets" not in Mailbox().signature.members
        assert Mailbox(MailboxConfig(harts=3)).signature.members["port"].dimensions == (3,)
        assert Mailbox(MailboxConfig(harts=3)).signature.members["resets"].shape == 3
        assert Mailbox(MailboxConfig(faults=("no_kill",))).signature.members["fault"].shape == 1


@pytest.mark.parametrize("config", [MailboxConfig(), MailboxConfig(queues=1, depth=1, pages=1),
                                    MailboxConfig(queues=64, pages=15)])
def test_memory_map(config):
    window = memory_map(config)
    assert window.size == WINDOW_BYTES == region("mailbox").size
    found = {info.name: info for info in registers(window)}
    assert found["identity"].offset == 0
    assert found["page_1"].offset == 0x108 and "page_0" not in found
    assert found[f"page{config.pages}_status"].offset == config.pages * PAGE_BYTES + 0xa0
    assert dict(found["page1_status"].fields[0].values)["FULL"] == MailStatus.FULL.value
    assert f"queue_fill_{config.queues - 1}" in found and f"queue_fill_{config.queues}" not in found


def test_constants_fit_the_header():
    values = constants()
    assert values["MAILBOX_THREAD_SEND"] == 0x80
    assert values["MAILBOX_STATUS_FULL"] == MailStatus.FULL.value
    assert values["MAILBOX_PAGE_KERNEL_SHIFT"] == 33
    assert all(name.isidentifier() and type(value) is int and 0 <= value < 1 << 32
               for name, value in values.items())


@pytest.mark.parametrize("row", [*CONTROL_REGISTERS, *THREAD_REGISTERS], ids=lambda row: row.name)
def test_datasheet_lists_the_register(row):
    """Offset, name and access of each register stand in one row of the datasheet's tables."""
    lines = [line for line in DATASHEET.read_text().splitlines()
             if re.search(rf"\| {row.name}\b", line) and f"0x{row.offset:03x}" in line]
    assert len(lines) == 1
    assert f"| {row.access.value} |" in lines[0]
