"""What the kernels must compute, by other means than theirs: sorted(), regular expressions, the library's CRC."""

import re
from binascii import crc_hqx
from collections.abc import Iterator

__all__ = ["expected", "crc_of"]


def _random(seed: int) -> Iterator[int]:
    while True:
        seed = (seed * 1664525 + 1013904223) & 0xffff_ffff
        yield seed >> 16


def crc_of(crc: int, value: int, size: int) -> int:
    """CRC-16 after `size` more bytes, the highest first; negative values in two's complement."""
    return crc_hqx((value & (1 << 8 * size) - 1).to_bytes(size, "big"), crc)


def list_kernel(seed: int, nodes: int = 64, rounds: int = 6, searches: int = 20) -> int:
    random = _random(seed)
    items = [(key, next(random) % 200 - 100) for key in reversed(range(nodes))][::-1]
    crc = 0

    def sample(crc: int) -> int:
        for key, value in items[::8]:
            crc = crc_of(crc, key * 256 + (value & 0xff), 2)
        return crc

    def move_fifths() -> list:
        moved = items[4::5]
        return [item for item in items if item not in moved] + moved

    for _ in range(rounds):
        steps = 0
        for search in range(searches):
            wanted = next(random) % nodes
            place = next(i for i, item in enumerate(items) if item[0] == wanted)
            value = items[place][1] + search % 2
            found = next((i for i, item in enumerate(items) if item[1] == value), None)
            steps += place + (len(items) + 1000 if found is None else found + items[found][0])
        crc = crc_of(crc, steps, 4)
        items = sorted(items[::-1], key=lambda item: item[1])
        crc = sample(crc)
        items = move_fifths()
        crc = sample(crc)
        items = sorted(items)
        items = move_fifths()
    return sample(crc)


def matrix_kernel(seed: int, size: int = 11, rounds: int = 4) -> int:
    random = _random(seed)
    left, right = ([[next(random) % 255 - 127 for _ in range(size)] for _ in range(size)] for _ in range(2))
    crc = 0

    def climb(values: list, limit: int) -> int:
        total = before = result = 0
        for value in values:
            total += value
            if total > limit:
                result, total = result + 16, 0
            elif value > before:
                result += 1
            before = value
        return result

    def dot(row: list, column: int) -> int:
        return sum(value * other[column] for value, other in zip(row, right, strict=True))

    def fields(row: list, column: int) -> int:
        products = [value * other[column] for value, other in zip(row, right, strict=True)]
        return sum((product >> 3 & 0x1f) * (product >> 9 & 0x3f) for product in products)

    for turn in range(rounds):
        constant = next(random) % 64
        moved = [[value + constant for value in row] for row in left]
        crc = crc_of(crc, climb([value * constant for row in moved for value in row], 2000), 2)
        for row in moved:
            crc = crc_of(crc, sum(map(int.__mul__, row, right[turn])), 2)
        crc = crc_of(crc, climb([dot(row, column) for row in moved for column in range(size)], 20000), 2)
        crc = crc_of(crc, climb([fields(row, column) for row in moved for column in range(size)], 4000), 2)
    return crc


#: The texts that the fields are drawn from.
FIELDS = ("42", "90210", "-7", "+331", "3.14159", "-2.71828", ".5", "+.0625", "6.02e23", "-1.6E-19", "+9e9", ".25e+08",
          "-", "1.", "8e", "4e-", "0x1f", "12:30", "1.2.3", "e10")
_UNSIGNED = r"(?:\d+\.\d*|\.\d+)"
_MANTISSA = rf"[+-]?(?:\d+|{_UNSIGNED})"
#: What a field looks like that ends in each state of the machine, in the order of the states.
_ENDS = tuple(re.compile(pattern) for pattern in (
    r"", r"[+-]", r"[+-]?\d+", r"[+-]?\.", rf"[+-]?{_UNSIGNED}", rf"{_MANTISSA}[eE]", rf"{_MANTISSA}[eE][+-]",
    rf"{_MANTISSA}[eE][+-]?\d+"))


def _end(field: str) -> int:
    return next((state for state, pattern in enumerate(_ENDS) if pattern.fullmatch(field)), len(_ENDS))


def state_kernel(seed: int, size: int = 512, rounds: int = 4, step: int = 11) -> int:
    random = _random(seed)
    text = ""
    while len(text) + len(field := FIELDS[next(random) % len(FIELDS)]) + 1 <= size:
        text += field + ","
    text = text[:-1]
    crc = 0

    def scan(ends: list) -> int:
        changes = 0
        for field in text.split(","):
            states = [_end(field[:length]) for length in range(len(field) + 1)]
            changes += sum(map(int.__ne__, states, states[1:]))
            ends[states[-1]] += 1
        return changes

    for turn in range(rounds):
        ends = [0] * (len(_ENDS) + 1)
        changes = scan(ends)
        text = "".join(chr(ord(character) ^ 1) if place >= turn and (place - turn) % step == 0 and character != ","
                       else character for place, character in enumerate(text))
        changes = changes * 1000 + scan(ends)
        crc = crc_of(crc, changes, 4)
        for count in ends:
            crc = crc_of(crc, count, 2)
    return crc


def crc_kernel(seed: int, size: int = 512, rounds: int = 3) -> int:
    random = _random(seed)
    block = bytes(next(random) & 0xff for _ in range(size))
    crc = 0
    for _ in range(rounds):
        crc = crc_hqx(block, crc)
    return crc


def expected(seed: int) -> dict[str, int]:
    """The CRC of each kernel."""
    return {"list": list_kernel(seed), "matrix": matrix_kernel(seed), "state": state_kernel(seed),
            "crc": crc_kernel(seed)}
