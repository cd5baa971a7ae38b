"""The serial line to a board, and a console on it."""

import io
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
    except (serial.SerialException, termios.error) as error:
        raise ToolError(f"the line '{name}' is gone: {error}", 2) from None


def _file_of(port) -> int | None:
    """The port's file descriptor; some URLs (rfc2217://, loop://) have none."""
    try:
        return port.fileno()
    except io.UnsupportedOperation:
        return None


def _come(port) -> bytes:
    """What has come; at least one byte, or what there is after the port's timeout."""
    try:
        count = port.in_waiting
    except OSError as error:
        # Of a device that was pulled out pyserial lets this one through.
        raise serial.SerialException(error.strerror or str(error)) from None
    return port.read(max(1, count))


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
    # Not epoll, which refuses files: keys may come from one, or from /dev/null.
    with _raw(keys), selectors.PollSelector() as selector:
        selector.register(keys, selectors.EVENT_READ)
        if waits := _file_of(port) is not None:
            selector.register(port, selectors.EVENT_READ)
        while True:
            ready = [key.fileobj for key, _ in selector.select(None if waits else 0)]
            # Without a descriptor the read's timeout is what waits.
            if port in ready or not waits:
                screen.write(_come(port))
                screen.flush()
            if keys in ready:
                typed = os.read(keys.fileno(), 256)
                before, escape, _ = typed.partition(bytes([ESCAPE]))
                port.write(before)
                if escape or not typed:
                    return
