"""The serial line to a board, and a console on it."""

import os
import selectors
import sys
import termios
import tty
from contextlib import contextmanager

import serial

from sim.toolchain import ToolError

__all__ = ["ESCAPE", "open_port", "run_terminal"]

#: Ctrl-]: ends the console.
ESCAPE = 0x1d
#: Seconds after which a read returns what there is.
READ_SECONDS = 0.05


@contextmanager
def open_port(name: str, baud: int):
    """The serial port `name`; errors while it is open are one line too.

    Raises
    ------
    ToolError
        With exit code 2.
    """
    try:
        port = serial.serial_for_url(name, baudrate=baud, timeout=READ_SECONDS)
    except (serial.SerialException, ValueError, OSError) as error:
        reason = os.strerror(error.errno) if isinstance(getattr(error, "errno", None), int) else str(error)
        raise ToolError(f"cannot open '{name}': {reason}", 2) from None
    try:
        with port:
            yield port
    except serial.SerialException as error:
        raise ToolError(f"the line '{name}' is gone: {error}", 2) from None


@contextmanager
def _raw(stream):
    """Keys as they are pressed, while it is a terminal."""
    if not stream.isatty():
        yield
        return
    before = termios.tcgetattr(stream)
    tty.setraw(stream)
    try:
        yield
    finally:
        termios.tcsetattr(stream, termios.TCSADRAIN, before)


def run_terminal(port, keys, screen) -> None:
    """Keys to the port and its bytes to the screen, until Ctrl-] or the end of `keys`.

    Parameters
    ----------
    port : serial.Serial
    keys : text file
        Has a file descriptor; usually stdin.
    screen : binary file
    """
    if keys.isatty():
        print("veridian: console; Ctrl-] ends it", file=sys.stderr)
    with _raw(keys), selectors.DefaultSelector() as selector:
        selector.register(keys, selectors.EVENT_READ)
        selector.register(port, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is port:
                    screen.write(port.read(max(1, port.in_waiting)))
                    screen.flush()
                    continue
                typed = os.read(keys.fileno(), 256)
                before, escape, _ = typed.partition(bytes([ESCAPE]))
                port.write(before)
                if escape or not typed:
                    return
