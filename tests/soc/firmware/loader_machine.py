"""What the loader's parser and receiver do with anything.

``python -m tests.soc.firmware.loader_machine LIBRARY [--as-found] [PROPERTY]...``

Runs as a process of its own, because AddressSanitizer must be there first. Exit code 0: all properties hold.
"""

import struct
import sys
import threading
import zlib
from collections import deque
from pathlib import Path
from types import SimpleNamespace

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fpga import xmodem
from soc.image import HEADER_BYTES, MAGIC, REASONS, SEGMENTS_MAX, VERSION, Image, ImageError, Segment, pack, parse
from soc.memory_map import region
from tests.soc.firmware.loader_library import load

BASE = region("memory").base
BYTES = 1 << 14
END = BASE + BYTES
FILL = 0xa5
ERRORS = (None, *REASONS.values())

ffi, lib = load(Path(sys.argv[1]))
#: A failure is not made smaller, which takes minutes.
_FAST = (Phase.explicit, Phase.generate)
# What finds a planted fault finds it in each run.
_settings = settings(max_examples=150, deadline=None, database=None, derandomize="--as-found" in sys.argv,
                     phases=_FAST if "--as-found" in sys.argv else tuple(Phase),
                     suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@st.composite
def images(draw):
    """Valid images inside the memory of this test."""
    cuts = sorted(draw(st.sets(st.integers(0, BYTES // 8), min_size=2, max_size=2 * SEGMENTS_MAX)))
    pairs = [(8 * begin, 8 * end) for begin, end in zip(cuts[::2], cuts[1::2], strict=False)]
    data = draw(st.randoms(use_true_random=False))
    segments = tuple(Segment(BASE + begin, data.randbytes(end - begin)) for begin, end in pairs)
    inside = draw(st.sampled_from(segments))
    entry = inside.address + 2 * draw(st.integers(0, len(inside.contents) // 2 - 1))
    return Image(segments, entry, draw(st.integers(0, 2**64 - 1)))


def run(content, pieces):
    """Feed words in pieces; (error or None, complete, memory)."""
    memory = lib.host_begin(BASE, BYTES, FILL)
    words = len(content) // 8
    at = error = 0
    pieces = iter(pieces)
    while at < words and not error:
        count = min(next(pieces, words), words - at)
        error = lib.host_feed(ffi.from_buffer(content[8 * at:8 * (at + count)]), count)
        at += count
    return ERRORS[error], bool(lib.host_complete()) and not error, bytes(ffi.buffer(memory, BYTES))


def expected(image):
    memory = bytearray([FILL]) * BYTES
    for segment in image.segments:
        memory[segment.address - BASE:segment.end - BASE] = segment.contents
    return bytes(memory)


def written(memory, content):
    """Whether memory differs from its fill outside the segments that a header names."""
    count = struct.unpack_from("<I", content, 12)[0]
    clean = bytearray(memory)
    for index in range(min(count, SEGMENTS_MAX)):
        address, size, _ = struct.unpack_from("<QII", content, 40 + 16 * index)
        if BASE <= address <= address + size <= END:
            clean[address - BASE:address - BASE + size] = bytes([FILL]) * size
    return clean != bytes([FILL]) * BYTES


_pieces = st.lists(st.integers(1, 200), max_size=40)


@_settings
@given(images(), _pieces, st.binary(max_size=64))
def whole_images_arrive(image, pieces, behind):
    content = pack(image)
    assert parse(content, bounds=(BASE, END)) == Image(
        tuple(sorted(image.segments, key=lambda one: one.address)), image.entry, image.argument)
    assert run(content + behind, pieces) == (None, True, expected(image))


@_settings
@given(images(), _pieces, st.data())
def truncated_images_do_not(image, pieces, data):
    content = pack(image)
    content = content[:data.draw(st.integers(0, len(content) - 8))]
    error, complete, memory = run(content, pieces)
    assert (error, complete) == (None, False)
    if len(content) < HEADER_BYTES:
        assert memory == bytes([FILL]) * BYTES
    else:
        assert not written(memory, content)


@_settings
@given(images(), _pieces, st.data())
def flipped_bits_are_found(image, pieces, data):
    content = bytearray(pack(image))
    bits = data.draw(st.sets(st.integers(0, 8 * len(content) - 1), min_size=1, max_size=3))
    for bit in bits:
        content[bit // 8] ^= 1 << bit % 8
    content = bytes(content)
    error, complete, memory = run(content, pieces)
    assert error is not None and not complete
    if min(bits) < 8 * HEADER_BYTES:
        assert memory == bytes([FILL]) * BYTES
    try:
        parse(content, bounds=(BASE, END))
    except ImageError as refusal:
        assert str(refusal) == error


_edges = [0, 1, 7, 8, BASE - 8, BASE, BASE + 8, END - 16, END - 8, END, END + 8, 2**32, 2**63, 2**64 - 8, 2**64 - 1]
_addresses = (st.sampled_from(_edges) | st.integers(0, 2**64 - 1)
              | st.integers(BASE // 8, END // 8).map(lambda at: 8 * at))
_sizes = (st.sampled_from([0, 1, 8, 16, BYTES - 8, BYTES, BYTES + 8, 2**32 - 8, 2**32 - 1])
          | st.integers(0, 100).map(lambda words: 8 * words))


@settings(_settings, max_examples=600)
@given(st.sampled_from([0, 1, 2, 3, SEGMENTS_MAX, SEGMENTS_MAX + 1, 2**32 - 1]),
       st.lists(st.tuples(_addresses, _sizes), min_size=SEGMENTS_MAX, max_size=SEGMENTS_MAX), st.data(), _pieces)
def lying_headers_are_harmless(count, table, data, pieces):
    """Headers with a right checksum and anything in them are taken where the Python parser takes them, no others."""
    if data.draw(st.booleans()):
        # A right one, of which one entry is changed.
        at, right = BASE, []
        for _, size in table:
            size = min(size, 256) & ~7 or 8
            right.append((at, size))
            at += size + 8
        index = data.draw(st.integers(0, min(count, SEGMENTS_MAX) - 1 if count else 0))
        address, size = right[index]
        right[index] = data.draw(st.sampled_from([(address, size), table[index], (table[index][0], size),
                                                  (address, table[index][1]), (address + 4, size),
                                                  (address, size - 4), (END - 8, size + 8)]))
        table = right
    true_length = HEADER_BYTES + sum(size for _, size in table[:min(count, SEGMENTS_MAX)])
    length = data.draw(st.just(true_length) | st.integers(0, 2**64 - 1))
    entry = data.draw(_addresses | st.just(table[0][0]))
    bodies = [bytes(min(size, 2 * BYTES)) for _, size in table]
    rows = b"".join(struct.pack("<QII", address, size, zlib.crc32(body))
                    for (address, size), body in zip(table, bodies, strict=True))
    header = struct.pack("<QIIQQQ", MAGIC, VERSION, count, length, entry, 0) + rows
    header = header.ljust(HEADER_BYTES - 8, b"\0")
    content = header + struct.pack("<II", zlib.crc32(header), 0) + b"".join(bodies[:min(count, SEGMENTS_MAX)])
    error, complete, memory = run(content[:len(content) // 8 * 8], pieces)
    try:
        parse(content, bounds=(BASE, END))
    except ImageError as refusal:
        assert error == str(refusal) and not complete
        assert memory == bytes([FILL]) * BYTES
    else:
        assert error is None and complete and not written(memory, content)


class Line:
    """Both directions of a serial line, and the time: it passes only while both sides wait, so that no run depends on
    how fast this machine is. `spoil(number, message)` changes what the sender writes; the loader's answers with the
    numbers `lost` do not arrive.
    """

    def __init__(self, spoil, lost=()):
        self.spoil, self.count, self.now = spoil, 0, 0.0
        self.lost, self.answers = lost, 0
        self._changed = threading.Condition()
        self._arrived = {"loader": deque(), "sender": deque()}
        #: Until when a side waits; absent while it works, infinite when it has left.
        self._until = {}

    def put(self, side, message):
        with self._changed:
            if self._until.get(side) != float("inf"):
                self._arrived[side].extend(message)
                self._changed.notify_all()

    def get(self, side, seconds):
        """The next byte for a side, or None."""
        other = "sender" if side == "loader" else "loader"
        with self._changed:
            self._until[side] = self.now + seconds
            self._changed.notify_all()
            while not self._arrived[side] and self.now < self._until[side]:
                if not self._arrived[other] and self._until.get(other, 0) > self.now:
                    self.now = min(self._until.values())
                    self._changed.notify_all()
                else:
                    self._changed.wait()
            del self._until[side]
            return self._arrived[side].popleft() if self._arrived[side] else None

    def leave(self, side):
        with self._changed:
            self._arrived[side].clear()
            self._until[side] = float("inf")
            self._changed.notify_all()

    def read(self, size):
        byte = self.get("sender", 0.05)
        return b"" if byte is None else bytes([byte])

    def answer(self, byte):
        self.answers += 1
        if self.answers not in self.lost:
            self.put("sender", [byte])

    def write(self, message):
        self.count += 1
        self.put("loader", self.spoil(self.count, message))


#: Ticks of the loader's timer in a second.
TICKS = 1000


def transfer(content, spoil, before=b"", lost=()):
    """(loader's error or None, complete, memory, sender's exception or None)."""
    memory = lib.host_begin(BASE, BYTES, FILL)
    line = Line(spoil, lost)
    line.put("loader", before)
    xmodem.time = SimpleNamespace(monotonic=lambda: line.now)

    def receive(ticks):
        byte = line.get("loader", ticks / TICKS)
        return -1 if byte is None else byte

    get = ffi.callback("int(uint64_t)", receive)
    put = ffi.callback("void(int)", line.answer)
    outcome = []

    def loader():
        outcome.append(lib.host_upload(get, put, TICKS))
        said = f"boot: refused: {ERRORS[outcome[0]]}" if outcome[0] else "boot: entering 80000000"
        line.put("sender", said.encode() + b"\r\n")
        line.leave("loader")

    thread = threading.Thread(target=loader, daemon=True)
    thread.start()
    raised = None
    try:
        while line.read(1) != b"C":
            assert line.now < 100, "nobody asks"
        xmodem.send(line, content)
    except (xmodem.Refused, xmodem.NoAnswer) as error:
        raised = error
        xmodem.cancel(line)
    line.leave("sender")
    thread.join(60)
    assert not thread.is_alive(), "the loader still waits"
    return ERRORS[outcome[0]], bool(lib.host_complete()), bytes(ffi.buffer(memory, BYTES)), raised


@settings(_settings, max_examples=40, phases=_FAST)
@given(images(), st.lists(st.tuples(st.sampled_from(["drop", "flip", "cut"]), st.integers(0, 2**16)),
                          max_size=4), st.sets(st.integers(1, 12), max_size=4),
       st.sets(st.integers(2, 12), max_size=3))
def uploads_arrive_over_a_bad_line(image, faults, places, lost):
    """Some of the sender's first messages are lost, damaged or cut short, and some of the answers are lost."""
    chosen = dict(zip(sorted(places), faults, strict=False))

    def spoil(number, message):
        kind, value = chosen.get(number, (None, 0))
        if kind == "drop":
            return b""
        if kind == "flip":
            place = value % len(message)
            return message[:place] + bytes([message[place] ^ 1 << value % 8]) + message[place + 1:]
        if kind == "cut":
            return message[:value % len(message)]
        return message

    error, complete, memory, raised = transfer(pack(image), spoil, lost=lost)
    assert raised is None, raised
    assert (error, complete, memory) == (None, True, expected(image))


@settings(_settings, max_examples=5, phases=_FAST)
@given(images(), st.binary(max_size=40))
def noise_before_an_upload_does_no_harm(image, noise):
    error, complete, memory, raised = transfer(pack(image), lambda number, message: message, before=noise)
    assert (error, complete, memory, raised) == (None, True, expected(image), None)


def uploads_that_are_refused_say_why():
    content = pack(Image((Segment(BASE, b"abc" * 1000),), BASE))
    for bad, reason in ((content[:-5] + b"x" + content[-4:], "checksum of a segment"),
                        (content[:2048], "truncated"),
                        (content + bytes(2048), "longer than its header says"),
                        (bytes(2000), "no image")):
        error, complete, _, raised = transfer(bad, lambda number, message: message)
        assert isinstance(raised, xmodem.Refused)
        assert (error, str(raised)) == (reason, reason)
        assert complete == (reason == "longer than its header says")


PROPERTIES = (whole_images_arrive, truncated_images_do_not, flipped_bits_are_found, lying_headers_are_harmless,
              uploads_that_are_refused_say_why, noise_before_an_upload_does_no_harm, uploads_arrive_over_a_bad_line)

if __name__ == "__main__":
    for check in PROPERTIES:
        wanted = [argument for argument in sys.argv[2:] if argument != "--as-found"]
        if not wanted or check.__name__ in wanted:
            check()
