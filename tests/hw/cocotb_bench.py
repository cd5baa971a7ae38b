"""Run cocotb benches of Amaranth components on Verilator or Icarus Verilog, or on their netlists, from pytest.

    from tests.hw.cocotb_bench import model_of, run, testcases

    BENCH = "tests.hw.counter.counter_bench"            # a module with @cocotb.test() coroutines and component()

    @pytest.mark.parametrize("testcase", testcases(BENCH))
    def test_counter(testcase):
        run(model_of(BENCH), BENCH, testcase)

In the bench the ports of the component are flat: member `issue.valid` of interface `port` is `dut.port_issue_valid`;
clock and reset are `dut.clk` and `dut.rst`. A model is built once for each content of its Verilog and kept under
`build/cocotb`; tests that run in parallel share it. docs/tutorials/bench.md shows a whole one.
"""

import ast
import functools
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

from amaranth.hdl._ir import PortDirection

from soc.verilog import flat_ports
from tests.hw.simulators import SIMULATORS

__all__ = ["BenchFailure", "LIMIT_US", "Model", "build", "model_of", "run", "seed_of_run", "testcases"]

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "cocotb"
#: Simulated time that a test may take if it names no limit itself: a million cycles of the benches' clock.
LIMIT_US = 10_000
#: Wall-clock time of one call of :func:`run`, in seconds.
LIMIT_SECONDS = 540
#: How `timeout` of the coreutils says that it has ended the command: by its exit code, or by the signal that it then
#: sends to itself as well when the command does not end.
_TIMED_OUT = (124, 137, -9)


class BenchFailure(AssertionError):
    """A cocotb test failed; the message holds the end of its log."""


@dataclass(frozen=True)
class Model:
    """A built simulation.

    Attributes
    ----------
    name : str
        Of its Verilog module.
    folder : pathlib.Path
        Where it lies.
    trace : bool
        Whether it can record.
    simulator : str
    inputs : tuple of str
        Ports that the bench drives, the clock aside.
    """

    name: str
    folder: Path
    trace: bool
    simulator: str
    inputs: tuple[str, ...]


def build(component, *, name, trace=False, simulator="verilator", alter=lambda sources: sources):
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
    alter : callable
        For planted faults: from the Verilog texts by file name to those that are built.
    """
    tool = SIMULATORS[simulator]
    ports = flat_ports(component)
    sources = alter(tool.sources(component, name))
    if tool.control:
        sources = {"public.vlt": tool.control(name, ["clk", "rst", *ports]), **sources}
    options = tool.options(trace)
    identity = sha256("\0".join([*sources.values(), *options, tool.version(), metadata.version("cocotb"), simulator,
                                 str(trace)]).encode()).hexdigest()[:16]
    inputs = tuple(port for port, (_, direction) in ports.items() if direction == PortDirection.Input)
    model = Model(name, BUILD / name / identity, trace, simulator, ("rst", *inputs))
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


def model_of(bench, *, simulator="verilator", trace=False, environment=None):
    """The model that a bench is about, built once.

    It is what `component()` returns, in the bench or in `driver.py` beside it, under the `environment` that the bench
    will run in; its class names it.
    """
    return _model_of(bench, simulator, trace, tuple(sorted((environment or {}).items())))


@functools.cache
def _model_of(bench, simulator, trace, environment):
    modules = bench, f"{bench.rpartition('.')[0]}.driver"
    with mock.patch.dict(os.environ, {key: str(value) for key, value in environment}):
        for module in filter(importlib.util.find_spec, modules):
            make = getattr(importlib.import_module(module), "component", None)
            if make is not None:
                component = make()
                name = re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", type(component).__name__).lower()
                return build(component, name=name, trace=trace, simulator=simulator)
    raise ValueError(f"Neither of {' and '.join(modules)} has a function component()")


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
    variables = {"COCOTB_ANSI_OUTPUT": "0", "BENCH_LIMIT_US": str(limit_us),
                 "BENCH_INPUTS": " ".join(model.inputs), **settings}
    path = [str(ROOT), *(entry for entry in sys.path if entry != str(ROOT))]
    reason = None
    try:
        with mock.patch.object(sys, "path", path), \
                mock.patch.dict(os.environ, SIM_CMD_PREFIX=f"timeout -k 5 {limit_seconds}"):
            results = tool.runner().test(
                test_module=f"tests.hw.bench_start,{bench}", hdl_toplevel=model.name, hdl_toplevel_lang="verilog",
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
        raise BenchFailure(f"{bench}: {reason or ', '.join(failed) or 'no test ran'}\n"
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
    return f"seed {seed}; again with a waveform: make wave TEST={name}.{test} SEED={seed}{more}"


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
