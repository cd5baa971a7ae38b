"""A client of QEMU's gdb stub: as much of the remote protocol as looking at a stopped kernel takes."""

import socket
import subprocess
import tempfile
import time
from pathlib import Path

__all__ = ["Debugger"]

#: Number of pc in the stub's list of AArch64 registers; x0 to x30 come first, then sp.
PROGRAM_COUNTER = 32


class Debugger:
    """QEMU, stopped before its first instruction, with a connection to its gdb stub.

    Parameters
    ----------
    command : list of str
        QEMU and its arguments; those for the stub are added.
    seconds : float
        Longest wait for any answer.
    """

    def __init__(self, command: list[str], seconds: float = 30) -> None:
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name) / "gdb"
        self._process = subprocess.Popen([*command, "-S", "-gdb", f"unix:{path},server=on,wait=off"],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(seconds)
        self._received = b""
        self._stopped_at: int | None = None
        for _ in range(100):
            try:
                self._socket.connect(str(path))
                self._ask("qXfer:features:read:target.xml:0,ff")     # without it the stub reads no single register
                return
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.05)
        self.close()
        raise TimeoutError("QEMU's gdb stub does not answer")

    def __enter__(self) -> "Debugger":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def _byte(self) -> bytes:
        if not self._received:
            self._received = self._socket.recv(65536)
            if not self._received:
                raise ConnectionError("QEMU ended")
        first, self._received = self._received[:1], self._received[1:]
        return first

    def _ask(self, text: str) -> str:
        body = text.encode()
        self._socket.sendall(b"$" + body + b"#%02x" % (sum(body) & 0xff))
        while self._byte() != b"$":
            pass
        answer = b""
        while (byte := self._byte()) != b"#":
            answer += byte
        self._byte(), self._byte()
        self._socket.sendall(b"+")
        return answer.decode()

    def break_at(self, address: int) -> None:
        if self._ask(f"Z1,{address:x},4") != "OK":
            raise RuntimeError(f"no breakpoint at {address:#x}")

    def resume(self) -> int:
        """Run to the next breakpoint and return its address."""
        if self._stopped_at is not None:     # step off it, or it would be met again at once
            self._ask(f"z1,{self._stopped_at:x},4")
            self._ask("s")
            self._ask(f"Z1,{self._stopped_at:x},4")
        answer = self._ask("c")
        if not answer.startswith("T05"):
            raise RuntimeError(f"stopped with {answer!r}")
        self._stopped_at = self.register(PROGRAM_COUNTER)
        return self._stopped_at

    def register(self, number: int) -> int:
        answer = self._ask(f"p{number:x}")
        if len(answer) != 16:
            raise ValueError(f"register {number} reads {answer!r}")
        return int.from_bytes(bytes.fromhex(answer), "little")

    def read(self, address: int, size: int) -> bytes:
        content = b""
        while len(content) < size:
            step = min(1024, size - len(content))
            answer = self._ask(f"m{address + len(content):x},{step:x}")
            if answer.startswith("E"):
                raise ValueError(f"nothing mapped at {address + len(content):#x}")
            content += bytes.fromhex(answer)
        return content
