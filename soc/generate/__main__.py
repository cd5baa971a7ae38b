"""Writes what follows from the hardware's data: ``python -m soc.generate --help``."""

import sys
import warnings
from pathlib import Path

import click

from ..config import SocConfig

ROOT = Path(__file__).resolve().parent.parent.parent


def _write(path: Path | None, content: str | bytes) -> None:
    """To the file `path`, or to stdout."""
    content = content.encode() if isinstance(content, str) else content
    if path is None:
        sys.stdout.buffer.write(content)
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise click.ClickException(f"cannot write '{path}': {error.strerror}") from None


class _Configuration(click.ParamType):
    name = "JSON"

    def convert(self, value, parameter, context):
        if isinstance(value, SocConfig):
            return value
        try:
            return SocConfig.from_json(value)
        except (TypeError, ValueError) as error:
            self.fail(str(error), parameter, context)


_config = click.option("--config", type=_Configuration(), default=SocConfig(), show_default="the boot configuration",
                       help="Fields of SocConfig that differ from their defaults.")
_output = click.option("--output", type=click.Path(path_type=Path), help="File to write; default stdout.")


@click.group()
def main():
    """Write headers, device tree, SVD, linker scripts, tables or Verilog of the SoC."""


@main.command()
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Folder for veridian/*.h.")
def headers(output):
    """C headers of the binary interface and the memory map."""
    from .c_header import write_headers

    for path in write_headers(output):
        click.echo(path)


@main.command("device-tree")
@_config
@_output
@click.option("--bootargs", default="", help="The kernel's command line.")
@click.option("--initrd", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Size it for this file.")
def device_tree_command(config, output, bootargs, initrd):
    """Flattened device tree."""
    from .device_tree import device_tree

    try:
        _write(output, device_tree(config, bootargs=bootargs, initrd_bytes=initrd.stat().st_size if initrd else 0))
    except ValueError as error:
        raise click.ClickException(str(error)) from None


@main.command("linker-script")
@click.argument("what", type=click.Choice(["firmware", "bare-metal"]))
@_output
def linker_script_command(what, output):
    """Linker script of the firmware or of bare-metal programs."""
    from .linker_script import bare_metal_script, firmware_script

    _write(output, firmware_script() if what == "firmware" else bare_metal_script())


@main.command("svd")
@_config
@_output
def svd_command(config, output):
    """CMSIS-SVD description of the registers."""
    from ..top import SoC
    from .svd import svd

    _write(output, svd(SoC(config).memory_map))


@main.command("registers")
@click.argument("parameters", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--block", "name", required=True, metavar="BLOCK",
              help="capability-unit, mailbox, or another one with registers.")
@click.option("--config", "configuration", metavar="JSON", default="{}", help="Parameters as a JSON object.")
@click.option("--format", "kind", type=click.Choice(["table", "svd", "header"]), default="table", show_default=True)
@_output
def registers_command(parameters, name, configuration, kind, output):
    """Registers of one block alone; NAME=VALUE sets a parameter of it, such as harts=2."""
    from .block_registers import block_registers

    _write(output, _of_block(name, lambda: block_registers(name, kind, configuration, parameters)))


def _of_block(name, write):
    """What `write` returns; its errors as one line."""
    from ..blocks import ROOTS

    if name not in ROOTS:
        raise click.ClickException(f"there is no block '{name}'; there are {', '.join(ROOTS)}")
    try:
        return write()
    except ValueError as error:
        raise click.ClickException(f"{name}: {error}") from None


@main.command()
@_config
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / "docs" / "reference", help="Folder.")
def tables(config, output):
    """Reference tables in Markdown."""
    from ..top import SoC
    from .tables import pages

    for name, text in pages(SoC(config).memory_map).items():
        _write(output / name, text)
        click.echo(output / name)


@main.command("verilog")
@click.argument("parameters", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--block", "name", default="soc", show_default=True, metavar="BLOCK",
              help="soc, core, capability-unit or mailbox.")
@click.option("--config", "configuration", metavar="JSON", default="{}", help="Parameters as a JSON object.")
@_output
def verilog_command(parameters, name, configuration, output):
    """One block as one Verilog file; NAME=VALUE sets a parameter of it.

    The modules are called veridian (the SoC), veridian_core, veridian_capability_unit and veridian_mailbox.
    """
    from ..export import export

    _write(output, _of_block(name, lambda: export(name, configuration, parameters)))
    if output is not None:
        click.echo(output)


if __name__ == "__main__":
    # Amaranth says so of every design that is looked at, for its memory map say, and not built.
    warnings.filterwarnings("ignore", message=".* created but never used")
    main()
