"""Reference model of quotas, in the simplest Python that says what must hold: see kernel/proc/quotas.h."""

from __future__ import annotations

from dataclasses import dataclass

from hw.abi import Resource, Status

__all__ = ["SHORTAGE", "USUAL", "ModelProcess", "QuotaModel"]

USUAL = {Resource.FRAMES: 512, Resource.SLOTS: 2048, Resource.OBJECTS: 512, Resource.THREADS: 32}
SHORTAGE = {Resource.FRAMES: Status.NO_MEMORY, Resource.SLOTS: Status.NO_SLOTS, Resource.OBJECTS: Status.NO_OBJECTS,
            Resource.THREADS: Status.NO_THREADS}


@dataclass(eq=False)
class ModelProcess:
    """What a process may take, and has taken, of each resource."""

    maker: ModelProcess | None
    limit: dict[Resource, int]
    used: dict[Resource, int]
    sealed: int | None = None

    def left(self, resource: Resource) -> int:
        return self.limit[resource] - self.used[resource]


class QuotaModel:
    """Processes, and those that have ended of which something is in use yet (`leavings`)."""

    def __init__(self, limits: dict[Resource, int]):
        self.first = ModelProcess(None, dict(limits), dict.fromkeys(Resource, 0))
        self.living = [self.first]
        self.leavings: list[ModelProcess] = []

    def amounts(self, maker: ModelProcess, wanted: dict[Resource, int]) -> dict[Resource, int] | Status:
        """What a new process gets, or what its maker is told."""
        left = {resource: maker.left(resource) for resource in Resource}
        left[Resource.OBJECTS] -= 1
        if left[Resource.OBJECTS] < 0:
            return Status.NO_OBJECTS
        amounts = {resource: wanted.get(resource) or min(USUAL[resource], left[resource] // 2) for resource in Resource}
        short = [resource for resource in Resource if amounts[resource] > left[resource]]
        return SHORTAGE[short[0]] if short else amounts

    def make(self, maker: ModelProcess, amounts: dict[Resource, int]) -> ModelProcess:
        maker.used[Resource.OBJECTS] += 1
        for resource in Resource:
            maker.limit[resource] -= amounts[resource]
        process = ModelProcess(maker, dict(amounts), dict.fromkeys(Resource, 0))
        self.living.append(process)
        return process

    def set_limit(self, process: ModelProcess, by: ModelProcess, resource: Resource, limit: int) -> Status:
        more = limit - process.limit[resource]
        sealed = resource == Resource.SLOTS and process.sealed is not None and limit > process.sealed
        if limit < process.used[resource] or more > 0 and (process.maker is None or by is not process.maker or sealed):
            return Status.BAD_ARGUMENT
        if more > 0 and more > process.maker.left(resource):
            return SHORTAGE[resource]
        process.limit[resource] = limit
        if process.maker is not None:
            process.maker.limit[resource] -= more
        return Status.OK

    def end(self, process: ModelProcess) -> None:
        """Its children are its maker's; what it has not in use as well."""
        maker = process.maker
        self.living.remove(process)
        self.leavings.append(process)
        for child in self.living + self.leavings:
            if child.maker is process:
                child.maker = maker
                for which, change in ((process, -1), (maker, 1)):
                    which.used[Resource.OBJECTS] += change
                    which.limit[Resource.OBJECTS] += change
        for resource in Resource:
            maker.limit[resource] += process.left(resource)
            process.limit[resource] = process.used[resource]

    def give_back(self, process: ModelProcess, resource: Resource, count: int) -> None:
        process.used[resource] -= count
        if process in self.leavings:
            process.limit[resource] -= count
            process.maker.limit[resource] += count

    def close(self, process: ModelProcess) -> bool:
        """Nothing names the process any more. False: something of it is in use."""
        if process not in self.leavings or any(process.used.values()):
            return False
        self.leavings.remove(process)
        process.maker.used[Resource.OBJECTS] -= 1
        return True

    def total(self, resource: Resource) -> int:
        """Of all processes: always what the first one had."""
        return sum(process.limit[resource] for process in self.living + self.leavings)
