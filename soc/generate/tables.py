"""Reference tables in Markdown for `docs/reference`, from the same data as hardware and headers."""

from amaranth.lib import data

from hw import abi
from hw.bus.memory_map import MemoryMap
from hw.bus.register import registers

from .. import memory_map as places
from ..presets import PRESETS
from .call_page import system_calls_page
from .markdown import banner, table

__all__ = ["abi_page", "memory_map_page", "pages", "registers_page"]


def memory_map_page() -> str:
    """Addresses and interrupts."""
    rows = [(region.name, f"`{region.base:#010x}`", f"`{region.size:#x}`",
             ", ".join(f"`{name}`" for name in region.compatible), "" if region.interrupt is None else region.interrupt,
             "memory" if region.cached else "I/O") for region in places.REGIONS]
    whole, small = places.layout(), places.layout(PRESETS["blockram"]["memory_bytes"])
    names = ("kernel_base", "device_tree_base", "loader_base")
    addresses = [(f"`{name}`", *2 * [f"`{getattr(places, name):#010x}`"]) for name in ("RESET_VECTOR", "FIRMWARE_BASE")]
    addresses += [(f"`{name.upper()}`", *(f"`{getattr(one, name):#010x}`" for one in (whole, small)))
                  for name in names]
    addresses.insert(3, ("`INITRD_BASE`", f"`{places.INITRD_BASE:#010x}`", "on pages, up to the device tree"))
    return "\n".join([
        banner("soc/memory_map.py"), "# Memory map\n",
        table(("region", "base", "size", "compatible", "interrupt", "kind"), rows),
        "## Where the loader puts things\n",
        table(("name", *(f"in {one.memory_bytes >> 10} KiB" for one in (whole, small))), addresses),
    ])


def _bits(lsb: int, width: int) -> str:
    return f"{lsb + width - 1}:{lsb}" if width > 1 else str(lsb)


def _layout_table(layout: type[data.Struct]) -> str:
    shape = layout.as_shape()
    rows = [(_bits(field.offset, field.width), f"`{name}`", field.width) for name, field in shape]
    return table(("bits", "field", "width"), rows)


def _first_line(text: str | None) -> str:
    return " ".join((text or "").strip().split("\n\n")[0].split())


def abi_page() -> str:
    """Layouts, enumerations, instructions and CSRs."""
    parts = [banner("hw/abi"), "# Binary interface\n"]
    for layout in (abi.Token, abi.Slot, abi.Handle, abi.SpaceEntry, abi.DirectoryEntry, abi.ObjectEntry, abi.Query,
                   abi.Answer, abi.RevokeAnswer, abi.MailAnswer, abi.InfoIn, abi.InfoOut):
        parts += [f"## {layout.__name__}\n", _first_line(layout.__doc__) + "\n", _layout_table(layout)]
    for enumeration in (abi.CapType, abi.Rights, abi.Verdict, abi.RevokeState, abi.MailStatus, abi.Status,
                        abi.Resource, abi.KernelControl, abi.ExitReason):
        parts += [f"## {enumeration.__name__}\n", _first_line(enumeration.__doc__) + "\n",
                  table(("name", "value"), [(f"`{member.name}`", member.value) for member in enumeration])]
    parts += ["## Instructions\n", f"Major opcode custom-0, `{abi.CUSTOM_0:#09b}`.\n",
              table(("mnemonic", "funct7", "funct3", "user mode", "operands"),
                     [(f"`{one.name}`", one.funct7, one.funct3, "yes" if one.user else "no", one.operands)
                      for one in abi.INSTRUCTIONS])]
    parts += ["## CSRs\n", table(("name", "number"), [(f"`{csr.name.lower()}`", f"`{csr.value:#x}`")
                                                       for csr in abi.Csr])]
    parts.append("System calls have a [page of their own](system-calls.md).\n")
    return "\n".join(parts)


def registers_page(memory_map: MemoryMap) -> str:
    """Every register on the bus, by device."""
    parts = [banner("the register classes of hw/"), "# Registers\n"]
    for window, name, start, _ in memory_map.windows():
        infos = list(registers(window))
        if not infos:
            continue
        rows = []
        for info in infos:
            fields = ", ".join(f"{field.name} [{_bits(field.lsb, field.width)}]" for field in info.fields)
            rows.append((f"`{info.offset:#x}`", f"`{info.name}`", info.width, info.access.value,
                         f"`{info.reset:#x}`", fields, _first_line(info.description)))
        parts += [f"## {name} at {start:#010x}\n",
                  table(("offset", "register", "bits", "access", "reset", "fields", "description"), rows)]
    return "\n".join(parts)


def pages(memory_map: MemoryMap) -> dict[str, str]:
    """All pages by file name."""
    return {"memory-map.md": memory_map_page(), "abi.md": abi_page(), "registers.md": registers_page(memory_map),
            "system-calls.md": system_calls_page()}
