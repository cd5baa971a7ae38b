"""Parameters on a command line: NAME=VALUE pairs that change a system's configuration."""

import json
from dataclasses import asdict

from hw.core.config import CoreConfig
from soc.config import SocConfig

from .toolchain import ToolError

__all__ = ["parse_configuration"]


def _value(text: str):
    """A number in any of Python's notations, JSON, or plain text."""
    try:
        return int(text, 0)
    except ValueError:
        pass
    try:
        return json.loads(text.lower() if text.lower() in ("true", "false") else text)
    except ValueError:
        return text


def parse_configuration(text: str = "{}", parameters: tuple[str, ...] = (), *, trace: bool = True) -> SocConfig:
    """Configuration from JSON and NAME=VALUE pairs.

    Parameters
    ----------
    text : str
        Fields of `SocConfig` as a JSON object.
    parameters : tuple of str
        `core.NAME=VALUE` or `NAME=VALUE`; a name that `SocConfig` does not have is looked for in `CoreConfig`.
    trace : bool
        The trace port, unless `text` or `parameters` name it.

    Raises
    ------
    ToolError
        With one line, for anything that is no configuration.
    """
    try:
        given = json.loads(text)
        if not isinstance(given, dict):
            raise ValueError(f"a configuration is a JSON object, not {given!r}")
    except ValueError as error:
        raise ToolError(f"--config: {error}", 2) from None
    given = {"trace": trace} | given
    core = dict(given.pop("core", {}))
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not equals:
            raise ToolError(f"a parameter is NAME=VALUE, not '{parameter}'", 2)
        if name in SocConfig.__dataclass_fields__ and name != "core":
            given[name] = _value(value)
        elif (field := name.removeprefix("core.")) in CoreConfig.__dataclass_fields__:
            core[field] = _value(value)
        else:
            raise ToolError(f"there is no parameter '{name}'; there are {', '.join(_names())}", 2)
    try:
        return SocConfig.from_json(json.dumps(given | {"core": core}))
    except (TypeError, ValueError) as error:
        raise ToolError(f"bad parameter: {error}", 2) from None


def _names() -> list[str]:
    system = [name for name in asdict(SocConfig()) if name != "core"]
    return [*system, *(name for name in CoreConfig.__dataclass_fields__ if name not in system)]
