"""ECPIX-5 (LambdaConcept): ECP5 with DDR3; https://shop.lambdaconcept.com."""

from amaranth_boards import ecpix5

from ..board import BlockRam, Board, Pin

__all__ = ["BOARDS"]

BOARDS = (
    Board("ecpix5-85f", ecpix5.ECPIX585Platform, memory=BlockRam(256 << 10, "DDR3"),
          configuration={"preset": "blockram"}, heartbeat=Pin("rgb_led", 0, "g"), halted=Pin("rgb_led", 0, "r"),
          reset=Pin("rst"), loader=("--board", "ecpix5")),
)
