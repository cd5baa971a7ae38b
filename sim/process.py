"""Runs one child process whose console the user watches, and ends it whatever happens."""

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["EXIT_INTERRUPTED", "EXIT_TIMEOUT", "Finished", "watch"]

#: As a shell reports a process that SIGINT ended.
EXIT_INTERRUPTED = 130
#: As `timeout` of coreutils.
EXIT_TIMEOUT = 124


@dataclass(frozen=True)
class Finished:
    """How a child ended. `code` is its exit code, or one of the two constants when we ended it."""

    code: int
    output: str


def _end(process: subprocess.Popen) -> None:
    """Ask politely, then insist."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def watch(command: list[str | Path], *, timeout: float | None = None, echo: bool = True,
          on_line: Callable[[str], None] = lambda line: None, interactive: bool = False,
          keys: int | None = None) -> Finished:
    """Run `command`, show its stdout as it comes, and collect it.

    Parameters
    ----------
    command : list
        Program and arguments; stderr is ours.
    timeout : float, optional
        Seconds after which it is ended.
    echo : bool
        Pass the output on to our stdout.
    on_line : callable
        Called with each whole line (without its end).
    interactive : bool
        The child reads our stdin; otherwise it reads nothing.
    keys : int, optional
        File descriptor that it reads instead.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    output = bytearray()
    line_start = 0
    source = keys if keys is not None else None if interactive else subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=source, stdout=subprocess.PIPE)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while True:
                remaining = None if deadline is None else deadline - time.monotonic()
                if remaining is not None and remaining <= 0:
                    return Finished(EXIT_TIMEOUT, output.decode(errors="replace"))
                if not selector.select(remaining):
                    continue
                chunk = os.read(process.stdout.fileno(), 65536)
                if not chunk:
                    break
                if echo:
                    sys.stdout.buffer.write(chunk)
                    sys.stdout.buffer.flush()
                output += chunk
                while (end := output.find(b"\n", line_start)) >= 0:
                    on_line(output[line_start:end].decode(errors="replace").rstrip("\r"))
                    line_start = end + 1
        return Finished(process.wait(), output.decode(errors="replace"))
    except KeyboardInterrupt:
        return Finished(EXIT_INTERRUPTED, output.decode(errors="replace"))
    finally:
        _end(process)
        process.stdout.close()
