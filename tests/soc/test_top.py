import pytest

from soc.config import SocConfig
from soc.memory_map import REGIONS
from soc.top import SoC
from soc.verilog import flat_ports


def test_configuration_must_be_one():
    with pytest.raises(TypeError, match="Configuration must be a SocConfig, not 'big'"):
        SoC("big")


def test_every_region_is_a_window_at_its_place():
    soc = SoC(SocConfig(l2_bytes=65536, debug=True))
    windows = {name: (start, end) for _, name, start, end in soc.memory_map.windows()}
    for region in REGIONS:
        start, end = windows[region.name]
        assert start == region.base and end <= region.base + region.size
    assert windows["memory"] == (REGIONS[-1].base, REGIONS[-1].base + REGIONS[-1].size)


def test_units_are_left_out():
    soc = SoC(SocConfig(capability_unit=False, mailbox=False, l2_bytes=0))
    assert {name for _, name, _, _ in soc.memory_map.windows()}.isdisjoint({"capability_unit", "mailbox", "l2_cache"})


def test_units_have_the_sizes_asked_for():
    soc = SoC(SocConfig(capability_lines=8, mailbox_queues=2, mailbox_depth=8, mailbox_pages=1))
    assert soc._capability_unit.config.lines == 8
    mailbox = soc._mailbox.config
    assert (mailbox.queues, mailbox.depth, mailbox.pages) == (2, 8, 1)


def test_debug_only_when_asked_for():
    pins = {"jtag_tck", "jtag_tms", "jtag_tdi", "jtag_tdo", "halt_on_reset"}
    assert pins <= set(flat_ports(SoC(SocConfig(debug=True))))
    plain = SoC()
    assert pins.isdisjoint(flat_ports(plain))
    assert "debug" not in {name for _, name, _, _ in plain.memory_map.windows()}


def test_trace_port_only_when_asked_for():
    assert any(name.startswith("trace_") for name in flat_ports(SoC(SocConfig(trace=True))))
    assert not any(name.startswith("trace_") for name in flat_ports(SoC(SocConfig(trace=False))))


def test_flat_ports_have_paths_as_names():
    ports = flat_ports(SoC())
    assert {"memory_adr", "memory_ack", "stores_valid", "uart_tx_payload", "uart_rx_valid",
            "finisher_code"} <= set(ports)
