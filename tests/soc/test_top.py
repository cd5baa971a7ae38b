from dataclasses import replace

import pytest
from amaranth.sim import Simulator

from hw.memory.sdram import Command
from hw.memory.sdram_config import AS4C16M16SA_7, CHIPS
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


def test_flash_only_when_asked_for():
    pins = {"flash_clk", "flash_cs", "flash_d_o", "flash_d_oe", "flash_d_i"}
    assert pins <= set(flat_ports(SoC()))
    plain = SoC(SocConfig(flash=False))
    assert pins.isdisjoint(flat_ports(plain))
    assert {"flash", "flash_window"}.isdisjoint(name for _, name, _, _ in plain.memory_map.windows())
    assert "straps" in flat_ports(plain)


def test_trace_port_only_when_asked_for():
    assert any(name.startswith("trace_") for name in flat_ports(SoC(SocConfig(trace=True))))
    assert not any(name.startswith("trace_") for name in flat_ports(SoC(SocConfig(trace=False))))


def test_flat_ports_have_paths_as_names():
    ports = flat_ports(SoC(SocConfig(sdram="")))
    assert {"memory_adr", "memory_ack", "stores_valid", "uart_tx_payload", "uart_rx_valid",
            "finisher_code"} <= set(ports)
    assert not any(name.startswith("sdram_") for name in ports)


@pytest.mark.parametrize("l2_bytes", [0, 65536])
def test_sdram_pins_instead_of_a_memory_port(l2_bytes):
    soc = SoC(SocConfig(l2_bytes=l2_bytes))
    names = set(flat_ports(soc))
    assert {"sdram_command", "sdram_bank", "sdram_address", "sdram_dqm", "sdram_dq_o", "sdram_dq_oe", "sdram_dq_i",
            "stores_valid"} <= names
    assert not any(name.startswith("memory_") for name in names)
    windows = {name: (start, end) for _, name, start, end in soc.memory_map.windows()}
    assert windows["memory"] == (REGIONS[-1].base, REGIONS[-1].base + REGIONS[-1].size)


@pytest.mark.parametrize("l2_bytes", [0, 65536])
def test_controller_sees_what_the_system_asks_of_memory(l2_bytes, monkeypatch):
    """The first fetch from main memory opens row 0 of bank 0 and reads column 0."""
    monkeypatch.setitem(CHIPS, "hasty", replace(AS4C16M16SA_7, t_power_up=1000))
    soc = SoC(SocConfig(sdram="hasty", l2_bytes=l2_bytes, capability_unit=False, mailbox=False))
    config, seen = soc.config.sdram_config, []

    async def run(ctx):
        pins = soc.sdram
        ctx.set(soc.straps.loaded, 1)
        for _ in range(config.power_up + 1500):
            await ctx.tick()
            command = ctx.get(pins.command)
            if command in (Command.ACTIVATE, Command.READ, Command.WRITE):
                seen.append((command, ctx.get(pins.bank), ctx.get(pins.address)))
            if len(seen) == 2:
                return

    simulator = Simulator(soc)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
    assert seen == [(Command.ACTIVATE, 0, 0), (Command.READ, 0, 0)]


def test_a_serial_line_learns_what_software_set():
    """Divisor and format leave the system, errors and busy come in."""
    soc = SoC(SocConfig(capability_unit=False, mailbox=False, l2_bytes=0, trace=False))
    line = {name: flow for name, (_, flow) in flat_ports(soc).items() if name.startswith("uart_line_")}
    assert {name: flow.value for name, flow in line.items()} == {
        "uart_line_divisor": "output", "uart_line_format": "output",
        "uart_line_busy": "input", "uart_line_errors": "input"}
