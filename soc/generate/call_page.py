"""The page `docs/reference/system-calls.md`, from the table of system calls."""

from hw import abi

from .markdown import banner, table

__all__ = ["needs", "system_calls_page"]

_WORDS = [f"message {i}" for i in range(abi.MESSAGE_WORDS)] + [
    "info", "handle", "handles 0, 1", "handles 2, 3", "timeout"]


def _rights(rights: abi.Rights) -> str:
    return ", ".join(f"`{right.name}`" for right in abi.Rights if right in rights) or "no right"


def needs(handle: abi.HandleArgument) -> str:
    """What a handle argument asks of its capability, in words."""
    types = [f"`{cap_type.name}`" for cap_type in (handle.cap_type, handle.other_type) if cap_type]
    kind = " or ".join(types) or "any type"
    rights = [_rights(handle.rights)] if handle.rights or handle.asked is None else []
    asked = [f"what word {handle.asked} asks for"] if handle.asked is not None else []
    return f"{kind}: {' and '.join(rights + asked)}" + (", of a dead object too" if handle.stale else "") \
        + (" (0: the caller's own)" if handle.own else "")


def _place(argument: abi.Argument) -> str:
    if argument.kind is abi.Kind.MESSAGE:
        return "words 0 to 7"
    if argument.kind is abi.Kind.CAPABILITIES:
        return "words 10, 11"
    return f"word {argument.word}"


def _registers(argument: abi.Argument) -> str:
    """Registers by architecture, in the order of CALL_REGISTERS."""
    words = {abi.Kind.MESSAGE: range(abi.MESSAGE_WORDS), abi.Kind.CAPABILITIES: abi.CAPABILITY_WORDS}.get(
        argument.kind, (argument.word,))
    return "; ".join(f"`{names[words[0]]}`" if len(words) == 1 else f"`{names[words[0]]}` to `{names[words[-1]]}`"
                     for names in abi.CALL_REGISTERS.values())


def _section(rule: abi.CallRule) -> list[str]:
    parts = [f"### {rule.call.value} {rule.call.name}\n", rule.summary + "\n"]
    if rule.arguments:
        rows = [(argument.name, argument.kind.title, _place(argument), _registers(argument),
                 needs(argument) if isinstance(argument, abi.HandleArgument) else "") for argument in rule.arguments]
        parts.append(table(("argument", "type", "place", "registers", "capability needed"), rows))
    if rule.results:
        parts.append(f"Result: {rule.results}.\n")
    parts.append("Errors: " + ", ".join(f"`{status.name}`" for status in rule.all_errors) + ".\n")
    return parts


def system_calls_page() -> str:
    """Count, list and description of every call."""
    free = [rule for rule in abi.CALLS if not rule.handles]
    rows = [(rule.call.value, f"`{rule.call.name}`", "; ".join(needs(handle) for handle in rule.handles) or "none",
             rule.summary) for rule in abi.CALLS]
    rights = [(f"`{cap_type.name}`", _rights(mask)) for cap_type, mask in abi.TYPE_RIGHTS.items()]
    return "\n".join([
        banner("hw/abi/call_table.py"), "# System calls\n",
        f"There are {len(abi.CALLS)}. {len(free)} need no capability in a handle argument: "
        + ", ".join(f"`{rule.call.name}`" for rule in free) + ".\n",
        "A call is made with 13 words in registers. Its number is the low half-word of the info word, where the status "
        "comes back. The kernel checks in this order, and whatever fails changes nothing: number and reserved bits of "
        "the info word (`BAD_CALL`); capabilities with a call that takes none (`BAD_ARGUMENT`); each handle (verdict "
        "of the check, the first that applies); arguments with more bits than their type has (`BAD_ARGUMENT`).\n",
        table(("number", "call", "capability", "what it does"), rows),
        "## Types of objects\n",
        "A capability to a new object has all rights of its type:\n",
        table(("type", "rights"), rights),
        "## Registers\n",
        table(("architecture", *_WORDS), [(architecture, *(f"`{name}`" for name in names))
                                          for architecture, names in abi.CALL_REGISTERS.items()]),
        "## Each call\n", f"Registers are those of {', '.join(abi.CALL_REGISTERS)}.\n",
        *(part for rule in abi.CALLS for part in _section(rule)),
    ])
