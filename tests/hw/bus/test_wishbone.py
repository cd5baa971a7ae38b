import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out

from hw.bus import wishbone
from hw.bus.memory_map import MemoryMap
from hw.bus.wishbone import BurstTypeExt, CycleType, Feature, Signature
from tests.hw.bus.bench import run


def test_signature():
    signature = Signature(addr_width=10, data_width=32, granularity=8, features=("err", Feature.CTI))
    assert signature.members["adr"] == Out(10)
    assert signature.members["dat_r"] == In(32)
    assert signature.members["sel"] == Out(4)
    assert signature.members["cti"] == Out(CycleType)
    assert "bte" not in signature.members
    assert signature == Signature(addr_width=10, data_width=32, granularity=8, features=("cti", "err"))
    assert signature != Signature(addr_width=10, data_width=32, features=("cti", "err"))
    assert signature.create().word_bits == 2


def test_system_bus():
    """Addresses of 32 bits in words of 64."""
    system = wishbone.system_signature()
    assert (system.addr_width, system.data_width, system.granularity) == (29, 64, 8)
    assert system.features == frozenset(Feature)
    assert wishbone.system_signature(burst=False).features == {Feature.ERR}
    peripheral = wishbone.peripheral_signature(16)
    assert (peripheral.addr_width, peripheral.data_width, peripheral.features) == (13, 64, {Feature.ERR})


def test_memory_map():
    interface = wishbone.peripheral_signature(4).create()
    with pytest.raises(AttributeError, match="does not have a memory map"):
        _ = interface.memory_map
    interface.memory_map = memory_map = MemoryMap(addr_width=4)
    assert interface.memory_map is memory_map


@pytest.mark.parametrize(("mode", "size"), [(BurstTypeExt.LINEAR, 64), (BurstTypeExt.WRAP_4, 4),
                                            (BurstTypeExt.WRAP_8, 8), (BurstTypeExt.WRAP_16, 16)])
def test_next_burst_address(mode, size):
    """Wishbone B4 table 4-4, by arithmetic."""
    m = Module()
    adr, following = Signal(6), Signal(6)
    cti, bte = Signal(CycleType), Signal(BurstTypeExt)
    m.d.comb += following.eq(wishbone.next_burst_address(adr, cti, bte))

    async def testbench(ctx):
        ctx.set(bte, mode)
        for address in range(64):
            ctx.set(adr, address)
            for kind in CycleType:
                ctx.set(cti, kind)
                wrapped = address - address % size + (address + 1) % size
                assert ctx.get(following) == (wrapped if kind is CycleType.INCR_BURST else address)

    run(m, testbench, clocked=False)


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ({"addr_width": -1, "data_width": 8}, TypeError, "Address width must be a non-negative integer, not -1"),
    ({"addr_width": "a", "data_width": 8}, TypeError, "Address width must be"),
    ({"addr_width": 1, "data_width": 7}, ValueError, "Data width must be one of 8, 16, 32, 64, not 7"),
    ({"addr_width": 1, "data_width": 8, "granularity": 1}, ValueError, "Granularity must be one of"),
    ({"addr_width": 1, "data_width": 8, "granularity": 16}, ValueError, "may not be greater than data width"),
    ({"addr_width": 1, "data_width": 8, "features": ("rty",)}, ValueError, "'rty' is not a valid Feature"),
])
def test_bad_parameters(arguments, error, message):
    with pytest.raises(error, match=message):
        Signature(**arguments)


@pytest.mark.parametrize("bits", [2, 33, "x"])
def test_bad_window(bits):
    with pytest.raises(ValueError, match="Window must have 3 to 32 address bits"):
        wishbone.peripheral_signature(bits)
