"""iCEBreaker (1BitSquared): iCE40UP5K; https://1bitsquared.com/products/icebreaker."""

from amaranth_boards import icebreaker

from ..board import Board, Pin

__all__ = ["BOARDS"]

BOARDS = (
    Board("icebreaker", icebreaker.ICEBreakerPlatform, memory="128 KiB SPRAM for tables", design="accelerator",
          clock_hz=12_000_000, heartbeat=Pin("led_g"), halted=Pin("led_r"), pack=(), flash=None,
          loader=("--board", "ice40_generic"), note="capability unit alone, no processor; the mailbox has no room"),
)
