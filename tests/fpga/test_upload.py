"""The upload tool against a pseudo-terminal: its errors, and a loader that is a few lines of Python."""

import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
import tty
from contextlib import contextmanager

import pytest

from fpga import xmodem
from sim.toolchain import ROOT
from soc.image import Image, Segment, pack

CONTENT = pack(Image((Segment(0x8000_0000, bytes(range(256)) * 12),), 0x8000_0000))
ACK, NAK, CAN, EOT = bytes([xmodem.ACK]), bytes([xmodem.NAK]), bytes([xmodem.CAN]), bytes([xmodem.EOT])


def command(*arguments):
    return [sys.executable, "-m", "fpga.upload", *map(str, arguments)]


def run(*arguments, **options):
    return subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=60, **options)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image"
    path.write_bytes(CONTENT)
    return path


class Board:
    """The far end of the line."""

    def __init__(self, master):
        self.master = master

    def read(self, count):
        data = b""
        while len(data) < count:
            data += os.read(self.master, count - len(data))
        return data

    def write(self, data):
        os.write(self.master, data)

    def ask(self):
        """Swallow what gets attention, and ask for an image."""
        self.read(len(xmodem.ATTENTION))
        self.write(b"boot: send an image by XMODEM\r\nC")

    def block(self):
        """Contents of the next block, which must be right."""
        head = self.read(3)
        size = {xmodem.SOH: xmodem.SHORT_BLOCK, xmodem.STX: xmodem.BLOCK}[head[0]]
        data = self.read(size)
        assert head[1] ^ head[2] == 0xff
        assert int.from_bytes(self.read(2), "big") == xmodem.crc16(data)
        return head[1], data


@contextmanager
def board(behaviour):
    """Runs ``behaviour(board)`` beside the test; yields the name of the port."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    failures = []

    def body():
        try:
            behaviour(Board(master))
        except OSError:
            pass
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    try:
        yield os.ttyname(slave)
        thread.join(20)
        assert not failures, failures
    finally:
        os.close(slave)
        os.close(master)


def test_crc():
    assert xmodem.crc16(b"123456789") == 0x31c3


def test_upload_and_console(image):
    """Blocks that are not acknowledged, or refused once, come again; what the board says then is shown."""
    received = bytearray()

    def behaviour(line):
        line.ask()
        for number in range(1, -(-len(CONTENT) // xmodem.BLOCK) + 1):
            if number == 2:
                line.block()
                line.write(NAK)
            got, data = line.block()
            assert got == number
            received.extend(data)
            line.write(ACK)
        assert line.read(1) == EOT
        line.write(ACK + b"boot: entering 80000000\r\nhello\r\n")
        assert line.read(3) == b"key"
        line.write(b"end\r\n")

    with board(behaviour) as port:
        process = subprocess.Popen(command(port, image, "--console"), cwd=ROOT, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write(b"key")
        process.stdin.flush()
        shown = b""
        while b"end\r\n" not in shown:
            assert (more := os.read(process.stdout.fileno(), 100)), process.communicate()
            shown += more
        process.stdin.write(b"\x1d")
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, shown) == (0, b"boot: entering 80000000\r\nhello\r\nend\r\n")
    assert f"veridian: {len(CONTENT)} bytes uploaded" in errors.decode()
    assert bytes(received[:len(CONTENT)]) == CONTENT


def test_console_with_keys_from_a_file(tmp_path):
    """Or from /dev/null, as when it runs without a terminal: the end of the file ends the console."""
    keys = tmp_path / "keys"
    keys.write_bytes(b"key")
    heard = bytearray()
    with board(lambda line: heard.extend(line.read(3))) as port:
        for path in (os.devnull, keys):
            with open(path) as stdin:
                done = run(port, "--console", stdin=stdin)
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert heard == b"key"


def test_console_on_a_port_without_a_descriptor():
    done = run("loop://", "--console", input="key")
    assert (done.returncode, done.stderr) == (0, "")


def test_console_whose_line_goes():
    """An adapter that is pulled out, a simulation that ends."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    port = os.ttyname(slave)
    process = subprocess.Popen(command(port, "--console"), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    # Opening the port drops what came before.
    while not select.select([process.stdout], [], [], 0.1)[0]:
        assert process.poll() is None
        os.write(master, b"hello")
    os.close(slave)
    os.close(master)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert errors.startswith(f"veridian: the line '{port}' is gone: ") and errors.count("\n") == 1


def test_refused(image):
    def behaviour(line):
        line.ask()
        line.block()
        line.write(CAN + CAN + b"boot: refused: checksum of the header\r\nboot: send an image by XMODEM\r\nC")

    with board(behaviour) as port:
        done = run(port, image, "--quiet")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "veridian: the loader refused the image: checksum of the header\n"


def test_silence(image):
    with board(lambda line: None) as port:
        done = run(port, image, "--quiet", "--wait", "0.5")
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr == (f"veridian: no loader answers at '{port}' within 0.5 s; reset the board, look at "
                               "--baud\n")


def test_loader_that_stops_answering(image):
    def behaviour(line):
        line.ask()
        line.block()
        line.write(ACK)

    with board(behaviour) as port:
        done = run(port, image, "--quiet", "--timeout", "0.1")
        assert done.returncode == 3
        assert done.stderr == (f"veridian: the loader at '{port}' stopped answering: no acknowledgement after "
                               "10 attempts\n")


def test_interrupt_cancels(image):
    """Ctrl-C: the loader is told, and waits again."""
    heard = bytearray()

    def behaviour(line):
        line.ask()
        line.block()
        line.write(ACK)
        while CAN * 8 not in heard:
            heard.extend(line.read(1))

    with board(behaviour) as port:
        process = subprocess.Popen(command(port, image), cwd=ROOT, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 20
        while not heard and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "veridian: interrupted"
    assert CAN * 8 in heard


@pytest.mark.parametrize("arguments, code, message", [
    (("/dev/nothing", "{image}"), 2, "veridian: cannot open '/dev/nothing': No such file or directory\n"),
    (("socket://127.0.0.1:1", "{image}"), 2, "veridian: cannot open 'socket://127.0.0.1:1': "),
    (("nonsense://x", "{image}"), 2, "veridian: cannot open 'nonsense://x': "),
    (("/dev/nothing", "{image}.not"), 2, "veridian: cannot read '{image}.not': No such file or directory\n"),
    (("/dev/nothing", "{image}.not", "--force"), 2, "veridian: cannot read '{image}.not': No such file or directory\n"),
    (("/dev/nothing", sys.executable), 2, f"veridian: the boot ROM would refuse '{sys.executable}': no image\n"),
    (("/dev/nothing",), 2, "veridian: there is no IMAGE to upload; `python -m fpga.image` makes one\n"),
    (("/dev/nothing", "{image}", "--baud", "0"), 2, ""),
])
def test_bad_input_is_one_line(image, arguments, code, message):
    done = run(*(argument.format(image=image) for argument in arguments))
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(message.format(image=image))
    assert "Traceback" not in done.stderr
    assert not message or done.stderr.count("\n") == 1
