"""OrangeCrab r0.2 (Good Stuff Department): ECP5 with DDR3; https://orangecrab-fpga.github.io/orangecrab-hardware."""

from amaranth.build import Attrs
from amaranth_boards import orangecrab_r0_2
from amaranth_boards.resources import UARTResource

from ..board import BlockRam, Board, Pin

__all__ = ["BOARDS"]

BOARDS = (
    Board("orangecrab-r0.2-85f", orangecrab_r0_2.OrangeCrabR0_2_85FPlatform, memory=BlockRam(256 << 10, "DDR3"),
          configuration={"preset": "blockram"}, heartbeat=Pin("rgb_led", 0, "g"), halted=Pin("rgb_led", 0, "r"),
          reset=Pin("button", 0),
          # The board has no serial chip: its own USB is wired to the device. A Feather's RX and TX are pins 0 and 1.
          resources=(UARTResource(0, rx="0", tx="1", conn=("io", 0), attrs=Attrs(IO_TYPE="LVCMOS33", PULLMODE="UP")),),
          pack=("--compress", "--freq", "38.8"), loader=("--board", "orangeCrab"), note="serial line on pins 0 and 1"),
)
