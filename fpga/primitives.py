"""What the cells of a netlist do with clocks: which ports are registered, by what clock, and which signals pass."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from sim.toolchain import ToolError

__all__ = ["BLOCK_RAM", "FLIP_FLOP", "LUT_RAM", "PAD_REGISTER", "Clocked", "Pad", "Primitive", "primitive"]

FLIP_FLOP, BLOCK_RAM, LUT_RAM, PAD_REGISTER = "flip-flops", "block RAM ports", "LUT RAM", "registers in pads"


@dataclass(frozen=True)
class Clocked:
    """Registers of a cell that have one clock.

    Attributes
    ----------
    what : str
        Kind, as the report names it.
    clock : str
        Port.
    inputs, outputs : str
        Patterns of ports that the clock samples, and of those that change with it.
    falling : bool
    """

    what: str
    clock: str
    inputs: str
    outputs: str = ""
    falling: bool = False


@dataclass(frozen=True)
class Pad:
    """Ports of a cell between a pin and the inside; patterns, "" for what it has not."""

    pin: str
    input: str
    output: str
    enable: str


@dataclass(frozen=True)
class Primitive:
    """A type of cell with its parameters.

    Attributes
    ----------
    clocked : tuple of Clocked
    through : tuple of (str, str)
        Patterns of inputs, and of outputs that follow them without a clock.
    pad : Pad or None
    clocks, asynchronous : str
        Patterns of outputs that are clocks of their own, and of those that change when they like.
    reset, reset_value : str
        Of a flip-flop: its port, and the parameters' or the type's word for the value that it begins with.
    asynchronous_reset : bool
        Of a flip-flop: the reset acts without the clock.
    buffers_clock : bool
        `through` is one input to one output, for clocks.
    writes : tuple of tuple of str
        Of a memory: ports that all have to be high, or to have an edge, for a write. One that is 0 forbids it.
    """

    clocked: tuple[Clocked, ...] = ()
    through: tuple[tuple[str, str], ...] = ()
    pad: Pad | None = None
    clocks: str = ""
    asynchronous: str = ""
    reset: str = ""
    reset_value: str = ""
    asynchronous_reset: bool = False
    buffers_clock: bool = False
    writes: tuple[tuple[str, ...], ...] = ()


def _logic(inputs: str, outputs: str) -> Callable[..., Primitive]:
    return lambda kind, parameters, attributes: Primitive(through=((inputs, outputs),))


def _trellis_ff(kind, parameters, attributes) -> Primitive:
    what = PAD_REGISTER if "ioff_dir" in attributes else FLIP_FLOP
    return Primitive((Clocked(what, "CLK", "DI|M|CE|LSR", "Q", parameters.get("CLKMUX") == "INV"),),
                     reset="LSR", reset_value=parameters.get("REGSET", "RESET"),
                     asynchronous_reset=parameters.get("SRMODE") == "ASYNC")


def _trellis_lut_ram(kind, parameters, attributes) -> Primitive:
    return Primitive((Clocked(LUT_RAM, "WCK", "DI|WAD|WRE", "DO", parameters.get("WCKMUX") == "INV"),),
                     through=(("RAD", "DO"),), writes=(("WCK", "WRE"),))


def _dp16kd(kind, parameters, attributes) -> Primitive:
    return Primitive(tuple(
        Clocked(BLOCK_RAM, f"CLK{port}", rf"(DI|AD){port}\d+|(CE|OCE|WE|RST){port}|CS{port}\d", rf"DO{port}\d+",
                parameters.get(f"CLK{port}MUX") == "INV") for port in "AB"),
        writes=(("CLKA", "CEA", "WEA"), ("CLKB", "CEB", "WEB")))


def _pdpw16kd(kind, parameters, attributes) -> Primitive:
    return Primitive((
        Clocked(BLOCK_RAM, "CLKW", r"DI\d+|ADW\d+|BE\d|CEW|CSW\d", falling=parameters.get("CLKWMUX") == "INV"),
        Clocked(BLOCK_RAM, "CLKR", r"ADR\d+|CER|OCER|RST|CSR\d", r"DO\d+", parameters.get("CLKRMUX") == "INV")),
        writes=(("CLKW", "CEW"),))


def _multiplier(kind, parameters, attributes) -> Primitive:
    registers = [name for name, value in parameters.items() if re.fullmatch(r"REG_\w+_CLK", name) and value != "NONE"]
    if registers:
        raise ToolError(f"the review of clocks knows {kind} without registers only, not with {registers[0]}")
    return Primitive(through=((r"[ABC]\d+|SIGNED[AB]|SOURCE[AB]|SR[IO]?[AB]\d+", r"P\d+|SIGNEDP|RO[ABC]\d+"),))


def _ice40_ff(kind, parameters, attributes) -> Primitive:
    falling, _, enable, reset = re.fullmatch(r"SB_DFF(N?)((E?)(S?[SR])?)", kind).groups()
    return Primitive((Clocked(FLIP_FLOP, "C", "D|E|R|S", "Q", bool(falling)),), reset=(reset or "")[-1:],
                     reset_value="SET" if reset and reset[-1] == "S" else "RESET",
                     asynchronous_reset=reset in ("S", "R"))


def _ice40_ram(kind, parameters, attributes) -> Primitive:
    falling = kind.removeprefix("SB_RAM40_4K")
    read, write = ("RCLKN" if "NR" in falling else "RCLK"), ("WCLKN" if falling.endswith("NW") else "WCLK")
    return Primitive((Clocked(BLOCK_RAM, read, "RADDR|RE|RCLKE", "RDATA", read.endswith("N")),
                      Clocked(BLOCK_RAM, write, "WADDR|WDATA|MASK|WE|WCLKE", "", write.endswith("N"))),
                     writes=((write, "WE", "WCLKE"),))


def _ice40_io(kind, parameters, attributes) -> Primitive:
    """PIN_TYPE: two bits for the input (01: not registered), four for the output (--10: neither registered nor double
    data rate, 0000: none) and its enable (11--: registered)."""
    code = parameters.get("PIN_TYPE", "")[-6:]
    if not re.fullmatch("0000(01)|(01|10)1001", code):
        raise ToolError(f"the review of clocks knows {kind} without registers only, not with PIN_TYPE {code or '0'}")
    output = code[:4] != "0000"
    return Primitive(pad=Pad("PACKAGE_PIN", "D_IN_0|GLOBAL_BUFFER_OUTPUT", "D_OUT_0" if output else "",
                             "OUTPUT_ENABLE" if code[0] == "1" else ""))


#: By type: a function of type, parameters and attributes.
_PRIMITIVES: dict[str, Callable[..., Primitive]] = {
    "LUT4": _logic("[ABCD]", "Z"),
    "CCU2C": _logic("[ABCD][01]|CIN", "S0|S1|COUT"),
    "PFUMX": _logic("ALUT|BLUT|C0", "Z"),
    "L6MUX21": _logic("D0|D1|SD", "Z"),
    "TRELLIS_FF": _trellis_ff,
    "TRELLIS_DPR16X4": _trellis_lut_ram,
    "DP16KD": _dp16kd,
    "PDPW16KD": _pdpw16kd,
    "MULT18X18D": _multiplier,
    "ODDRX1F": lambda *_: Primitive((Clocked(PAD_REGISTER, "SCLK", "D0|D1|RST", "Q"),)),
    "IDDRX1F": lambda *_: Primitive((Clocked(PAD_REGISTER, "SCLK", "D|RST", "Q0|Q1"),)),
    "TRELLIS_IO": lambda *_: Primitive(pad=Pad("B", "O", "I", "T")),
    # The clock that an ECP5 was configured with has no pin of its own.
    "USRMCLK": lambda *_: Primitive(pad=Pad("", "", "USRMCLKI", "USRMCLKTS")),
    "EHXPLLL": lambda *_: Primitive(clocks="CLKOP|CLKOS|CLKOS2|CLKOS3|CLKINTFB", asynchronous="LOCK|INTLOCK|REFCLK"),
    "DCCA": lambda *_: Primitive(through=(("CLKI", "CLKO"),), buffers_clock=True),
    "SB_LUT4": _logic("I[0-3]", "O"),
    "SB_CARRY": _logic("I0|I1|CI", "CO"),
    **{f"SB_DFF{edge}{rest}": _ice40_ff for edge in ("", "N")
       for rest in ("", "E", "SR", "R", "SS", "S", "ESR", "ER", "ESS", "ES")},
    **{f"SB_RAM40_4K{edge}": _ice40_ram for edge in ("", "NR", "NW", "NRNW")},
    "SB_SPRAM256KA": lambda *_: Primitive((Clocked(
        "SPRAM", "CLOCK", "ADDRESS|DATAIN|MASKWREN|WREN|CHIPSELECT|STANDBY|SLEEP|POWEROFF", "DATAOUT"),)),
    "SB_IO": _ice40_io,
    "SB_GB_IO": _ice40_io,
    "SB_GB": lambda *_: Primitive(through=(("USER_SIGNAL_TO_GLOBAL_BUFFER", "GLOBAL_BUFFER_OUTPUT"),),
                                  buffers_clock=True),
}


@cache
def _find(kind: str, parameters: tuple, attributes: tuple) -> Primitive:
    if kind not in _PRIMITIVES:
        raise ToolError(f"the review of clocks does not know the cell {kind}; fpga/primitives.py says what cells do")
    return _PRIMITIVES[kind](kind, dict(parameters), dict(attributes))


def primitive(kind: str, parameters: Mapping[str, str], attributes: Mapping[str, str]) -> Primitive:
    """What a cell does.

    Parameters
    ----------
    kind : str
        Its type.
    parameters, attributes
        As in Yosys' JSON.

    Raises
    ------
    ToolError
        For a type that is not known: nothing is taken for harmless.
    """
    # Those that say something about clocks. Contents of memories and tables are large, and different in each cell.
    telling = tuple((name, value.strip()) for name, value in sorted(parameters.items())
                    if name.endswith(("MUX", "MODE", "SET", "PIN_TYPE")) or re.fullmatch(r"REG_\w+_CLK", name))
    return _find(kind, telling, tuple(item for item in attributes.items() if item[0] == "ioff_dir"))
