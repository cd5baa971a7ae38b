"""Sender of XMODEM with CRC and blocks of 1,024 bytes, to the boot ROM.

The protocol is the one that terminal programs have (Forsberg, "XMODEM/YMODEM protocol reference", 1988). What is ours
is how an upload begins and ends: it gets a loader's attention in whatever state it is, and brings back why it refused.
"""

import time
from collections.abc import Callable
from typing import Protocol

__all__ = ["ATTENTION", "NoAnswer", "Port", "Refused", "block", "cancel", "crc16", "send", "summon"]

SOH, STX, EOT, ACK, NAK, CAN, REQUEST = 0x01, 0x02, 0x04, 0x06, 0x15, 0x18, ord("C")
BLOCK = 1024
SHORT_BLOCK = 128
RETRIES = 10
#: Fills up a block that an upload before this one left unfinished, then cancels that upload; to a loader that waits it
#: means "ask again", and during its memory test "do not boot from flash".
ATTENTION = bytes([CAN]) * (BLOCK + 8)
#: Begins the line in which the loader says why it refused.
_REFUSAL = b"boot: refused: "
#: What it says before it enters an image: if the last acknowledgement was lost, this is one.
_SUCCESS = b"boot: entering"


class Port(Protocol):
    """What is used of a serial port."""

    def read(self, size: int) -> bytes: ...

    def write(self, data: bytes) -> int | None: ...


class NoAnswer(Exception):
    """The other side is silent, or talks of something else."""


class Refused(Exception):
    """The loader did not take the image; the text is its reason."""


def crc16(data: bytes) -> int:
    """CRC-16 of XMODEM: polynomial 0x1021, begun with zero."""
    crc = 0
    for byte in data:
        folded = crc >> 8 ^ byte
        folded ^= folded >> 4
        crc = (crc << 8 ^ folded << 12 ^ folded << 5 ^ folded) & 0xffff
    return crc


def block(number: int, data: bytes) -> bytes:
    """A block as it goes over the line; at most 1,024 bytes of data, filled up with zeros."""
    size = SHORT_BLOCK if len(data) <= SHORT_BLOCK else BLOCK
    data = data.ljust(size, b"\0")
    return (bytes([SOH if size == SHORT_BLOCK else STX, number & 0xff, ~number & 0xff]) + data
            + crc16(data).to_bytes(2, "big"))


def _answers(port: Port, seconds: float):
    """Bytes as they come, for `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield from port.read(1)


def summon(port: Port, seconds: float, *, again: float = 2.0,
           heard: Callable[[bytes], None] = lambda text: None) -> None:
    """Make a loader ask for an image, whatever it is doing, and wait until it does.

    Parameters
    ----------
    port : Port
        Its reads return after a fraction of a second.
    seconds : float
        When to give up.
    again : float
        Seconds after which attention is asked for again: a board that boots may hear nothing for a while.
    heard : callable
        Gets what the other side says.

    Raises
    ------
    NoAnswer
        None has asked.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        port.write(ATTENTION)
        ask = min(time.monotonic() + again, deadline)
        last = None
        while time.monotonic() < ask:
            came = port.read(256)
            if came:
                heard(came)
                last = came[-1]
            elif last == REQUEST:
                # And nothing behind it: not a letter of a text.
                return
    raise NoAnswer("no loader asks for an image")


def _refusal(port: Port, seconds: float) -> str:
    """The reason, from what comes behind a cancellation."""
    text = bytearray()
    for byte in _answers(port, seconds):
        text.append(byte)
        start = text.find(_REFUSAL)
        if start >= 0 and b"\r\n" in text[start:]:
            return text[start + len(_REFUSAL):].partition(b"\r\n")[0].decode(errors="replace")
    return "cancelled without a reason"


def _exchange(port: Port, message: bytes, seconds: float, *, or_text: bytes = bytes([ACK])) -> None:
    """Send until it is acknowledged, or the loader says `or_text`."""
    for attempt in range(RETRIES):
        if attempt:
            # What has come by now answers what was sent before.
            port.read(BLOCK)
        port.write(message)
        came = bytearray()
        for byte in _answers(port, seconds):
            came.append(byte)
            if byte == ACK or came.endswith(or_text):
                return
            if byte == NAK:
                break
            if came.endswith(bytes([CAN, CAN])):
                raise Refused(_refusal(port, seconds))
    raise NoAnswer(f"no acknowledgement after {RETRIES} attempts")


def send(port: Port, content: bytes, *, timeout: float = 10.0,
         advance: Callable[[int], None] = lambda count: None) -> None:
    """Send `content` to a loader that asks for it.

    Parameters
    ----------
    timeout : float
        Seconds of silence after which a block is sent again.
    advance : callable
        Called with the number of bytes of each block that has arrived.

    Raises
    ------
    Refused, NoAnswer
    """
    for number, at in enumerate(range(0, len(content), BLOCK), start=1):
        data = content[at:at + BLOCK]
        _exchange(port, block(number, data), timeout)
        advance(len(data))
    _exchange(port, bytes([EOT]), timeout, or_text=_SUCCESS)


def cancel(port: Port) -> None:
    """Tell the loader that nothing more comes."""
    port.write(ATTENTION)
