"""Parameters of a block on a command line: a JSON object and NAME=VALUE pairs make its configuration."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields

from hw.core.config import CoreConfig

from .config import SocConfig
from .presets import PRESETS, read_fields

__all__ = ["configure", "describe", "parameter_names"]


#: Parameters of the core that a system sets itself (:class:`soc.top.SoC`).
_OF_THE_SYSTEM = ("reset_vector", "cached", "uncached_code", "trace", "debug", "debug_vector")


def _value(text: str):
    """A number in any of Python's notations, JSON, or plain text."""
    for parse in (lambda text: int(text, 0), json.loads):
        try:
            return parse(text.lower() if text.lower() in ("true", "false") else text)
        except ValueError:
            continue
    return text


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def parameter_names(kind: type) -> list[str]:
    """Names of the parameters of a configuration class. Planted faults are the tests' own business."""
    own = [field.name for field in fields(kind) if not field.name.startswith("fault")]
    if kind is SocConfig:
        own.remove("core")
        own += [f"core.{name}" for name in parameter_names(CoreConfig) if name not in _OF_THE_SYSTEM]
    return own


def configure(kind: type, text: str = "{}", parameters: Iterable[str] = (), defaults: Mapping | None = None):
    """Make a configuration.

    Parameters
    ----------
    kind : type
        Configuration dataclass of the block.
    text : str
        Fields as a JSON object, or the name of one of :data:`soc.presets.PRESETS`. The core also takes a whole
        system's, and uses its field `core`.
    parameters : iterable of str
        NAME=VALUE; they win over `text`. A system's core has `core.NAME`, or NAME where the system has none of it.
    defaults : mapping, optional
        Fields that differ from the class's defaults.

    Raises
    ------
    ValueError
        With one line, for anything that is no configuration.
    """
    try:
        given = read_fields(text)
    except ValueError as error:
        raise ValueError(f"a configuration is a JSON object: {error}, nor is it {' or '.join(PRESETS)}") from None
    if not isinstance(given, dict):
        raise ValueError(f"a configuration is a JSON object, not {given!r}")
    if kind is CoreConfig and "core" in given:
        try:
            SocConfig.from_json(text)
        except TypeError as error:
            raise ValueError(str(error)) from None
        given = given["core"]
    known = parameter_names(kind)
    core = dict(given.pop("core", {})) if kind is SocConfig else {}
    if unknown := set(given) - set(known):
        raise ValueError(f"there is no parameter '{min(unknown)}'; there are {', '.join(known)}")
    values = dict(defaults or {}) | given
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not equals:
            raise ValueError(f"a parameter is NAME=VALUE, not '{parameter}'")
        if name in known and not name.startswith("core."):
            values[name] = _value(value)
        elif f"core.{(field := name.removeprefix('core.'))}" in known:
            core[field] = _value(value)
        else:
            raise ValueError(f"there is no parameter '{name}'; there are {', '.join(known)}")
    try:
        if kind is SocConfig:
            return SocConfig.from_json(json.dumps(values | {"core": core}))
        return kind(**{name: _tuples(value) for name, value in values.items()})
    except TypeError as error:
        raise ValueError(str(error)) from None


def describe(configuration) -> str:
    """All parameters as NAME=VALUE pairs that :func:`configure` reads back, without a line break."""
    words = []
    for name in parameter_names(type(configuration)):
        value = configuration
        for part in name.split("."):
            value = getattr(value, part)
        words.append(f"{name}={json.dumps(value, separators=(',', ':'))}")
    return " ".join(words)
