"""Reference model of the capability system (DESIGN 5), in the simplest Python that says what must hold.

A capability is a node of the derivation tree; a space maps handles to nodes. The model never looks at tables, slots
or tags: where the kernel chooses (which handle a new capability gets), the caller tells the model what it chose.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hw.abi import CapType, Rights, Verdict

__all__ = ["Capability", "CapabilityModel", "ModelObject"]


@dataclass(eq=False)
class ModelObject:
    """An object that capabilities name. A dead one makes every token that named it stale."""

    identifier: int
    cap_type: CapType
    alive: bool = True


@dataclass(eq=False)
class Capability:
    """A node of the derivation tree, lying in a space under a handle."""

    space: int
    handle: int
    target: ModelObject
    rights: Rights
    badge: int
    parent: Capability | None = None
    children: list[Capability] = field(default_factory=list)

    def descendants(self):
        """Every capability derived from this one, directly or not."""
        for child in self.children:
            yield child
            yield from child.descendants()


class CapabilityModel:
    """Spaces of capabilities and the operations on them."""

    def __init__(self):
        self.spaces: dict[int, dict[int, Capability]] = {}
        #: How many capabilities each space may hold; those that are not listed, as many as the system allows.
        self.limits: dict[int, int] = {}

    def lookup(self, space: int, handle: int) -> Capability | None:
        return self.spaces.get(space, {}).get(handle)

    def check(self, space: int, handle: int, cap_type: int, rights: int) -> tuple[Verdict, int, int]:
        """Verdict, object id and badge (both 0 unless OK) for a handle that was once given out or never existed."""
        capability = self.lookup(space, handle)
        if capability is None:
            verdict = Verdict.BAD_HANDLE
        elif not capability.target.alive:
            verdict = Verdict.STALE
        elif capability.target.cap_type.value != cap_type:
            verdict = Verdict.WRONG_TYPE
        elif rights & ~capability.rights.value:
            verdict = Verdict.MISSING_RIGHTS
        else:
            return Verdict.OK, capability.target.identifier, capability.badge
        return verdict, 0, 0

    def add(self, capability: Capability) -> Capability:
        """Put a capability that the kernel made under the handle that the kernel chose."""
        slots = self.spaces[capability.space]
        assert capability.handle not in slots, "the kernel gave out a handle that is in use"
        slots[capability.handle] = capability
        if capability.parent is not None:
            capability.parent.children.append(capability)
        return capability

    def move(self, capability: Capability, space: int, handle: int):
        """The same node of the tree in another place; the old handle is dead."""
        del self.spaces[capability.space][capability.handle]
        assert handle not in self.spaces[space]
        capability.space, capability.handle = space, handle
        self.spaces[space][handle] = capability

    def delete(self, capability: Capability):
        """Remove one capability; its children become its parent's (roots if it had none)."""
        del self.spaces[capability.space][capability.handle]
        for child in capability.children:
            child.parent = capability.parent
            if capability.parent is not None:
                capability.parent.children.append(child)
        if capability.parent is not None:
            capability.parent.children.remove(capability)

    def revoke(self, capability: Capability) -> int:
        """Kill all descendants in every space; the capability itself stays. Returns how many died."""
        dead = list(capability.descendants())
        for descendant in dead:
            del self.spaces[descendant.space][descendant.handle]
        capability.children.clear()
        return len(dead)

    def destroy_space(self, space: int):
        for capability in list(self.spaces[space].values()):
            self.delete(capability)
        del self.spaces[space]
        self.limits.pop(space, None)

    def seal(self, space: int, limit: int, most: int, rises: bool) -> bool:
        """Change how many a space may hold: at most `most`, and if not `rises` never more again. False: more, or fewer
        than it holds.
        """
        if not len(self.spaces[space]) <= limit <= (most if rises else self.limits.get(space, most)):
            return False
        self.limits[space] = limit
        return True
