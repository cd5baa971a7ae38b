"""Pipeline traces: a parser of the format that checks its rules, on a program whose course is known."""

import re
from dataclasses import dataclass, field

import pytest

from sim.bare_metal import build_program
from sim.elf import load_program
from sim.pipeline import Pipeline
from sim.run_elf import run_program
from soc.memory_map import FIRMWARE_BASE

STAGES = ("D", "X", "M", "W")

PROGRAM = """
    .section .text.init, "ax"
    .globl _start
    .option norvc
_start:
    li s0, 4
    li s1, 100
    li s2, 7
loop:
    divu s3, s1, s2
    addi s0, s0, -1
    bnez s0, loop
    la t0, tohost
    li t1, 1
    sd t1, 0(t0)
1:  j 1b
    .section .tohost, "aw"
    .balign 64
    .globl tohost
tohost:
    .dword 0
"""


@dataclass
class Traced:
    label: str = ""
    stages: dict[str, int] = field(default_factory=dict)
    end: int | None = None
    flushed: bool = False


def parse(path):
    """Instructions by number; fails where the file breaks the format's rules."""
    instructions, now, retired = {}, None, 0
    lines = path.read_text().splitlines()
    assert lines[0] == "Kanata\t0004"
    for line in lines[1:]:
        kind, *fields = line.split("\t")
        if kind == "C=":
            assert now is None
            now = int(fields[0])
        elif kind == "C":
            assert int(fields[0]) > 0
            now += int(fields[0])
        elif kind == "I":
            assert int(fields[0]) not in instructions
            instructions[int(fields[0])] = Traced()
        else:
            one = instructions[int(fields[0])]
            assert one.end is None
            if kind == "L":
                one.label = fields[2]
            elif kind == "S":
                assert fields[2] == STAGES[len(one.stages)]
                one.stages[fields[2]] = now
            elif kind == "R":
                one.end, one.flushed = now, fields[2] == "1"
                if not one.flushed:
                    assert int(fields[1]) == retired
                    retired += 1
            else:
                pytest.fail(f"unknown line {line!r}")
    return instructions


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipeline")
    source, path, log = folder / "program.S", folder / "out.kanata", folder / "log"
    source.write_text(PROGRAM)
    program = load_program(build_program([source]))
    assert run_program(program, trace=log, pipeline=Pipeline(path), echo=False, quiet=True).code == 0
    return parse(path), log.read_text().splitlines(), path


def test_retired_instructions_are_those_of_the_commit_log(run):
    instructions, log, _ = run
    committed = [int(re.match(r"core +0: \d (0x[0-9a-f]{16})", line)[1], 16) for line in log]
    retired = [int(one.label.split(":")[0], 16) for one in instructions.values()
               if one.end is not None and not one.flushed]
    # The run may end with the last ones on their way.
    assert len(retired) >= 20
    assert retired == committed[:len(retired)]
    assert len(committed) - len(retired) <= 1


def test_each_stage_holds_one_instruction(run):
    instructions, _, _ = run
    for stage, following in zip(STAGES, (*STAGES[1:], None), strict=True):
        spans = sorted((one.stages[stage], one.stages.get(following, one.end)) for one in instructions.values()
                       if stage in one.stages)
        for (begin, end), (next_begin, _) in zip(spans, spans[1:], strict=False):
            assert begin < end <= next_begin


def test_division_is_seen_where_it_waits(run):
    instructions, _, _ = run
    divisions = [one for one in instructions.values() if "divu" in one.label and not one.flushed and one.end]
    others = [one for one in instructions.values() if "addi" in one.label and not one.flushed and one.end]
    assert len(divisions) == 4
    assert all(one.end - one.stages["W"] > 3 for one in divisions)
    assert all(one.end - one.stages["W"] == 1 for one in others)


def test_mispredicted_branch_flushes(run):
    """The loop's first way back is not foreseen, and its end is not either."""
    instructions, _, _ = run
    assert sum(one.flushed for one in instructions.values()) >= 2
    assert all(set(one.stages) <= {"D", "X", "M"} for one in instructions.values() if one.flushed)


def test_labels_have_address_and_text(run):
    instructions, _, _ = run
    assert f"{FIRMWARE_BASE:x}: addi s0, zero, 4" in [one.label for one in instructions.values()]


def test_window(run, tmp_path):
    """A few cycles out of the middle: times are those of the whole run."""
    instructions, _, whole = run
    start = max(one.end for one in instructions.values() if one.end is not None) - 60
    path = tmp_path / "part.kanata"
    source = whole.with_name("program.S")
    run_program(load_program(build_program([source])), pipeline=Pipeline(path, start, 20), echo=False, quiet=True)
    part = parse(path)
    times = {time for one in part.values() for time in one.stages.values()}
    assert part and min(times) > start and max(times) <= start + 20
    whole_entries = {(one.label, one.stages["D"]) for one in instructions.values()}
    assert {(one.label, one.stages["D"]) for one in part.values()} <= whole_entries
