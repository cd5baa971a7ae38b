"""The reference model: hart and SoC as functions, without timing. See `docs/simulation.md`."""
