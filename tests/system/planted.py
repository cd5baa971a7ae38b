"""Kernel images with a planted fault, to show that tests of booted systems see it."""

import re
import shutil
from pathlib import Path
from unittest import mock

from hw import abi
from kernel import build

__all__ = ["handle_rule", "with_change", "with_type", "without", "without_right"]


def handle_rule(call: abi.Call, index: int = 0) -> abi.HandleArgument:
    """What the table says of a call's handle."""
    [rule] = [rule for rule in abi.CALLS if rule.call == call]
    return rule.handles[index]


def _built(folder: Path, call: abi.Call, index: int, cap_type: str, rights: str) -> Path:
    """The riscv64 kernel, built in `folder`, with another type and rights of one of a call's handles in its table."""
    build.build_kernel("riscv64")
    headers = folder / "include"
    shutil.copytree(build.GENERATED, headers)
    table = headers / "veridian/calls.h"
    row = re.compile(rf"(ROW\({call.name}, \w+, {{ (?:{{[^}}]*}}, ){{{index}}}{{ )(\w+), (0x[0-9a-f]+)")
    changed, count = row.subn(lambda found: f"{found[1]}{cap_type or found[2]}, {rights or found[3]}",
                              table.read_text())
    assert count == 1
    table.write_text(changed)
    # What was compiled for others lies elsewhere.
    with mock.patch.multiple(build, GENERATED=headers, BUILD=folder, _generate=lambda: None):
        return build.build_kernel("riscv64")


def without(folder: Path, file: str, line: str) -> Path:
    """The riscv64 kernel, built in `folder`, without a line of one of its files that begins with `line`."""
    build.build_kernel("riscv64")
    sources = folder / "kernel"
    shutil.copytree(build.KERNEL, sources)
    text = (sources / file).read_text()
    changed, count = re.subn(rf"^ *{re.escape(line)}.*\n", "", text, flags=re.MULTILINE)
    assert count == 1, f"{line!r} is {count} times in {file}"
    (sources / file).write_text(changed)
    with mock.patch.multiple(build, KERNEL=sources, BUILD=folder, _generate=lambda: None):
        return build.build_kernel("riscv64")


def without_right(folder: Path, call: abi.Call, index: int = 0) -> Path:
    """An image, in `folder`, that asks for no rights of a call's handle but those that a word asks for."""
    return _built(folder, call, index, "", "0x0")


def with_type(folder: Path, call: abi.Call, cap_type: abi.CapType) -> Path:
    """An image, in `folder`, that takes capabilities of this type for a call's first handle."""
    return _built(folder, call, 0, f"CAP_TYPE_{cap_type.name}", "")


def with_change(folder: Path, name: str, old: str, new: str) -> Path:
    """The riscv64 kernel, built in `folder`, with the text `new` in place of `old` in the file `name` of kernel."""
    build.build_kernel("riscv64")
    sources = folder / "kernel"
    shutil.copytree(build.KERNEL, sources)
    text = (sources / name).read_text()
    assert text.count(old) == 1, f"{name}: {text.count(old)} times {old!r}"
    (sources / name).write_text(text.replace(old, new))
    # What was compiled for others lies elsewhere.
    with mock.patch.multiple(build, KERNEL=sources, BUILD=folder, _generate=lambda: None):
        return build.build_kernel("riscv64")
