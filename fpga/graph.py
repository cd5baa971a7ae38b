"""A flattened netlist as a graph: registers, the logic between them, pads, clocks."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sim.toolchain import ToolError

from .memories import memory_name
from .pll import CLOCKS
from .primitives import Clocked, Primitive, primitive

__all__ = ["Arrival", "Graph", "Logic", "PadPorts", "Register", "read_graph"]

#: What Yosys adds to the name of a signal to name a cell or a net next to it; and to name its flip-flop.
_ADDED = re.compile(r"_(?:LUT4|CCU2C|PFUMX|L6MUX21|TRELLIS_\w+|DP16KD|PDPW16KD|MULT18X18D|SB_\w+)_")
_FLIP_FLOP = re.compile(r"_(?:TRELLIS_FF|SB_DFF\w*?)_Q(?:_\d+)?$")


@dataclass(frozen=True, eq=False)
class Register:
    """Registers of one cell with one clock: a flip-flop, a port of a memory.

    Attributes
    ----------
    cell, name : str
        The cell, and the signal that it holds, as the RTL calls it.
    what : str
        As in :class:`fpga.primitives.Clocked`.
    clock : int
        Bit.
    falling : bool
    inputs, outputs : dict, tuple
        Bits that are no constants: ports by bit, bits.
    primitive : Primitive
    """

    cell: str
    name: str
    what: str
    clock: int
    falling: bool
    inputs: Mapping[int, str]
    outputs: tuple[int, ...]
    primitive: Primitive

    @property
    def edge(self) -> tuple[int, bool]:
        """Its clock and which edge: registers with the same are one domain."""
        return self.clock, self.falling


@dataclass(frozen=True, eq=False)
class Logic:
    """A cell without a clock: bits, no constants."""

    cell: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class PadPorts:
    """A pad: bits inside, None for those that it has not and for constants.

    Attributes
    ----------
    name : str
        Port of the top, "name[3]" of a wide one, or the cell's own name.
    input, output, enable : int or None
    constant : bool
        The output is a constant.
    """

    name: str
    input: int | None
    output: int | None
    enable: int | None
    constant: bool


@dataclass(frozen=True, eq=False)
class Arrival:
    """Where a signal comes to.

    Attributes
    ----------
    register : Register
    port : str
    cells : int
        Of logic on the way.
    mixed : bool
        Another signal comes into one of them, so that it can make a glitch of this one.
    """

    register: Register
    port: str
    cells: int
    mixed: bool


@dataclass(eq=False)
class Graph:
    """See the module.

    Attributes
    ----------
    registers, logic, pads : list
    clocks, asynchronous : dict
        Names of the signals that cells make as clocks, and that cells change when they like, by bit.
    makers : set
        Bits that come into cells which make clocks.
    buffers : dict
        The bit before a clock buffer by the one behind it.
    contents : dict
        Memories that begin with other contents than zero, and whether they can be written.
    names : dict
        Name of each net by bit.
    """

    registers: list[Register] = field(default_factory=list)
    logic: list[Logic] = field(default_factory=list)
    pads: list[PadPorts] = field(default_factory=list)
    clocks: dict[int, str] = field(default_factory=dict)
    asynchronous: dict[int, str] = field(default_factory=dict)
    makers: set[int] = field(default_factory=set)
    buffers: dict[int, int] = field(default_factory=dict)
    contents: dict[str, bool] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)

    @cached_property
    def driver(self) -> dict[int, Register | Logic]:
        """By bit."""
        return {bit: cell for cell in (*self.registers, *self.logic) for bit in cell.outputs}

    @cached_property
    def loads(self) -> dict[int, list[Register | Logic | PadPorts]]:
        """By bit."""
        found = defaultdict(list)
        for cell in (*self.registers, *self.logic):
            for bit in cell.inputs:
                found[bit].append(cell)
        for pad in self.pads:
            for bit in {pad.output, pad.enable} - {None}:
                found[bit].append(pad)
        return found

    def following(self, bits: Iterable[int]) -> Iterator[tuple[int, int, bool]]:
        """All bits that depend on `bits` without a clock in between, these first: bit, cells on the way, mixed."""
        seen = set()
        queue = [(bit, 0, False) for bit in bits]
        for bit, cells, mixed in queue:
            if bit in seen:
                continue
            seen.add(bit)
            yield bit, cells, mixed
            for load in self.loads.get(bit, ()):
                if isinstance(load, Logic):
                    queue += [(output, cells + 1, mixed or len(set(load.inputs)) > 1) for output in load.outputs]

    def arrivals(self, bits: Iterable[int]) -> list[Arrival]:
        """Registers that `bits` come to without a clock in between."""
        return [Arrival(load, load.inputs[bit], cells, mixed) for bit, cells, mixed in self.following(bits)
                for load in self.loads.get(bit, ()) if isinstance(load, Register)]

    def origins(self, bit: int) -> dict[int, int]:
        """Bits without logic before them that `bit` depends on, each with the cells in between."""
        seen, queue, found = set(), [(bit, 0)], {}
        for bit, cells in queue:
            if bit in seen:
                continue
            seen.add(bit)
            cell = self.driver.get(bit)
            if isinstance(cell, Logic):
                queue += [(before, cells + 1) for before in cell.inputs]
            if not isinstance(cell, Logic) or self._is_memory(bit):
                found[bit] = cells
        return found

    @cached_property
    def _memories(self) -> dict[int, Register]:
        """Registers that hold a bit which logic drives too: those of a memory that is read without a clock."""
        return {bit: register for register in self.registers for bit in register.outputs
                if isinstance(self.driver[bit], Logic)}

    def _is_memory(self, bit: int) -> bool:
        return bit in self._memories

    def holder(self, bit: int) -> Register | None:
        """The register that `bit` comes out of."""
        cell = self.driver.get(bit)
        return cell if isinstance(cell, Register) else self._memories.get(bit)


def _bits(ports: str, connections: Mapping[str, list]) -> dict[int, str]:
    """Bits at the ports that match, each with the names of these ports, "+" between them."""
    found: dict[int, dict] = {}
    for port, bits in connections.items():
        if ports and re.fullmatch(ports, port):
            for bit in bits:
                if isinstance(bit, int):
                    found.setdefault(bit, {})[port] = None
    return {bit: "+".join(names) for bit, names in found.items()}


def _only(ports: str, connections: Mapping[str, list]):
    """What is at the one port that matches and is connected; None without one."""
    return next((bits[0] for port, bits in connections.items() if ports and bits and re.fullmatch(ports, port)), None)


def _plainness(name: str) -> tuple:
    return bool(_ADDED.search(name)), name.startswith("$"), name.count("."), len(name), name


class _Reader:
    def __init__(self, module: dict):
        self._module = module
        self.graph = Graph()
        self._names: dict[int, list[str]] = defaultdict(list)
        for name, net in module["netnames"].items():
            for index, bit in enumerate(net["bits"]):
                self._names[bit].append(name if len(net["bits"]) == 1 else f"{name}[{index}]")
        # The RTL has a signal by several names; the one that is nearest to the top says most.
        self.graph.names = {bit: min(given, key=_plainness) for bit, given in self._names.items()}
        self._pins = {bit: name if len(port["bits"]) == 1 else f"{name}[{index}]"
                      for name, port in module["ports"].items() for index, bit in enumerate(port["bits"])}

    def read(self) -> Graph:
        for name, cell in self._module["cells"].items():
            if cell["type"] != "$scopeinfo":
                self._cell(name, cell, primitive(cell["type"], cell["parameters"], cell["attributes"]))
        return self.graph

    def _cell(self, name: str, cell: dict, is_a: Primitive) -> None:
        graph, ports = self.graph, cell["connections"]
        known = set()
        for clocked in is_a.clocked:
            known |= self._register(name, ports, clocked, is_a)
        for inputs, outputs in is_a.through:
            made = tuple(_bits(outputs, ports))
            known.update(made)
            before = tuple(_bits(inputs, ports))
            graph.logic.append(Logic(name, before, made))
            if is_a.buffers_clock and before:
                graph.buffers |= {bit: before[0] for bit in made}
        for patterns, found in ((is_a.clocks, graph.clocks), (is_a.asynchronous, graph.asynchronous)):
            signals = _bits(patterns, ports)
            known.update(signals)
            found |= {bit: CLOCKS.get(port, f"{name}.{port}") for bit, port in signals.items()}
        if is_a.writes and any("1" in value for parameter, value in cell["parameters"].items()
                               if parameter.startswith("INIT")):
            memory = memory_name(name)
            graph.contents[memory] = graph.contents.get(memory, False) or any(
                all(ports.get(port) != ["0"] for port in needed) for needed in is_a.writes)
        if is_a.clocks:
            graph.makers.update(bit for port, bits in ports.items() for bit in bits
                                if isinstance(bit, int) and bit not in known)
        if is_a.pad:
            known |= self._pad(name, ports, is_a)
        for port, direction in cell["port_directions"].items():
            if direction == "output" and not known >= self._used.intersection(ports[port]):
                raise ToolError(f"the review of clocks does not know port {port} of the cell {cell['type']} ({name})")

    @cached_property
    def _used(self) -> set:
        """Bits that come into a cell."""
        return {bit for cell in self._module["cells"].values() for port, bits in cell["connections"].items()
                if cell["port_directions"][port] != "output" for bit in bits if isinstance(bit, int)}

    def _register(self, name: str, ports: dict, clocked: Clocked, is_a: Primitive) -> set[int]:
        clock = _only(clocked.clock, ports)
        outputs = _bits(clocked.outputs, ports)
        if isinstance(clock, int):
            self.graph.registers.append(Register(
                name, self._signal(name, tuple(outputs)), clocked.what, clock, clocked.falling,
                _bits(clocked.inputs, ports), tuple(outputs), is_a))
        return set(outputs)

    def _signal(self, cell: str, outputs: tuple[int, ...]) -> str:
        """The RTL's name of what a register holds: the one that Yosys chose for the cell, unless it made that up."""
        plain = _FLIP_FLOP.sub("", cell)
        if len(outputs) != 1 or plain == cell:
            return cell
        if _ADDED.search(f"{plain}_"):
            return self.graph.names.get(outputs[0], plain)
        return next((name for name in self._names[outputs[0]] if name.partition("[")[0] == plain), plain)

    def _pad(self, name: str, ports: dict, is_a: Primitive) -> set[int]:
        pad = is_a.pad
        pin, output, enable = (_only(pattern, ports) for pattern in (pad.pin, pad.output, pad.enable))
        made = _bits(pad.input, ports)

        def signal(bit):
            return bit if isinstance(bit, int) else None
        self.graph.pads.append(PadPorts(self._pins.get(pin, name), next(iter(made), None), signal(output),
                                        signal(enable), output is not None and signal(output) is None))
        return set(made)


def read_graph(netlist: Path, top: str) -> Graph:
    """The graph of a netlist.

    Parameters
    ----------
    netlist : Path
        Of Yosys, JSON, flattened and mapped.
    top : str

    Raises
    ------
    ToolError
        For a file of another form, or a cell that is not known.
    """
    try:
        module = json.loads(netlist.read_text())["modules"][top]
        return _Reader(module).read()
    except (ValueError, KeyError) as error:
        raise ToolError(f"{netlist} is no netlist of yosys: {error!r}") from None
