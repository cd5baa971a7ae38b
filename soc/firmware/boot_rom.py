"""Contents of the boot ROM: assembly and C from `soc/firmware/boot`, compiled for a configuration.

``python -m soc.firmware.boot_rom`` prints the path of the flat binary.
"""

from pathlib import Path

import click

from hw.bus.register import registers
from hw.memory.l2_config import L2Config
from hw.memory.l2_registers import L2Registers
from hw.peripherals.spi_flash import SpiFlash
from hw.peripherals.straps import BootStraps

from ..config import SocConfig
from ..generate.c_header import image_header, memory_map_header
from ..generate.linker_script import boot_rom_script
from .build import BASE_FLAGS, build_flat

__all__ = ["SOURCES", "boot_rom", "build_boot_rom"]

FOLDER = Path(__file__).resolve().parent / "boot"
#: What the contents depend on besides the hardware's data.
SOURCES = sorted(path for path in FOLDER.iterdir() if path.suffix in (".c", ".h", ".S"))

#: Odd, with as many ones as zeros: the memory test's pattern (2^64 over the golden ratio).
PATTERN_FACTOR = 0x9e37_79b9_7f4a_7c15


def _bit(bank, register: str, field: str) -> int:
    """Mask of a field of one bit."""
    info, = (info for info in registers(bank) if info.name == register)
    return 1 << next(one.lsb for one in info.fields if one.name == field)


def _defines(config: SocConfig) -> dict[str, int]:
    flash, l2 = SpiFlash().bus.memory_map, L2Registers(L2Config()).bus.memory_map
    values = {f"STRAP_{name.upper()}": 1 << field.offset for name, field in BootStraps.as_shape()}
    values |= {f"FLASH_{info.name.upper()}": info.offset for info in registers(flash)}
    values |= {f"L2_{info.name.upper()}": info.offset for info in registers(l2)}
    return values | {
        "FLASH_CONTROL_QUAD": _bit(flash, "control", "quad"),
        "FLASH_CONTROL_SELECT": _bit(flash, "control", "select"),
        "FLASH_STATUS_BUSY": _bit(flash, "status", "busy"),
        "L2_FLUSH_AND_INVALIDATE": _bit(l2, "command", "flush") | _bit(l2, "command", "invalidate"),
        "L2_FLUSHING": _bit(l2, "status", "flushing"),
        "L2_CACHE": int(config.l2_bytes > 0),
        "FLASH": int(config.flash),
        "FLASH_OFFSET": config.flash_offset,
        "UART_DIVISOR": config.uart_divisor,
        "TIMEBASE_HZ": config.timebase_hz,
        "PATTERN_FACTOR": PATTERN_FACTOR,
    }


def build_boot_rom(config: SocConfig | None = None) -> Path:
    """The boot ROM as a flat binary; built when a source or the configuration changed.

    Raises
    ------
    click.ClickException
        With the compiler's first error.
    """
    config = config or SocConfig()
    defines = [f"-D{name}={value:#x}" for name, value in sorted(_defines(config).items())]
    # Tables of jumps would hold addresses in the ROM, and the code runs from a copy.
    flags = (*BASE_FLAGS, "-fno-jump-tables", "-ffunction-sections", "-fdata-sections", *defines)
    return build_flat("boot_rom", [path for path in SOURCES if path.suffix != ".h"], flags,
                      script=boot_rom_script(), depends=SOURCES,
                      headers={"memory_map.h": memory_map_header(config.memory_bytes), "image.h": image_header()})


def boot_rom(config: SocConfig | None = None) -> bytes:
    """Contents of the boot ROM."""
    return build_boot_rom(config).read_bytes()


@click.command()
@click.option("--config", default="{}", metavar="JSON", help="Fields of SocConfig that differ from their defaults.")
def main(config):
    """Build the boot ROM and print where it is."""
    try:
        click.echo(build_boot_rom(SocConfig.from_json(config)))
    except (TypeError, ValueError) as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
