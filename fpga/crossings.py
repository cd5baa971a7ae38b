"""Clock domains of a netlist, signals that cross them, what stands behind input pads and before output pads, resets.

Nothing is taken from the RTL's word: a synchroniser is what has the structure of one, a flip-flop that nothing but
another one of the same clock follows. docs/datasheet/clocks-and-resets.md has the rules.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sim.toolchain import ToolError

from .graph import Arrival, Graph, Logic, PadPorts, Register
from .pads import PadRules
from .primitives import FLIP_FLOP, PAD_REGISTER

__all__ = ["Crossing", "Domain", "Input", "Output", "Resets", "Review", "check_review", "review"]

#: How a signal is taken in. `TIMED`: its sender has its clock from us. `CLOCK`: as a clock, or by a cell that makes
#: clocks. `PAD`: by an output pad alone.
SYNCHRONISER, TIMED, CLOCK, PAD, UNUSED, UNSAFE = "synchroniser", "timed", "clock", "pad", "unused", "unsafe"
#: How an output is made. Those of the first line are free of glitches.
IN_PAD, DIRECT, INVERTED, CONSTANT = "register in the pad", "flip-flop", "inverted flip-flop", "constant"
LOGIC, FROM_CLOCK, FROM_PAD = "logic", "clock", "input"
#: Names in a list; what is more is counted.
NAMED = 4


@dataclass(frozen=True)
class Domain:
    """A clock, and what it clocks: number by kind, on the rising and on the falling edge."""

    clock: str
    rising: dict[str, int]
    falling: dict[str, int]


@dataclass(frozen=True)
class Crossing:
    """A signal that comes from a register of one clock, without another one between, to registers of another clock.

    Attributes
    ----------
    source, source_clock, clock : str
    registers : tuple of str
        Where it comes to.
    synchroniser : str
        The second flip-flop of one; "" without.
    """

    source: str
    source_clock: str
    clock: str
    registers: tuple[str, ...]
    synchroniser: str


@dataclass(frozen=True)
class Input:
    """A signal that is made outside of all clocks: a pad's, or one of a cell such as the PLL's lock.

    Attributes
    ----------
    pad, how : str
        `how` is one of `SYNCHRONISER`, `TIMED`, `CLOCK`, `PAD`, `UNUSED`, `UNSAFE`.
    clock : str
        Of the registers.
    registers : tuple of str
        The first ones that it comes to.
    cells : int
        Of logic at most, on the way there.
    synchroniser : str
        The second flip-flop.
    why : str
        Of one that is timed: why it needs none.
    """

    pad: str
    how: str
    clock: str = ""
    registers: tuple[str, ...] = ()
    cells: int = 0
    synchroniser: str = ""
    why: str = ""


@dataclass(frozen=True)
class Output:
    """What drives a pad, and its enable ("" where it has none, or a constant one)."""

    pad: str
    how: str
    clock: str = ""
    cells: int = 0
    enable: str = ""


@dataclass(frozen=True)
class Resets:
    """Flip-flops by how the system's reset, the register that resets most of them, comes to them.

    Attributes
    ----------
    signal : str
        Name of that register; "" without any.
    direct, combined, data, other, none : int
        At the reset input, inverted or not; in logic before the reset input; in logic before the data or enable input;
        another signal alone at the reset input; not at all, so that they have the bitstream's first value until they
        are written.
    asynchronous : int
        Those whose reset acts without a clock.
    set_by_bitstream : tuple of str
        Of `none`, those that begin with 1.
    """

    signal: str = ""
    direct: int = 0
    combined: int = 0
    data: int = 0
    other: int = 0
    none: int = 0
    asynchronous: int = 0
    set_by_bitstream: tuple[str, ...] = ()


@dataclass(frozen=True)
class Review:
    """All of that.

    Attributes
    ----------
    contents : dict
        Memories that begin with other contents than zero, and whether they can be written.
    problems : list of str
        A line for each signal that is not safe.
    """

    domains: list[Domain]
    crossings: list[Crossing]
    inputs: list[Input]
    outputs: list[Output]
    resets: Resets
    contents: dict[str, bool]
    problems: list[str] = field(default_factory=list)


def _named(names: Iterable[str]) -> str:
    """Names in a sentence."""
    names = list(names)
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def _unique(arrivals: list[Arrival]) -> list[Register]:
    return list(dict.fromkeys(arrival.register for arrival in arrivals))


def _second(graph: Graph, first: Register) -> Register | None:
    """The flip-flop of the same clock that takes the output of `first`, if nothing else does."""
    loads = graph.loads.get(first.outputs[0], []) if len(first.outputs) == 1 else []
    match loads:
        case [Register() as second] if (second.what == FLIP_FLOP and second.edge == first.edge
                                        and second.inputs[first.outputs[0]] in ("DI", "D")):
            return second
    return None


def _synchroniser(graph: Graph, arrivals: list[Arrival]) -> tuple[Register | None, str]:
    """The second flip-flop of the synchroniser that a signal comes to, or what is wrong, in words behind its name."""
    registers = _unique(arrivals)
    if len(registers) > 1:
        return None, f"goes to {len(registers)} registers without a synchroniser: {_named(r.name for r in registers)}"
    first = registers[0]
    if first.what not in (FLIP_FLOP, PAD_REGISTER):
        return None, f"goes to {first.name} ({first.what}) without a synchroniser"
    for arrival in arrivals:
        if arrival.port not in ("DI", "D"):
            means = "reset" if first.primitive.reset in arrival.port.split("+") else "enable"
            return None, f"is {means} of {first.name} without a synchroniser"
    if any(arrival.mixed for arrival in arrivals):
        return None, f"goes through logic with other signals to {first.name}"
    second = _second(graph, first)
    return second, "" if second else f"goes to {first.name}, which no second flip-flop follows alone"


class _Reviewer:
    def __init__(self, graph: Graph, rules: PadRules):
        self.graph, self.rules = graph, rules
        self.problems: list[str] = []
        self._pad_of = {pad.input: pad.name for pad in graph.pads if pad.input is not None}

    def root(self, clock: int) -> int:
        """`clock` before its buffers."""
        while clock in self.graph.buffers:
            clock = self.graph.buffers[clock]
        return clock

    def clock(self, bit: int) -> str:
        """Name of a clock."""
        bit = self.root(bit)
        return self.graph.clocks.get(bit) or self._pad_of.get(bit) or self.graph.names.get(bit, f"net {bit}")

    def domains(self) -> list[Domain]:
        counts: dict[int, dict[bool, Counter]] = {}
        cells: dict[str, set[int]] = {}
        for register in self.graph.registers:
            root = self.root(register.clock)
            counts.setdefault(root, {False: Counter(), True: Counter()})[register.falling][register.what] += 1
            cells.setdefault(register.cell, set()).add(root)
        for cell, roots in cells.items():
            if len(roots) > 1:
                clocks = _named(sorted(map(self.clock, roots)))
                self.problems.append(f"memory {cell} has ports of different clocks: {clocks}")
        for root in counts:
            if isinstance(cell := self.graph.driver.get(root), Logic):
                self.problems.append(f"clock {self.clock(root)} comes out of logic ({cell.cell})")
        found = [Domain(self.clock(root), dict(edges[False]), dict(edges[True])) for root, edges in counts.items()]
        return sorted(found, key=lambda domain: (-sum(domain.rising.values()), domain.clock))

    def crossings(self) -> list[Crossing]:
        graph = self.graph
        sources: dict[int, list[int]] = {}
        for register in graph.registers:
            sources.setdefault(self.root(register.clock), []).extend(register.outputs)
        found = []
        for root, bits in sources.items():
            foreign = [arrival for arrival in graph.arrivals(bits) if self.root(arrival.register.clock) != root]
            origins = dict.fromkeys(
                origin for arrival in foreign for bit, port in arrival.register.inputs.items() if port == arrival.port
                for origin in graph.origins(bit)
                if (holder := graph.holder(origin)) and self.root(holder.clock) == root)
            for origin in origins:
                arrivals = [arrival for arrival in graph.arrivals([origin])
                            if self.root(arrival.register.clock) != root]
                for target in dict.fromkeys(self.root(arrival.register.clock) for arrival in arrivals):
                    found.append(self._crossing(origin, root, target, [
                        arrival for arrival in arrivals if self.root(arrival.register.clock) == target]))
        return found

    def _crossing(self, origin: int, root: int, target: int, arrivals: list[Arrival]) -> Crossing:
        source = self.graph.holder(origin)
        second, wrong = _synchroniser(self.graph, arrivals)
        if wrong:
            self.problems.append(f"{source.name} ({self.clock(root)} to {self.clock(target)}) {wrong}")
        return Crossing(source.name, self.clock(root), self.clock(target),
                        tuple(register.name for register in _unique(arrivals)), second.name if second else "")

    def inputs(self) -> list[Input]:
        signals = [(pad.input, pad.name, "input") for pad in self.graph.pads if pad.input is not None]
        signals += [(bit, name, "signal") for bit, name in self.graph.asynchronous.items() if self.graph.loads.get(bit)]
        clocks = {self.root(register.clock) for register in self.graph.registers}
        return [self._input(bit, name, word, bit in clocks) for bit, name, word in signals]

    def _input(self, bit: int, name: str, word: str, is_clock: bool) -> Input:
        arrivals = self.graph.arrivals([bit])
        registers = _unique(arrivals)
        if not registers:
            behind = {bit for bit, *_ in self.graph.following([bit])}
            at_pad = any(isinstance(load, PadPorts) for bit in behind for load in self.graph.loads.get(bit, ()))
            return Input(name, CLOCK if is_clock or behind & self.graph.makers else PAD if at_pad else UNUSED)
        names = tuple(register.name for register in registers)
        clocks = list(dict.fromkeys(self.clock(register.clock) for register in registers))
        cells = max(arrival.cells for arrival in arrivals)
        timed = self.rules.timed_by(name)
        if timed:
            wrong = ""
            if len({register.edge for register in registers}) > 1:
                wrong = f"goes to registers of different clocks or edges: {_named(names)}"
            elif timed.in_pad and [register.what for register in registers] != [PAD_REGISTER]:
                wrong = f"does not go to one register in its pad, but to {_named(names)}"
            second = None
        else:
            second, wrong = _synchroniser(self.graph, arrivals)
        if wrong:
            self.problems.append(f"{word} {name} {wrong}")
        return Input(name, UNSAFE if wrong else TIMED if timed else SYNCHRONISER, " ".join(clocks), names, cells,
                     second.name if second else "", timed.why if timed and not wrong else "")

    def outputs(self) -> list[Output]:
        found = []
        for pad in self.graph.pads:
            if pad.output is None and not pad.constant:
                continue
            how, clock, cells = self._made(pad.output)
            enable = self._made(pad.enable)[0] if pad.enable is not None else ""
            if self.rules.is_steady(pad.name):
                for what, made in (("output", how), ("enable of output", enable)):
                    if made in (LOGIC, FROM_CLOCK, FROM_PAD):
                        self.problems.append(f"{what} {pad.name} comes out of {made} and not of a flip-flop")
            found.append(Output(pad.name, how, clock, cells, enable))
        return found

    def _made(self, bit: int | None) -> tuple[str, str, int]:
        """How a signal is made, its clock, cells of logic behind the registers."""
        graph = self.graph
        if bit is None:
            return CONSTANT, "", 0
        if isinstance(graph.driver.get(bit), Register):
            register = graph.driver[bit]
            return (IN_PAD if register.what == PAD_REGISTER else DIRECT), self.clock(register.clock), 0
        if bit in graph.clocks or bit in {register.clock for register in graph.registers}:
            return FROM_CLOCK, self.clock(bit), 0
        if bit in self._pad_of:
            return FROM_PAD, "", 0
        origins = graph.origins(bit)
        clocks = dict.fromkeys(self.clock(holder.clock) for origin in origins if (holder := graph.holder(origin)))
        [*first] = origins
        alone = len(first) == 1 and isinstance(graph.driver.get(first[0]), Register) and not any(
            mixed for behind, _, mixed in graph.following(first) if behind == bit)
        return (INVERTED if alone else LOGIC), " ".join(clocks), max(origins.values())

    def _register_before(self, bit: int) -> Register | None:
        """The register that `bit` comes out of, directly or inverted."""
        cell = self.graph.driver.get(bit)
        while isinstance(cell, Logic) and len(set(cell.inputs)) == 1:
            cell = self.graph.driver.get(cell.inputs[0])
        return cell if isinstance(cell, Register) else None

    def resets(self) -> Resets:
        flip_flops = [register for register in self.graph.registers if register.primitive.reset or
                      register.what in (FLIP_FLOP, PAD_REGISTER)]

        def reset_of(register):
            port = register.primitive.reset
            return next((bit for bit, ports in register.inputs.items() if port in ports.split("+")), None)
        asynchronous = 0
        direct = Counter()
        for register in flip_flops:
            bit = reset_of(register)
            if bit is None:
                continue
            if before := self._register_before(bit):
                direct[before] += 1
            if register.primitive.asynchronous_reset:
                asynchronous += 1
                if self._made(bit)[0] == LOGIC:
                    self.problems.append(f"asynchronous reset of {register.name} comes out of logic "
                                         f"({self.graph.names.get(bit)})")
        if not direct:
            signal, system = "", set()
        else:
            (best, _), = direct.most_common(1)
            signal, system = best.name, {bit for bit, *_ in self.graph.following(best.outputs)}
        kinds, ones = Counter(), []
        for register in flip_flops:
            bit = reset_of(register)
            if bit is not None and bit in system:
                kinds["direct" if self._register_before(bit) else "combined"] += 1
            elif any(before in system for before in register.inputs):
                kinds["data"] += 1
            elif bit is not None:
                kinds["other"] += 1
            else:
                kinds["none"] += 1
                if register.primitive.reset_value == "SET":
                    ones.append(register.name)
        return Resets(signal, asynchronous=asynchronous, set_by_bitstream=tuple(sorted(ones)), **kinds)


def review(graph: Graph, rules: PadRules) -> Review:
    """Look at all of it.

    Parameters
    ----------
    graph : Graph
    rules : PadRules
        Of the board: inputs that are timed by a clock of ours, outputs that have to be free of glitches.
    """
    reviewer = _Reviewer(graph, rules)
    domains, crossings, inputs = reviewer.domains(), reviewer.crossings(), reviewer.inputs()
    outputs, resets = reviewer.outputs(), reviewer.resets()
    return Review(domains, crossings, inputs, outputs, resets, dict(graph.contents), reviewer.problems)


def check_review(found: Review) -> None:
    """Raises ToolError, with the first problem, if there are any."""
    if found.problems:
        rest = len(found.problems) - 1
        raise ToolError(found.problems[0] + (f" (and {rest} more such signals)" if rest else ""))
