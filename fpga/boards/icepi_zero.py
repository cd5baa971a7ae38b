"""Icepi Zero: ECP5 with 32 MiB of SDRAM in the shape of a Raspberry Pi Zero; https://github.com/cheyao/icepi-zero."""

from amaranth_boards import icepi_zero

from ..board import Board, Pin, Sdram

__all__ = ["BOARDS"]

BOARDS = (
    # The chip is one of several makes; the slowest of ours fits them all.
    Board("icepi-zero", icepi_zero.IcepiZero1_3Platform, memory=Sdram("AS4C16M16SA-7"),
          configuration={"preset": "small"}, heartbeat=Pin("led", 0), halted=Pin("led", 1), reset=Pin("button", 0),
          upload=Pin("button", 1), loader=("--board", "icepi-zero")),
)
