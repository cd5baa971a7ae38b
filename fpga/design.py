"""What is built for a board: RTL and pins."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sim.toolchain import ToolError
from soc.config import SocConfig
from soc.parameters import configure, describe

from .accelerator import AcceleratorConfig, AcceleratorTop
from .board import Board
from .family import FAMILIES, Family
from .pll import pll_settings
from .top import BoardTop, soc_configuration

__all__ = ["TOP", "Design", "elaborate", "make_design"]

#: Name of the top module.
TOP = "top"


@dataclass(frozen=True)
class Design:
    """An elaborated design.

    Attributes
    ----------
    board : Board
    text : str
        RTLIL.
    constraints : str
        Pins and clocks, in the placer's format.
    options : list of str
        Of the placer, for the device.
    parameters : str
        NAME=VALUE pairs.
    speed_grade, package : str
    """

    board: Board
    text: str
    constraints: str
    options: list[str]
    parameters: str
    speed_grade: str
    package: str

    @property
    def family(self) -> Family:
        return FAMILIES[self.board.family]


def _with_clock(board: Board, parameters: Sequence[str]) -> Board:
    """`board`, with the clock that a parameter asks for. Raises ValueError for one that its PLL cannot make."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "clock_hz":
            if not value.isdecimal():
                raise ValueError(f"clock_hz must be a number of Hz, not '{value}'")
            board = replace(board, clock_hz=int(value))
            platform = board.make_platform()
            pll_settings(int(platform.lookup(platform.default_clk).clock.frequency), board.clock_hz)
    return board


def _make_top(board: Board, parameters: Sequence[str]):
    """`board` as it is built, its top, and its parameters in words."""
    if board.design == "soc":
        board = _with_clock(board, parameters)
        config = configure(SocConfig, soc_configuration(board).to_json(), parameters)
        return board, BoardTop(board, config), describe(config)
    if board.design == "accelerator":
        config = configure(AcceleratorConfig, json.dumps(board.configuration), parameters)
        return board, AcceleratorTop(board, config), describe(config)
    raise ValueError(f"there is no design '{board.design}'")


def make_design(board: Board, parameters: Sequence[str] = ()) -> Design:
    """Elaborate the design of `board`.

    Parameters
    ----------
    board : Board
    parameters : sequence of str
        NAME=VALUE, as in :func:`soc.parameters.configure`; they win over the board's, its clock too.

    Raises
    ------
    ToolError
        For parameters that cannot be built.
    """
    try:
        board, top, described = _make_top(board, parameters)
    except (TypeError, ValueError) as error:
        raise ToolError(str(error), 2) from None
    return elaborate(board, top, described)


def elaborate(board: Board, top, described: str) -> Design:
    """Elaborate `top`, whose parameters are `described`, for `board`."""
    platform = board.make_platform()
    files = platform.prepare(top, TOP, emit_src=False).files
    text, constraints = (content.decode() if isinstance(content, bytes) else content for content in (
        files[f"{TOP}.il"], files[f"{TOP}.{FAMILIES[board.family].constraints}"]))
    return Design(board, text, constraints, FAMILIES[board.family].options(platform), described,
                  getattr(platform, "speed", ""), platform.package)
