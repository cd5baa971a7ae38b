"""Measures the core on its RTL: ``python -m bench.core --help``."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Group
from rich.table import Table
from rich.text import Text

from sim.model import build_model
from sim.results import print_table
from sim.toolchain import BUILD, ToolError, console, run_command
from soc.config import SocConfig
from soc.parameters import configure

from .figures import FIGURES, SCORE_STRETCH, SCORE_TARGET, score
from .results import KernelResult, Measurement
from .run import run_micro, run_score

__all__ = ["document", "table"]

RESULTS = BUILD / "bench" / "core.json"
SCHEMA = 1


def document(config: SocConfig, measurements: dict[str, Measurement], kernels: dict[str, KernelResult]) -> dict:
    """Content of `core.json` (docs/core-bench.md)."""
    figures = []
    for figure in FIGURES if measurements else ():
        value = figure.value(measurements)
        figures.append({"name": figure.name, "text": figure.text, "unit": "cycles", "value": value,
                        "target": figure.target, "met": figure.met(value)})
    content = {"schema": SCHEMA, "config": json.loads(config.to_json()), "figures": figures, "score": None,
               "kernels": [asdict(kernel) for kernel in kernels.values()],
               "measurements": [asdict(measurement) for measurement in measurements.values()]}
    if kernels:
        reached = score(kernels)
        content["score"] = {
            "unit": "iterations/s/MHz", "value": reached, "target": SCORE_TARGET, "stretch": SCORE_STRETCH,
            "met": reached >= SCORE_TARGET,
            "instructions": sum(kernel.instructions / kernel.iterations for kernel in kernels.values()),
            "cycles": sum(kernel.cycles / kernel.iterations for kernel in kernels.values()),
        }
    return content


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _verdict(met: bool | None) -> Text:
    return Text("") if met is None else Text("met", "green") if met else Text("MISSED", "bold red")


def table(content: dict) -> Group:
    """What people read."""
    parts = []
    if content["figures"]:
        figures = Table(title="Cycles on the RTL", title_justify="left")
        figures.add_column("event")
        for heading in ("measured", "target"):
            figures.add_column(heading, justify="right")
        figures.add_column("verdict")
        for figure in content["figures"]:
            target = "" if figure["target"] is None else f"<= {figure['target']:g}"
            figures.add_row(figure["text"], _number(figure["value"]), target, _verdict(figure["met"]))
        parts.append(figures)
    if content["score"]:
        kernels = Table(title="Kernels, for an iteration", title_justify="left")
        kernels.add_column("kernel")
        for heading in ("cycles", "instructions", "cycles/instruction"):
            kernels.add_column(heading, justify="right")
        for kernel in content["kernels"]:
            kernels.add_row(kernel["kernel"], f"{kernel['cycles'] / kernel['iterations']:,.0f}",
                            f"{kernel['instructions'] / kernel['iterations']:,.0f}",
                            f"{kernel['cycles'] / kernel['instructions']:.2f}")
        result = content["score"]
        kernels.add_section()
        kernels.add_row("all", f"{result['cycles']:,.0f}", f"{result['instructions']:,.0f}",
                        f"{result['cycles'] / result['instructions']:.2f}", style="bold")
        parts += [kernels, Text.assemble(
            f"Score {result['value']:.2f} iterations/s/MHz, target {result['target']}, stretch {result['stretch']}: ",
            _verdict(result["met"]))]
    return Group(*parts)


@click.command()
@click.argument("parameters", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--config", "configuration", metavar="JSON", default="{}", help="Fields of SocConfig.")
@click.option("--only", type=click.Choice(["micro", "score"]), help="One of the two parts.")
@click.option("--iterations", type=click.IntRange(1, 1000), default=2, show_default=True,
              help="Iterations of the kernels that count.")
@click.option("--check", is_flag=True, help="Exit code 1 if a target is missed.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), default=RESULTS,
              show_default="build/bench/core.json", help="JSON file to write.")
def main(parameters, configuration, only, iterations, check, output):
    """Measure the core on its RTL: cycles of single events, and a score of integer kernels.

    NAME=VALUE sets a field of SocConfig or of CoreConfig (branch_entries=256).
    """
    try:
        config = configure(SocConfig, configuration, parameters)
    except ValueError as error:
        raise ToolError(str(error), 2) from None
    build_model(config)
    measurements, kernels = {}, {}
    if only != "score":
        with console.status("Measuring single events"):
            measurements = run_micro(config)
    if only != "micro":
        with console.status(f"Running {iterations + 1} iterations of the kernels"):
            kernels = run_score(config, iterations)
    try:
        content = document(config, measurements, kernels)
    except ValueError as error:
        raise ToolError(str(error)) from None
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(content, indent=1) + "\n")
    except OSError as error:
        raise ToolError(f"cannot write '{output}': {error.strerror}", 2) from None
    print_table(table(content))
    click.echo(f"written to {output}", err=True)
    missed = [figure["name"] for figure in content["figures"] if figure["met"] is False]
    if content["score"] and not content["score"]["met"]:
        missed.append("score")
    if check and missed:
        raise ToolError(f"{len(missed)} targets are missed: {', '.join(missed)}")


if __name__ == "__main__":
    run_command(main)
