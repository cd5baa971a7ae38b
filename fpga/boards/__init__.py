"""One file for each board, or family of boards: `BOARDS`, a tuple of :class:`fpga.board.Board`."""
