import pytest

from hw.core.config import CoreConfig
from hw.core.core import Core
from hw.core.register_file import RegisterFile


def test_defaults():
    config = CoreConfig()
    assert config.reset_vector == 0x1000 and config.contexts == 1


@pytest.mark.parametrize("fields, error, message", [
    (dict(hart_id="0"), TypeError, "Hart id must be an integer, not '0'"),
    (dict(hart_id=-1), ValueError, "Hart id must be between 0 and 4095, not -1"),
    (dict(reset_vector=0x1001), ValueError, "Reset vector must be even, not 0x1001"),
    (dict(contexts=0), ValueError, "Contexts must be between 1 and 16, not 0"),
    (dict(contexts=17), ValueError, "Contexts must be between 1 and 16, not 17"),
    (dict(contexts=True), TypeError, "Contexts must be an integer, not True"),
    (dict(icache_bytes=16384), ValueError, "Instruction cache bytes must be between 128 and 8192, not 16384"),
    (dict(dcache_bytes=3000), ValueError, "Data cache bytes must be a power of two, not 3000"),
    (dict(cache_ways=3), ValueError, "Cache ways must be a power of two, not 3"),
    (dict(tlb_entries=1), ValueError, "Lookaside buffer entries must be between 2 and 64, not 1"),
    (dict(branch_entries=2), ValueError, "Branch predictor entries must be between 4 and 1024, not 2"),
    (dict(branch_history_bits=15), ValueError, "Branch history bits must be between 1 and 14, not 15"),
    (dict(cached=((0x8000_0000, 3 << 20),)), ValueError, "Size of cached region must be a power of two, not 3145728"),
    (dict(cached=((0x8000_0000, 1 << 32),)), ValueError, "Base of cached region must be between 0 and 0"),
    (dict(uncached_code=((0x1800, 0x1000),)), ValueError, "Base 0x1800 of uncached code region must be a multiple"),
    (dict(debug=1), TypeError, "Debug must be True or False, not 1"),
    (dict(debug_vector=0x404), ValueError, "Debug vector must be a multiple of 8, not 0x404"),
    (dict(debug_vector="0"), TypeError, "Debug vector must be an integer, not '0'"),
    (dict(debug=True), ValueError, "Debug vector 0x400 must lie in an uncached code region"),
])
def test_refused(fields, error, message):
    with pytest.raises(error, match=f"^{message}"):
        CoreConfig(**fields)


def test_debug_port_only_when_asked_for():
    assert hasattr(Core(CoreConfig(debug=True, debug_vector=0x1800)), "debug")
    assert not hasattr(Core(), "debug")


def test_core_wants_config():
    with pytest.raises(TypeError, match="^Core configuration must be a CoreConfig, not 3$"):
        Core(3)


def test_register_file_contexts():
    with pytest.raises(ValueError, match="^Contexts must be an integer between 1 and 16, not 17$"):
        RegisterFile(17)
