"""CMSIS-SVD description of the SoC's registers, for debuggers and register crates (CMSIS-SVD schema 1.3.9)."""

from xml.etree import ElementTree

from hw.bus.memory_map import MemoryMap
from hw.bus.register import RegisterInfo, registers

from ..memory_map import REGIONS

__all__ = ["svd"]

_ACCESS = {"r": "read-only", "w": "write-only", "rw": "read-write"}


def _text(parent: ElementTree.Element, **children) -> None:
    for name, value in children.items():
        ElementTree.SubElement(parent, name).text = str(value)


def _register(parent: ElementTree.Element, info: RegisterInfo) -> None:
    register = ElementTree.SubElement(parent, "register")
    _text(register, name=info.name, description=_sentence(info.description) or info.name)
    if info.alternate_of is not None:
        _text(register, alternateRegister=info.alternate_of)
    _text(register, addressOffset=f"{info.offset:#x}", size=info.width, access=_ACCESS[info.access.value],
          resetValue=f"{info.reset:#x}")
    if not info.fields:
        return
    fields = ElementTree.SubElement(register, "fields")
    for field in info.fields:
        element = ElementTree.SubElement(fields, "field")
        _text(element, name=field.name, description=field.description or field.name, bitOffset=field.lsb,
              bitWidth=field.width, access=_ACCESS[field.access.value])
        if field.values:
            values = ElementTree.SubElement(element, "enumeratedValues")
            for name, value in field.values:
                entry = ElementTree.SubElement(values, "enumeratedValue")
                _text(entry, name=name, value=value)


def _sentence(text: str) -> str:
    return " ".join(text.split())


def svd(memory_map: MemoryMap, device_name: str = "veridian", description: str = "Veridian SoC") -> str:
    """SVD text of every window of `memory_map` that holds registers."""
    interrupts = {region.name: region.interrupt for region in REGIONS}
    device = ElementTree.Element("device", schemaVersion="1.3")
    _text(device, name=device_name, version="1.0", description=description, addressUnitBits=8, width=64,
          size=64, access="read-write", resetValue="0x0")
    peripherals = ElementTree.SubElement(device, "peripherals")
    for window, name, start, end in memory_map.windows():
        infos = list(registers(window))
        if not infos:
            continue
        peripheral = ElementTree.SubElement(peripherals, "peripheral")
        _text(peripheral, name=name.upper(), baseAddress=f"{start:#x}")
        block = ElementTree.SubElement(peripheral, "addressBlock")
        _text(block, offset="0x0", size=f"{end - start:#x}", usage="registers")
        if (number := interrupts.get(name)) is not None:
            interrupt = ElementTree.SubElement(peripheral, "interrupt")
            _text(interrupt, name=name, value=number)
        block = ElementTree.SubElement(peripheral, "registers")
        for info in infos:
            _register(block, info)
    ElementTree.indent(device)
    return ElementTree.tostring(device, encoding="unicode", xml_declaration=True) + "\n"
