"""Hypothesis state machine: kernel/proc/quotas.c on the host against the reference model.

Not collected by pytest itself: test_quotas.py runs it in a process with the sanitizers' runtime.

Usage: python tests/kernel/quota_machine.py LIBRARY EXAMPLES STEPS [--first]

--first ends at the first failure without looking for the shortest one.
"""

import sys
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

sys.path.insert(0, str(Path(__file__).parents[2]))

from hw.abi import Quotas, Resource, Status  # noqa: E402
from tests.kernel.host_library import load_quotas  # noqa: E402
from tests.kernel.quota_model import QuotaModel  # noqa: E402

#: Of the first process: few, so that they run out.
LIMITS = {Resource.FRAMES: 2000, Resource.SLOTS: 300, Resource.OBJECTS: 12, Resource.THREADS: 9}
PLACES = st.integers(0, 99)
RESOURCES = st.sampled_from(list(Resource))
#: In parts of what there is, as the amounts differ.
SHARES = st.sampled_from((0, 0, 1 / 8, 1 / 3, 1 / 2, 1, 1.01, 200))


class QuotaMachine(RuleBasedStateMachine):
    """Processes are made, take, give back, are limited, end, and are forgotten."""

    ffi = lib = None
    #: First processes' records: the library's list keeps them.
    first_ones: list = []  # noqa: RUF012

    def __init__(self):
        super().__init__()
        self.model = QuotaModel(LIMITS)
        self.records = {self.model.first: self.ffi.new("struct quotas *")}
        self.first_ones.append(self.records[self.model.first])
        self.lib.quotas_first(self.records[self.model.first],
                              self.ffi.new("uint32_t[4]", [LIMITS[resource] for resource in Resource]))

    def pick(self, place):
        return self.model.living[-1 - place % len(self.model.living)]

    def pick_any(self, place):
        everyone = self.model.living + self.model.leavings
        return everyone[place % len(everyone)]

    @rule(place=PLACES, resource=RESOURCES, share=st.sampled_from((0, 0, 0, 1, 1.01, 200)),
          wanted=st.fixed_dictionaries(dict.fromkeys(Resource, st.sampled_from((0, 1 / 8, 1 / 3, 1 / 2)))))
    def make(self, place, wanted, resource, share):
        """`share` is for one of them, which may be too much."""
        maker = self.pick(place)
        wanted[resource] = share
        amounts = {resource: min(int(share * max(1, maker.left(resource))), 0xffff)
                   for resource, share in wanted.items()}
        word = Quotas.const({resource.name.lower(): amount for resource, amount in amounts.items()}).as_bits()
        record = self.ffi.new("struct quotas *")
        status = Status(self.lib.quotas_open(record, self.records[maker], word))
        expected = self.model.amounts(maker, amounts)
        if isinstance(expected, Status):
            assert status == expected
        else:
            assert status == Status.OK
            self.records[self.model.make(maker, expected)] = record

    @rule(place=PLACES, resource=RESOURCES, share=SHARES)
    def take(self, place, resource, share):
        process = self.pick(place)
        count = min(process.left(resource), int(share * process.left(resource)) or 1)
        process.used[resource] += count
        self.records[process].of[resource.value].used += count
        # That is the least that its limit can be.
        if process.used[resource]:
            self.set_limit(process, process.maker, resource, process.used[resource] - 1)

    @rule(place=PLACES, resource=RESOURCES, share=SHARES)
    def give_back(self, place, resource, share):
        process = self.pick_any(place)
        # What it has made of processes is not given back by itself.
        children = sum(other.maker is process for other in self.records) if resource == Resource.OBJECTS else 0
        most = process.used[resource] - children
        count = min(most, int(share * most))
        self.model.give_back(process, resource, count)
        self.lib.quotas_return(self.records[process], resource.value, count)

    @rule(place=PLACES, other=PLACES, by_maker=st.booleans(), resource=RESOURCES, share=SHARES,
          more=st.sampled_from((None, -1, 1)))
    def limit(self, place, other, by_maker, resource, share, more):
        process = self.pick(place)
        by = process.maker if by_maker and process.maker else self.pick(other)
        self.set_limit(process, by, resource, int(process.limit[resource] * 2 * share) if more is None
                       else max(0, process.limit[resource] + more))

    def set_limit(self, process, by, resource, limit):
        if process is self.model.first and limit < process.limit[resource]:
            return      # It would be less for all from then on.
        record = self.records[by] if by else self.records[process]
        status = Status(self.lib.quotas_limit(self.records[process], record, resource.value, limit))
        assert status == self.model.set_limit(process, by, resource, limit)

    @rule(place=PLACES, resource=st.integers(len(Resource), (1 << 64) - 1))
    def no_resource(self, place, resource):
        record = self.records[self.pick(place)]
        assert Status(self.lib.quotas_limit(record, record, resource, 0)) == Status.BAD_ARGUMENT

    @rule(place=PLACES, more=st.integers(0, 2))
    def seal(self, place, more):
        """For good, also when the maker gives more later."""
        process = self.pick(place)
        process.sealed = process.limit[Resource.SLOTS] + more
        self.records[process].sealed = process.sealed
        self.set_limit(process, process.maker, Resource.SLOTS, process.sealed + 1)

    @rule(place=PLACES)
    def end(self, place):
        process = self.pick(place)
        if process is not self.model.first:
            self.model.end(process)
            self.lib.quotas_end(self.records[process])

    @rule(place=PLACES)
    def close(self, place):
        process = self.model.leavings[place % len(self.model.leavings)] if self.model.leavings else self.pick(place)
        closed = self.model.close(process)
        assert self.lib.quotas_close(self.records[process]) == closed
        if closed:
            del self.records[process]

    @invariant()
    def agrees(self):
        for process, record in self.records.items():
            for resource in Resource:
                quota = record.of[resource.value]
                assert (quota.used, quota.limit) == (process.used[resource], process.limit[resource]), resource
            maker = self.records[process.maker] if process.maker else self.ffi.NULL
            assert record.maker == maker

    @invariant()
    def nothing_is_multiplied(self):
        for resource in Resource:
            assert sum(record.of[resource.value].limit for record in self.records.values()) == LIMITS[resource]

    def teardown(self):
        """All end, youngest first; the library's list is empty but for the first ones."""
        for process in [*self.model.living[:0:-1]]:
            self.model.end(process)
            self.lib.quotas_end(self.records[process])
        self.agrees()
        for process in list(self.model.leavings):
            for resource in Resource:
                count = process.used[resource]
                self.model.give_back(process, resource, count)
                self.lib.quotas_return(self.records[process], resource.value, count)
            assert self.lib.quotas_close(self.records.pop(process)) and self.model.close(process)
        self.agrees()
        self.lib.quotas_end(self.records[self.model.first])
        assert not self.lib.quotas_close(self.records[self.model.first])


def main() -> None:
    library, examples, steps, *options = sys.argv[1:]
    ffi, lib = load_quotas(Path(library))
    machine = type("QuotaMachine", (QuotaMachine,), {"ffi": ffi, "lib": lib})
    phases = [Phase.generate] if "--first" in options else [Phase.generate, Phase.shrink]
    run_state_machine_as_test(machine, settings=settings(
        max_examples=int(examples), stateful_step_count=int(steps), deadline=None, database=None, derandomize=True,
        phases=phases, print_blob=False, suppress_health_check=list(HealthCheck)))
    print(f"{examples} runs of {steps} steps agree with the model")


if __name__ == "__main__":
    main()
