"""Makes and shows boot images: ``python -m fpga.image``.

The format is :mod:`soc.image`'s; the boot ROM takes it from flash or over the UART (docs/datasheet/boot-rom.md).
"""

from pathlib import Path

import click

from sim.system import build_image
from sim.toolchain import BUILD, ToolError, run_command
from soc.config import SocConfig
from soc.image import Image, ImageError, Segment, pack, parse
from soc.presets import PRESETS

__all__ = ["kernel_image", "read_image"]

DEFAULT = BUILD / "fpga" / "image.bin"


def kernel_image(config: SocConfig, *, bootargs: str = "") -> bytes:
    """Firmware, kernel, initrd and device tree of a machine as an image; builds what is missing."""
    return pack(build_image(config, bootargs=bootargs), config.layout)


def read_image(path: Path) -> tuple[bytes, Image]:
    """Contents of an image file, and what they mean.

    Raises
    ------
    ToolError
        With exit code 2: no such file, or an image that the boot ROM would refuse.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ToolError(f"cannot read '{path}': {error.strerror}", 2) from None
    try:
        return content, parse(content)
    except ImageError as error:
        raise ToolError(f"the boot ROM would refuse '{path}': {error}", 2) from None


def _show(path: Path, image: Image, size: int) -> None:
    click.echo(f"{path}: {size} bytes, entry {image.entry:#x}, argument {image.argument:#x}")
    for segment in image.segments:
        click.echo(f"  {segment.address:#x} to {segment.end:#x}: {len(segment.contents)} bytes")


def _number(context, parameter, value):
    try:
        return None if value is None else int(value, 0)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a number") from None


def _address(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise ToolError(f"a segment's address is a number, not '{text}'", 2) from None


@click.command()
@click.option("--output", type=click.Path(path_type=Path), default=DEFAULT, help="File to write.",
              show_default="build/fpga/image.bin")
@click.option("--config", "text", metavar="JSON", default="{}",
              help=f"Fields of SocConfig that differ from their defaults, or {', '.join(PRESETS)}.")
@click.option("--bootargs", default="", help="The kernel's command line.")
@click.option("--segment", "segments", type=(str, click.Path(exists=True, dir_okay=False, path_type=Path)),
              multiple=True, metavar="ADDRESS FILE", help="In place of the kernel: contents of memory (repeatable).")
@click.option("--entry", callback=_number, metavar="ADDRESS", help="First instruction.  [default: the first segment]")
@click.option("--argument", callback=_number, metavar="ADDRESS", help="Handed over in a1.  [default: 0]")
@click.option("--show", type=click.Path(path_type=Path), metavar="FILE", help="Check FILE and say what is in it.")
def main(output, text, bootargs, segments, entry, argument, show):
    """Write a boot image of the kernel, or of any contents of memory."""
    if show is not None:
        content, image = read_image(show)
        _show(show, image, len(content))
        return
    if not segments and (entry is not None or argument is not None):
        raise ToolError("--entry and --argument want --segment: those of the kernel's image are fixed", 2)
    try:
        config = SocConfig.from_json(text)
        if segments:
            parts = tuple(Segment(_address(address), path.read_bytes()) for address, path in segments)
            content = pack(Image(parts, parts[0].address if entry is None else entry, argument or 0),
                           config.layout)
        else:
            content = kernel_image(config, bootargs=bootargs)
    except (TypeError, ValueError) as error:
        raise ToolError(str(error), 2) from None
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(content)
    except OSError as error:
        raise ToolError(f"cannot write '{output}': {error.strerror}", 2) from None
    _show(output, parse(content), len(content))


if __name__ == "__main__":
    run_command(main)
