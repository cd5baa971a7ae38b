"""Uploads a boot image to a board that waits for one: ``python -m fpga.upload PORT IMAGE``.

Exit codes: 0 the loader entered the image, 1 it refused it, 2 bad input (port, file), 3 no answer, 130 Ctrl-C.
"""

import sys
from pathlib import Path

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from sim.toolchain import ToolError, console, run_command
from soc.config import SocConfig

from . import xmodem
from .image import read_image
from .terminal import open_port, run_terminal

__all__ = ["EXIT_NO_ANSWER", "EXIT_REFUSED", "upload"]

EXIT_REFUSED, EXIT_NO_ANSWER = 1, 3


def upload(port, name: str, content: bytes, *, wait: float, timeout: float, quiet: bool = False) -> None:
    """Get the loader's attention and send it an image, with a progress bar.

    Raises
    ------
    ToolError
        With exit code 1 and the loader's reason, or 3.
    """
    try:
        with console.status("" if quiet else f"Waiting for the loader at {name}: reset the board"):
            xmodem.summon(port, wait)
    except xmodem.NoAnswer:
        raise ToolError(f"no loader answers at '{name}' within {wait:g} s; reset the board, look at --baud",
                        EXIT_NO_ANSWER) from None
    columns = (TextColumn("Uploading"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console, disable=quiet) as progress:
            task = progress.add_task("", total=len(content))
            xmodem.send(port, content, timeout=timeout, advance=lambda count: progress.advance(task, count))
    except xmodem.Refused as error:
        raise ToolError(f"the loader refused the image: {error}", EXIT_REFUSED) from None
    except xmodem.NoAnswer as error:
        raise ToolError(f"the loader at '{name}' stopped answering: {error}", EXIT_NO_ANSWER) from None
    except KeyboardInterrupt:
        xmodem.cancel(port)
        raise


@click.command()
@click.argument("port")
@click.argument("image", type=click.Path(path_type=Path), required=False)
@click.option("--baud", type=click.IntRange(min=1), default=SocConfig.baud, show_default=True,
              help="Of the serial line.")
@click.option("--wait", type=click.FloatRange(min=0), default=30.0, show_default=True, metavar="SECONDS",
              help="How long to wait for a loader.")
@click.option("--timeout", type=click.FloatRange(min=0), default=10.0, show_default=True, metavar="SECONDS",
              help="Silence after which a block is sent again.")
@click.option("--force", is_flag=True, help="Send it even if the loader will refuse it.")
@click.option("--console", "terminal", is_flag=True, help="Then be the board's console; Ctrl-] ends it.")
@click.option("--quiet", is_flag=True, help="No progress.")
def main(port, image, baud, wait, timeout, force, terminal, quiet):
    """Upload IMAGE (python -m fpga.image makes one) to the board at PORT.

    PORT is a serial device such as /dev/ttyUSB0, a simulation's pseudo-terminal, or a URL of pyserial
    (socket://HOST:PORT). Without IMAGE, --console alone.
    """
    if image is None and not terminal:
        raise ToolError("there is no IMAGE to upload; `python -m fpga.image` makes one", 2)
    content = None
    if image is not None:
        try:
            content = image.read_bytes() if force else read_image(image)[0]
        except OSError as error:
            raise ToolError(f"cannot read '{image}': {error.strerror}", 2) from None
    with open_port(port, baud) as line:
        if content is not None:
            upload(line, port, content, wait=wait, timeout=timeout, quiet=quiet)
            if not quiet:
                console.print(f"veridian: {len(content)} bytes uploaded")
        if terminal:
            run_terminal(line, sys.stdin, sys.stdout.buffer)


if __name__ == "__main__":
    run_command(main)
