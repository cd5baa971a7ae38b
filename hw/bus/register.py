"""Registers of a peripheral as data and as hardware.

A register is a nested class of its peripheral; its fields are annotations, from bit 0 up::

    class Timer(wiring.Component):
        class Control(Register, access="rw", width=32):
            \"\"\"How the timer runs.\"\"\"

            enable: Field(RW, 1, description="count")
            mode: Field(RW, Mode)

        def __init__(self):
            bank = RegisterBank(addr_width=4)    # bytes
            self._control = bank.add("control", self.Control(), offset=0)
            self._bridge = Bridge(bank)
            super().__init__({"bus": In(self._bridge.bus.signature.flip())})
            self.bus.memory_map = bank.memory_map

        def elaborate(self, platform):
            m.submodules.bridge = self._bridge
            wiring.connect(m, wiring.flipped(self.bus), self._bridge.bus)
            ... self._control.f.enable.data ...

The bridge (`hw/bus/bridge.py`) is the Wishbone target in front of them.
"""

from dataclasses import dataclass
from enum import EnumMeta
from types import SimpleNamespace

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from amaranth.utils import exact_log2

from .field import Access, FieldAction, FieldPort, Reserved
from .memory_map import MemoryMap

__all__ = ["Alternate", "Field", "FieldInfo", "RegisterInfo", "Register", "RegisterBank", "registers"]

WIDTHS = (8, 16, 32, 64)


class Field:
    """Says which action a field has; the action is made with the register.

    Parameters
    ----------
    action : type
        Subclass of :class:`~hw.bus.field.FieldAction`.
    *args, **kwargs
        Its parameters, shape first.
    description : str
        For the documents.
    """

    def __init__(self, action, *args, description="", **kwargs):
        if not (isinstance(action, type) and issubclass(action, FieldAction)):
            raise TypeError(f"Action must be a subclass of FieldAction, not {action!r}")
        self.action = action
        self.description = description
        self._args = args
        self._kwargs = kwargs

    def create(self):
        return self.action(*self._args, **self._kwargs)


@dataclass(frozen=True)
class FieldInfo:
    """A field as data.

    Attributes
    ----------
    name : str
    lsb, width : int
        Bits.
    access : Access
    reset : int or None
        Value after reset; None where hardware gives it.
    description : str
    values : tuple of (str, int)
        Names of the values, if its shape is an enumeration.
    """

    name: str
    lsb: int
    width: int
    access: Access
    reset: int | None
    description: str = ""
    values: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class RegisterInfo:
    """A register as data, for the generators of headers, SVD and documents.

    Attributes
    ----------
    name : str
        Path of names joined by `_`.
    offset : int
        Bytes from the start of the map asked.
    width : int
        Bits.
    access : Access
    fields : tuple of FieldInfo
        Without the reserved ones.
    reset : int
        Value after reset of all fields that have one.
    description : str
    alternate_of : str or None
        Name of the register at the same address that stands in the memory map.
    """

    name: str
    offset: int
    width: int
    access: Access
    fields: tuple[FieldInfo, ...]
    reset: int
    description: str
    alternate_of: str | None = None


@dataclass(frozen=True)
class Alternate:
    """A register that shares its place with another one; see :meth:`RegisterBank.add_alternate`."""

    name: str
    register: "Register"
    when: Value | None = None


class Register(wiring.Component):
    """Base of all registers.

    Class parameters
    ----------------
    access : "r", "w" or "rw"
        Default: what the fields allow together.
    width : 8, 16, 32 or 64
        Default the smallest that holds the fields. Bits above the fields are reserved.

    Parameters
    ----------
    fields : dict of str to Field, optional
        Instead of annotations, where they depend on parameters.

    Attributes
    ----------
    element : Interface, In
        :class:`FieldPort` of the whole register.
    f : namespace
        The actions by field name.
    alternates : tuple of Alternate
        Registers that software finds at the same place.

    Raises
    ------
    TypeError, ValueError
        No fields, a field that is not a :class:`Field`, or more bits than the width has.
    """

    _access = None
    _width = None

    def __init_subclass__(cls, *, access=None, width=None, **kwargs):
        super().__init_subclass__(**kwargs)
        if access is not None:
            cls._access = Access(access)
        if width is not None:
            if width not in WIDTHS:
                raise ValueError(f"Register width must be one of 8, 16, 32, 64, not {width!r}")
            cls._width = width

    def __init__(self, fields=None):
        specifications = self._annotated() if fields is None else dict(fields)
        if not specifications:
            raise TypeError(f"Register {type(self).__name__} has no fields")
        actions = {}
        for name, field in specifications.items():
            if not isinstance(field, Field):
                raise TypeError(f"Field {name!r} must be a Field, not {field!r}")
            actions[name] = field.create()
        used = sum(action.width for action in actions.values())
        width = self._width or next((width for width in WIDTHS if used <= width), used)
        if used > width or width not in WIDTHS:
            raise ValueError(f"Fields of register {type(self).__name__} take {used} bits, more than "
                             f"{self._width or WIDTHS[-1]}")
        self.f = SimpleNamespace(**actions)
        self.width = width
        self.access = self._access or _combined(action.access for action in actions.values())
        self.description = (type(self).__doc__ or "").strip()
        self.alternates = ()
        self._actions = actions
        self._descriptions = {name: field.description for name, field in specifications.items()}
        super().__init__({"element": In(FieldPort(width))})

    @classmethod
    def _annotated(cls):
        return {name: value for name, value in vars(cls).get("__annotations__", {}).items()
                if isinstance(value, Field)}

    @property
    def fields(self):
        """The fields as a tuple of :class:`FieldInfo`."""
        infos, lsb = [], 0
        for name, action in self._actions.items():
            if not isinstance(action, Reserved):
                infos.append(FieldInfo(name, lsb, action.width, action.access, _reset_value(action),
                                       self._descriptions[name], _values_of(action.shape)))
            lsb += action.width
        return tuple(infos)

    def describe(self, name, offset, alternate_of=None):
        """This register as :class:`RegisterInfo`."""
        reset = sum((field.reset or 0) << field.lsb for field in self.fields)
        return RegisterInfo(name, offset, self.width, self.access, self.fields, reset, self.description,
                            alternate_of)

    def elaborate(self, platform):
        m = Module()
        lsb = 0
        for name, action in self._actions.items():
            m.submodules[name] = action
            bits = slice(lsb, lsb + action.width)
            if self.access.readable() and action.access.readable():
                m.d.comb += [
                    self.element.r_data[bits].eq(action.port.r_data),
                    action.port.r_stb.eq(self.element.r_stb),
                ]
            if self.access.writable() and action.access.writable():
                m.d.comb += [
                    action.port.w_data.eq(self.element.w_data[bits]),
                    action.port.w_mask.eq(self.element.w_mask[bits]),
                    action.port.w_stb.eq(self.element.w_stb),
                ]
            lsb += action.width
        return m


class RegisterBank:
    """The registers of a peripheral and their places.

    Parameters
    ----------
    addr_width : int
        Address bits in bytes, at least 3 (one bus word).

    Attributes
    ----------
    memory_map : MemoryMap
        Its resources are the registers.
    """

    def __init__(self, *, addr_width):
        if not isinstance(addr_width, int) or addr_width < 3:
            raise TypeError(f"Address width must be an integer of at least 3, not {addr_width!r}")
        self.memory_map = MemoryMap(addr_width=addr_width)

    def add(self, name, register, *, offset=None):
        """Place a register and return it.

        Parameters
        ----------
        name : str
        register : Register
        offset : int, optional
            Bytes, a multiple of the register's size; default the next free place.
        """
        if not isinstance(register, Register):
            raise TypeError(f"Register must be a Register, not {register!r}")
        size = register.width // 8
        self.memory_map.add_resource(register, name=name, size=size, addr=offset, alignment=exact_log2(size))
        return register

    def add_alternate(self, name, register, *, of, when=None):
        """Place a register where another one is already, and return it.

        Parameters
        ----------
        name : str
        register : Register
            As wide as the other.
        of : Register
            The one in the memory map.
        when : Value, optional
            Accesses go to this register while it is high. Default: no alternate's `when` is high, and the two
            share the place by direction.

        Raises
        ------
        ValueError
            Widths differ, or two registers would answer the same access.
        """
        if not isinstance(register, Register):
            raise TypeError(f"Register must be a Register, not {register!r}")
        self.memory_map.find_resource(of)
        if register.width != of.width:
            raise ValueError(f"Alternate {name!r} has {register.width} bits, the register it shares with {of.width}")
        sharing = [of, *(other.register for other in of.alternates if other.when is None)]
        for other in sharing if when is None else ():
            if Access.RW in (register.access, other.access) or register.access is other.access:
                raise ValueError(f"Alternate {name!r} and a register it shares with are both accessible "
                                 f"by {register.access.value!r}")
        of.alternates += (Alternate(name, register, when),)
        return register


def registers(memory_map):
    """All registers in a memory map as :class:`RegisterInfo`, by offset, each followed by its alternates."""
    for info in memory_map.all_resources():
        if isinstance(info.resource, Register):
            name = "_".join(info.path)
            yield info.resource.describe(name, info.start)
            for other in info.resource.alternates:
                yield other.register.describe("_".join((*info.path[:-1], other.name)), info.start, name)


def _combined(accesses):
    accesses = set(accesses)
    return accesses.pop() if len(accesses) == 1 else Access.RW


def _reset_value(action):
    if not hasattr(action, "data"):
        return None if action.init is None else int(action.init)
    return Value.cast(action.data).init


def _values_of(shape):
    return tuple((member.name, int(member.value)) for member in shape) if isinstance(shape, EnumMeta) else ()
