"""OpenOCD and GDB debug a program on the RTL, as a user would."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sim import debug, toolchain
from sim.bare_metal import build_program
from sim.model import build_model
from sim.toolchain import ROOT, ToolError
from soc.config import SocConfig

PROGRAMS = Path(__file__).parent / "programs"
#: Unoptimised, and without compressed instructions: OpenOCD 0.12 does not see which watchpoint such a store hits.
FLAGS = ("-g", "-O0", "-mcpu=generic_rv64+m+a+zicsr+zifencei")


@pytest.fixture(scope="module")
def model():
    return build_model(SocConfig(debug=True), quiet=True)


@pytest.fixture(scope="module")
def session(model, tmp_path_factory):
    """Runs `python -m sim.debug` with GDB commands: output and exit code."""
    try:
        debug.ensure_installed()
    except ToolError as error:
        pytest.skip(str(error))
    program = build_program([PROGRAMS / "debuggee.c"], flags=FLAGS)
    commands = tmp_path_factory.mktemp("gdb") / "commands"

    def run(text):
        commands.write_text(text)
        done = subprocess.run([sys.executable, "-m", "sim.debug", "--commands", commands, program], cwd=ROOT,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)
        return done.stdout, done.stderr, done.returncode
    return run


def test_source_level_session(session):
    output, errors, code = session("""\
        printf "start %lx\\n", $pc
        break add
        continue
        printf "number %d total %d\\n", number, total
        backtrace 2
        info registers mhartid
        stepi
        stepi
        x/i $pc
        finish
        print total
        delete

        watch total
        continue
        delete

        hbreak add
        hbreak *0x80000000
        continue
        printf "hardware %d\\n", number
        delete

        print bytes
        set var bytes[2] = 0x55
        set var total = 100
        set var $a0 = 0x1122334455667788
        print bytes
        printf "a0 %lx total %d mstatus %lx\\n", $a0, total, $mstatus
        set var $a0 = number
        x/2xw bytes
        continue
    """)
    lines = output.splitlines()
    assert code == 100 + sum(range(3, 11)), output + errors
    wanted = [
        r"start 80000000",
        r"Breakpoint 1, add \(number=1\)",
        r"number 1 total 0",
        r"#0  add \(number=1\)",
        r"#1  0x[0-9a-f]+ in begin \(\)",
        r"mhartid +0x0",
        r"Value returned is \$1 = 1",
        r"\$2 = 1",
        r"Hardware watchpoint 2: total",
        r"Old value = 1",
        r"New value = 3",
        r"Breakpoint 3, add \(number=3\)",
        r"hardware 3",
        r'\$3 = "\\001\\002\\003\\004\\005\\006\\a\\b"',
        r'\$4 = "\\001\\002U\\004\\005\\006\\a\\b"',
        r"a0 1122334455667788 total 100 mstatus a00000000",
        r"0x04550201\s+0x08070605",
    ]
    for pattern in wanted:
        while lines and not re.search(pattern, lines[0]):
            lines.pop(0)
        assert lines, f"no {pattern!r} in its place in\n{output}{errors}"


def test_ebreak_of_the_program_stops_it(session):
    """In place of the call of add stands an ebreak that no debugger put there."""
    output, errors, _ = session("""\
        set var *(unsigned *)&add = 0x00100073
        continue
        printf "stopped in add %d\\n", $pc == &add
        set var $pc = $pc + 4
        kill
    """)
    assert "Program received signal SIGTRAP" in output and "stopped in add 1" in output, output + errors


def test_reset_by_the_debugger(session):
    output, errors, _ = session("""\
        tbreak add
        continue
        monitor reset halt
        maintenance flush register-cache
        printf "reset %lx %d\\n", $pc, $mcause
        tbreak add
        continue
        printf "again %d\\n", number
        kill
    """)
    assert "reset 1000 0" in output and "again 1" in output, output + errors


# ---- bad input

def test_missing_programs_without_root(monkeypatch):
    monkeypatch.setattr(toolchain.shutil, "which", lambda name: None)
    monkeypatch.setattr(toolchain.os, "geteuid", lambda: 1000)
    with pytest.raises(ToolError) as caught:
        debug.ensure_installed()
    assert caught.value.message == ("openocd and gdb-multiarch are not installed; type: sudo apt-get install -y "
                                    "--no-install-recommends openocd gdb-multiarch")


def test_port_in_use(model):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = subprocess.run([model, "--jtag", str(port)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, f"veridian: cannot listen on port {port}: Address already in use\n")


@pytest.mark.parametrize("port, message", [
    ("65536", "--jtag wants a port number, at most 65535"),
    ("usb", "--jtag wants a non-negative integer, not 'usb'"),
])
def test_port_that_is_none(model, port, message):
    done = subprocess.run([model, "--jtag", port], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, f"veridian: {message}\n")


def test_model_without_debug():
    done = subprocess.run([build_model(SocConfig()), "--jtag", "0"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, "veridian: this model was built without debug\n")


@pytest.mark.parametrize("module, arguments, message", [
    ("sim.debug", ["missing.elf"], "cannot read 'missing.elf': No such file or directory"),
    ("sim.debug", ["--commands", "missing", "missing.elf"], "cannot read 'missing'"),
    ("sim.boot", ["--target", "qemu-riscv64", "--jtag", "0"],
     "--jtag is for the targets on the RTL, not for qemu-riscv64"),
])
def test_bad_command_lines(module, arguments, message):
    done = subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True,
                          timeout=60)
    assert (done.returncode, done.stderr) == (2, f"veridian: {message}\n")


def test_run_elf_waits_for_a_debugger(model):
    """And Ctrl-C ends the wait."""
    program = build_program([PROGRAMS / "ends.S"], flags=("-DTOHOST_VALUE=3",))
    command = [sys.executable, "-m", "sim.run_elf", "--quiet", "--jtag", "0", program]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            line = process.stderr.readline()
            assert re.fullmatch(r"veridian: waiting for a debugger at port \d+\n", line)
            port = int(line.split()[-1])
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                connection.sendall(b"R")
                assert connection.recv(1) in b"01"
            assert process.poll() is None
        finally:
            process.send_signal(2)
            errors = process.stderr.read()
    assert (process.wait(), errors) == (130, "veridian: interrupted\n")
