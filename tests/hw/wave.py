"""Reruns one cocotb test with a waveform and a signal layout: ``python -m tests.hw.wave TEST``, or `make wave TEST=`.

TEST is `capability.directed.torn_slots_are_read_again`, or as much of its end as names one test alone. The layout is
for GTKWave; Surfer reads the waveform as well.
"""

import difflib
import io
import re
from pathlib import Path

import click
from vcd.gtkw import GTKWSave

from sim.toolchain import ROOT, ToolError, console, run_command
from tests.hw.cocotb_bench import BenchFailure, model_of, run, testcases

__all__ = ["find", "layout", "tests"]

WAVES = ROOT / "build" / "wave"


def tests() -> dict[str, tuple[str, str]]:
    """Import path of the bench, and name in it, of each cocotb test below tests/hw by its full name."""
    found = {}
    for path in sorted((ROOT / "tests" / "hw").rglob("*_bench.py")):
        if not re.search(r"^@cocotb\.test", path.read_text(), re.MULTILINE):
            continue
        bench = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        short = bench.removeprefix("tests.hw.").removesuffix("_bench")
        found |= {f"{short}.{testcase}": (bench, testcase) for testcase in testcases(bench)}
    return found


tests.__test__ = False  # its name is not a test's


def find(name: str) -> str:
    """The full name of the test that `name` ends.

    Raises
    ------
    ToolError
        When there is none, or more than one; it lists what is near.
    """
    known = tests()
    if name in known:
        return name
    ends = [each for each in known if each.endswith(f".{name}")]
    if len(ends) == 1:
        return ends[0]
    near = ends or difflib.get_close_matches(name, known, n=5, cutoff=0.5)
    if not near:
        lasts = {each.rpartition(".")[2]: each for each in known}
        last = name.rpartition(".")[2]
        close = difflib.get_close_matches(last, lasts, n=5, cutoff=0.4)
        near = [lasts[each] for each in close] or [each for each in known if last in each][:5]
    what = f"more than one test is called {name}" if ends else f"there is no test {name}"
    listed = f"near are {', '.join(near)}" if near else f"the first of {len(known)} is {next(iter(known))}"
    raise ToolError(f"{what}; {listed}", exit_code=2)


def layout(waveform: Path) -> str:
    """GTKWave's save file for a VCD: the ports by interface, then where the state machines are."""
    scopes, ports, states = [], {}, []
    with open(waveform, errors="replace") as file:
        for line in file:
            if line.startswith("$enddefinitions"):
                break
            words = line.split()
            if words[:1] == ["$scope"]:
                scopes.append(words[2])
            elif words[:1] == ["$upscope"]:
                scopes.pop()
            elif words[:1] == ["$var"]:
                name, width = ".".join([*scopes, words[4]]), int(words[2])
                if width > 1:
                    name += f"[{width - 1}:0]"
                if words[4] == "fsm_state":
                    states.append(name)
                elif len(scopes) == 1 and scopes[0] in ("TOP", "$rootio"):
                    ports.setdefault(words[4].partition("_")[0], []).append(name)
    text = io.StringIO()
    save = GTKWSave(text)
    save.dumpfile(str(waveform))
    for group, names in sorted(ports.items(), key=lambda item: (item[0] not in ("clk", "rst"), item[0])):
        if len(names) == 1:
            save.trace(names[0], datafmt="hex")
            continue
        with save.group(group):
            for name in names:
                save.trace(name, alias=re.sub(r"^.*?\.|\[.*", "", name), datafmt="hex")
    with save.group("states"):
        for name in states:
            save.trace(name, alias=".".join(name.partition("[")[0].split(".")[1:-1]), datafmt="dec")
    return text.getvalue()


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("test")
@click.option("--seed", default=1, show_default=True, help="Of the run to repeat.")
@click.option("--set", "settings", default="", help="Variables of the bench: 'FAULT=no_kill STEPS=100'.")
def main(test: str, seed: int, settings: str) -> int:
    name = find(test)
    pairs = [word.partition("=") for word in settings.split()]
    if bad := [word for word, equals, _ in pairs if not equals]:
        raise ToolError(f"SET wants NAME=VALUE, not {bad[0]}", exit_code=2)
    environment = {key: value for key, _, value in pairs}
    bench, testcase = tests()[name]
    WAVES.mkdir(parents=True, exist_ok=True)
    waveform = WAVES / f"{name}-{seed}.vcd"
    with console.status(f"Building {bench} with a waveform"):
        model = model_of(bench, trace=True, environment=environment)
    failure = None
    with console.status(f"Running {name}, seed {seed}"):
        try:
            run(model, bench, testcase, seed=seed, environment=environment, waves=waveform)
        except BenchFailure as error:
            failure = error
    if waveform.exists():
        saved = waveform.with_suffix(".gtkw")
        saved.write_text(layout(waveform))
        console.print(f"gtkwave {saved.relative_to(ROOT)}")
    if failure is not None:
        raise ToolError(str(failure))
    return 0


if __name__ == "__main__":
    run_command(main)
