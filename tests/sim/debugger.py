"""A debugger for tests: JTAG over TCP to a simulated SoC, and the debug module behind it."""

import re
import socket
import subprocess
from contextlib import contextmanager

from hw.core.isa import DebugCsr
from hw.debug import park
from hw.debug.registers import CommandError, ModuleAddress
from sim.elf import load_program
from sim.run_elf import host_arguments
from tests.hw.debug.driver import JtagProbe, access_register

__all__ = ["CommandFailed", "Debugger", "REGISTERS", "simulation"]

REGISTERS = {name: number for number, name in enumerate(
    "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6".split())}
#: Seconds after which the simulation is taken for dead.
PATIENCE = 120


class CommandFailed(Exception):
    """An abstract command ended with this error."""


class RemoteProbe(JtagProbe):
    """Sends whole scans at once. Its coroutines never wait, so that they run to their end in one go."""

    def __init__(self, port):
        super().__init__(None, None)
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)

    async def clocks(self, levels):
        commands = "".join(f"{tms << 1 | tdi}R{4 | tms << 1 | tdi}" for tms, tdi in levels) + "0"
        self._socket.sendall(commands.encode())
        answer = b""
        while len(answer) < len(levels):
            chunk = self._socket.recv(4096)
            if not chunk:
                raise ConnectionError("the simulation has gone")
            answer += chunk
        return int(answer[::-1], 2)

    def close(self):
        self._socket.close()


def drive(coroutine):
    """Result of a coroutine that does not wait."""
    try:
        coroutine.send(None)
    except StopIteration as ending:
        return ending.value
    raise AssertionError("it waits")


class Debugger:
    """Halts, steps and resumes hart 0; reads and writes what it has.

    Attributes
    ----------
    symbols : dict of str to int
        Of the program.
    process : Popen
        The simulation.
    """

    def __init__(self, port, symbols, process):
        self.symbols, self.process = symbols, process
        self.probe = RemoteProbe(port)
        drive(self.probe.reset())
        drive(self.probe.write(ModuleAddress.DMCONTROL, 0))
        drive(self.probe.control())

    def status(self):
        return drive(self.probe.status())

    def control(self, **fields):
        drive(self.probe.control(**fields))

    def halt(self):
        drive(self.probe.halt())

    def wait(self):
        """Until it has halted by itself."""
        drive(self.probe.until(lambda status: status.allhalted))

    def resume(self):
        drive(self.probe.resume())

    def execute(self, command):
        if (error := drive(self.probe.execute(command))) != CommandError.NONE:
            raise CommandFailed(CommandError(error).name)

    # ---- registers and memory

    def read(self, name):
        """A register by name or, for a CSR, by :class:`CsrAddress` or number."""
        self.execute(access_register(0x1000 + REGISTERS[name] if isinstance(name, str) else name))
        return drive(self.probe.data())

    def write(self, name, value):
        drive(self.probe.set_data(value))
        self.execute(access_register(0x1000 + REGISTERS[name] if isinstance(name, str) else name, write=True))

    def run(self, *instructions):
        """Execute at most two instructions in the program buffer."""
        for index, word in enumerate((*instructions, park.EBREAK)[:2]):
            drive(self.probe.write(ModuleAddress.PROGBUF0 + index, word))
        self.execute(access_register(0, transfer=False, postexec=True))

    def load(self, address):
        """64 bits of memory; the program's a6 is lost."""
        self.write("a6", address)
        self.run(park.load(REGISTERS["a6"], 3, 0, REGISTERS["a6"]))
        return self.read("a6")

    def store(self, address, value):
        """64 bits; a6 and a7 are lost."""
        self.write("a6", address)
        self.write("a7", value)
        self.run(park.store(REGISTERS["a7"], 3, 0) | REGISTERS["a6"] << 15)

    # ---- where the program is

    @property
    def pc(self):
        return self.read(DebugCsr.DPC)

    @property
    def cause(self):
        return self.read(DebugCsr.DCSR) >> 6 & 7

    def at(self, symbol):
        """The hart stands at this symbol."""
        there = {address: name for name, address in self.symbols.items()}
        pc = self.pc
        assert pc == self.symbols[symbol], f"at {pc:#x} {there.get(pc, '')}"
        return True

    def goto(self, symbol, **registers):
        """Go on at `symbol` at the next resume, with these registers."""
        for name, value in registers.items():
            self.write(name, value)
        self.write(DebugCsr.DPC, self.symbols[symbol])

    def dcsr(self, *, step=0, stepie=0, ebreaks=0, privilege=3):
        """Write dcsr; `ebreaks` is the mask of ebreaku, ebreaks and ebreakm by privilege: 1, 2, 8."""
        self.write(DebugCsr.DCSR, privilege | step << 2 | stepie << 11 | ebreaks << 12)

    def step(self, **fields):
        self.dcsr(step=1, **fields)
        self.resume()
        self.wait()


@contextmanager
def simulation(model, program, *arguments):
    """A :class:`Debugger` of `program` (an ELF file) on the simulation `model`, halted at reset."""
    elf = load_program(program)
    with host_arguments(elf) as images:
        command = [model, "--quiet", *images, "--jtag", "0", *arguments]
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
            try:
                line = process.stderr.readline()
                port = re.fullmatch(r"veridian: waiting for a debugger at port (\d+)\n", line)
                assert port, line
                debugger = Debugger(int(port[1]), elf.symbols, process)
                try:
                    yield debugger
                finally:
                    debugger.probe.close()
            finally:
                process.terminate()
                process.wait(PATIENCE)
