"""ULX3S (Radiona): ECP5 with 32 MiB of SDRAM; https://radiona.org/ulx3s."""

from amaranth_boards import ulx3s

from ..board import Board, Pin, Sdram

__all__ = ["BOARDS"]

_COMMON = {
    "memory": Sdram("AS4C16M16SA-7"),
    "heartbeat": Pin("led", 0),
    "halted": Pin("led", 1),
    "reset": Pin("button_fire", 0),
    "upload": Pin("button_fire", 1),
    "flash": Pin("spi_flash"),
    # Low, it keeps the ESP32 in its loader, which may take the board over.
    "held": ((Pin("esp32", 0, "gpio0"), 1),),
    "loader": ("--board", "ulx3s"),
}

BOARDS = (
    Board("ulx3s-85f", ulx3s.ULX3S_85F_Platform, **_COMMON, note="the default"),
    Board("ulx3s-45f", ulx3s.ULX3S_45F_Platform, **_COMMON),
    Board("ulx3s-25f", ulx3s.ULX3S_25F_Platform, configuration={"preset": "small"}, **_COMMON),
    Board("ulx3s-12f", ulx3s.ULX3S_12F_Platform, configuration={"preset": "small"}, **_COMMON,
          note="the same die as the 25F, and all of it can be used"),
)
