import pytest

from bench.core.results import KernelResult, Measurement, parse_output


def test_lines_among_others():
    measurements, kernels = parse_output(
        "hello\ncore measurement=mul samples=16 min=1 median=2 max=3\r\n\n"
        "core kernel=list iterations=2 cycles=300 instructions=200 crc=65535\ncorexit\n")
    assert measurements == {"mul": Measurement("mul", 16, 1, 2, 3)}
    assert kernels == {"list": KernelResult("list", 2, 300, 200, 0xffff)}


@pytest.mark.parametrize("line", [
    "core measurement=mul samples=16 min=1 median=2",
    "core measurement=mul samples=16 min=1 median=2 max=3 more=4",
    "core measurement=mul samples=16 min=1 min=1 median=2 max=3",
    "core measurement=mul samples=16 min=1 median=x max=3",
    "core measurement=mul samples=0 min=1 median=2 max=3",
    "core measurement=mul samples=16 min=3 median=2 max=4",
    "core kernel=list iterations=2 cycles=300 instructions=200 crc=65536",
    "core kernel=list iterations=0 cycles=300 instructions=200 crc=0",
    "core",
])
def test_lines_that_are_no_result(line):
    with pytest.raises(ValueError, match="^Not a result: "):
        parse_output(line)


def test_name_that_comes_twice():
    with pytest.raises(ValueError, match="^Measured twice: "):
        parse_output("core measurement=mul samples=1 min=1 median=1 max=1\n" * 2)
