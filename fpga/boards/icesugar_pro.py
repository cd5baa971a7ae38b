"""iCESugar-pro (MuseLab): ECP5 with 32 MiB of SDRAM; https://github.com/wuxx/icesugar-pro."""

from amaranth_boards import icesugar_pro

from ..board import Board, Pin, Sdram

__all__ = ["BOARDS"]

BOARDS = (
    # The chip is one of several makes; the slowest of ours fits them all.
    Board("icesugar-pro", icesugar_pro.ICESugarProPlatform, memory=Sdram("AS4C16M16SA-7"),
          configuration={"preset": "small"}, heartbeat=Pin("rgb_led", 0, "g"), halted=Pin("rgb_led", 0, "r"),
          loader=("--cable", "cmsisdap"), note="no button: reset by loading the bitstream"),
)
