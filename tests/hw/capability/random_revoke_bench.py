"""Random cocotb test of the revocation engine: any tree, checks by all meanwhile, and all that can go wrong."""

import os
from dataclasses import dataclass, field

import cocotb

from hw.abi import RevokeState, Verdict
from hw.capability import model
from hw.capability.window import WindowCommand
from tests.hw.capability.cover_points import REVOCATIONS, amount
from tests.hw.capability.revoke_bench import PAUSE, agree, badge_asker, planted
from tests.hw.capability.trees import copy_of
from tests.hw.cocotb_bench import seed_of_run
from tests.hw.coverage import Coverage

WAITS = {"none": (0, 0), "few": (0, 2), "many": (3, 7)}
#: What happens to a run, and how often.
TROUBLES = {"nothing": 8, "limit": 5, "stop": 6, "bad root": 3, "bad tree": 3, "outside": 3, "bus error": 4,
            "silent": 4, "off": 4}
#: The model of revocation says what memory holds afterwards.
FORESEEN = {"nothing", "limit", "stop", "bad root", "bad tree", "outside"}


@dataclass
class Run:
    """One run of the engine."""

    root: int
    trouble: str
    limit: int | None = None
    going: bool = True
    #: Space and query of every slot, before the run.
    asked: dict = field(default_factory=dict)
    below: set = field(default_factory=set)


class Gardener:
    """Grows trees, has them cut, and looks at what is left."""

    def __init__(self, bench, forest, coverage):
        self.bench, self.forest, self.coverage, self.random = bench, forest, coverage, bench.random

    def choose(self):
        """Grow something, and decide what is to be revoked and what goes wrong."""
        forest, random = self.forest, self.random
        root = random.choice(sorted(forest.places))
        forest.grow(root, random.choice([0, 1, random.randrange(2, 7), random.randrange(7, 18)]))
        if random.random() < 0.3:
            forest.grow(random.choice(sorted(forest.places)), random.randrange(6))
        trouble, = random.choices(list(TROUBLES), TROUBLES.values())
        run = Run(root, trouble, asked={number: forest.query(number) for number in forest.places},
                  below=set(forest.below(root)))
        if trouble == "limit":
            run.limit = random.choice([1, 4])
        if not run.below and trouble in ("bad tree", "outside"):
            run.trouble = "nothing"
        self.coverage.see("descendants", amount(len(run.below)))
        depth = self.depth(root)
        if depth:
            self.coverage.see("depth", depth if depth < 4 else "more")
        return run

    def depth(self, number):
        """Of the tree below."""
        return max((1 + self.depth(child) for child in self.forest.children[number]), default=0)

    def spoil(self, run):
        """Do to the tree, or to memory, what shall go wrong; returns the root to name."""
        forest, bench, random = self.forest, self.bench, self.random
        outside = [forest.tables.slot_count, (1 << 31) - 1]
        if run.trouble == "bad root":
            empty = [number for number in range(128, 256) if number not in forest.places]
            return random.choice([*outside, random.choice(empty)])
        if run.trouble in ("bad tree", "outside"):
            number = random.choice(sorted(run.below))
            other = next(each for each in sorted(forest.places) if each not in run.below)
            change = ({random.choice(["first_child", "next"]): random.choice(outside)} if run.trouble == "outside" else
                      random.choice([{"parent": 0}, {"valid": 0}, {"previous": other}, {"next": run.root},
                                     {"first_child": number}]))
            forest.write(number, **change)
        elif run.trouble in ("bus error", "silent"):
            countdown = random.choice([random.randrange(4), random.randrange(40)])

            def fail(address, store):
                nonlocal countdown
                countdown -= 1
                return {"silent": "silent", "bus error": True}[run.trouble] if countdown == -1 else None
            bench.bus.on_transfer = fail
        return run.root

    async def interfere(self, run):
        """Stop the run, or switch the unit off, somewhere in it."""
        if run.trouble in ("stop", "off"):
            await self.bench.cycles(self.random.choice([0, self.random.randrange(40), self.random.randrange(200)]))
        if run.trouble == "stop":
            await self.bench.command(WindowCommand.REVOKE, 0, 1)
        elif run.trouble == "off":
            await self.bench.write("control", 0)

    async def asking(self, run, who, ask):
        """Check anybody's capabilities as long as the run goes on."""
        while run.going:
            # Sometimes the one that is being emptied, read from memory.
            number = self.random.choice(sorted(run.below or run.asked) if self.random.random() < 0.7
                                        else sorted(run.asked))
            space, query = run.asked[number]
            answered = await ask(space, query)
            if run.trouble == "off" and answered == model.Outcome(Verdict.UNDECIDED):
                continue
            assert answered in (model.Outcome(Verdict.OK, 1, number), model.Outcome(Verdict.EMPTY),
                                model.Outcome(Verdict.BAD_HANDLE)), (number, answered)
            assert number in run.below or answered.verdict == Verdict.OK, (number, answered)
            self.coverage.see("asked", who, "descendant" if number in run.below else "other", answered.verdict)

    async def cut(self):
        """One run, and what came of it."""
        bench, random = self.bench, self.random
        label = random.choice(list(WAITS))
        bench.bus.wait = WAITS[label]
        self.coverage.see("wait states", label)
        run, by = self.choose(), random.choice(["port", "window"])
        whole = copy_of(bench.memory)
        named = self.spoil(run)
        before = copy_of(bench.memory)
        if random.random() < 0.5:
            await bench.command(WindowCommand.INVALIDATE_ALL)
        await bench.begin(named, run.limit, by=by)
        if run.trouble == "nothing" and len(run.below) > 6:
            again = random.choice(["port", "window"])
            answer = await bench.begin(run.root, by=again)
            assert answer["accepted"] == 0 and answer["state"] == RevokeState.RUNNING.value
            self.coverage.see("refused", again)
        tasks = [cocotb.start_soon(self.asking(run, *asker)) for asker in (
            ("check", bench.ask_check), ("port", badge_asker(bench)))]
        await self.interfere(run)
        outcome = await bench.revoked()
        run.going = False
        for task in tasks:
            await task
        bench.bus.on_transfer, bench.bus.hung = None, False
        await bench.cycles(2 * PAUSE if run.trouble == "silent" else 0)
        await self.judge(run, by, named, before, outcome)
        await self.clear_up(run, whole, outcome)

    async def judge(self, run, by, named, before, outcome):
        """The end, memory and all verdicts are what they should be."""
        bench = self.bench
        if run.trouble in FORESEEN:
            limit = outcome.revoked if outcome.state == RevokeState.STOPPED else run.limit
            await agree(bench, self.forest, before, outcome, named, limit=limit, marks=run.trouble != "stop")
        else:
            assert outcome.state in (RevokeState.DONE, {
                "bus error": RevokeState.BUS_ERROR, "silent": RevokeState.TIMEOUT,
                "off": RevokeState.DISABLED}[run.trouble]), (run.trouble, outcome)
        self.coverage.see("ends", by, outcome.state)
        if outcome.state == RevokeState.STOPPED:
            self.coverage.see("stops", "by a limit" if run.trouble == "limit" else "by a stop")
        if outcome.state == RevokeState.DONE or outcome.state == RevokeState.STOPPED and outcome.revoked <= 6:
            self.coverage.see("emptied", outcome.state, amount(outcome.revoked))
        if run.trouble == "off":
            await bench.write("control", 1)
            await bench.idle()
        for number, (space, query) in run.asked.items():
            expected = bench.kernel.check(space, query)
            assert await bench.ask_check(space, query) == expected, number
            assert number in run.below or expected.verdict == Verdict.OK, number

    async def clear_up(self, run, whole, outcome):
        """As the kernel does; what went wrong is put back, and revoked once more."""
        bench, forest = self.bench, self.forest
        if outcome.state not in (RevokeState.DONE, RevokeState.STOPPED):
            bench.memory.words = whole.words
            await bench.write("dead", 0)
            await bench.command(WindowCommand.INVALIDATE_ALL)
        if outcome.state != RevokeState.DONE:
            dead = await bench.read("dead")
            before = copy_of(bench.memory)
            rest = await bench.revoke(run.root)
            await agree(bench, forest, before, rest, run.root, dead=dead)
            assert rest.state == RevokeState.DONE
        forest.collect(await bench.read("dead"))
        await bench.write("dead", 0)


@cocotb.test()
async def random_trees_against_the_model(dut):
    """ROUNDS runs."""
    bench, forest, _ = await planted(dut, seed=seed_of_run(), pages=12, spaces=4)
    coverage = Coverage("capability-revoke", REVOCATIONS)
    gardener = Gardener(bench, forest, coverage)
    for _ in range(int(os.environ.get("ROUNDS", 10))):
        await gardener.cut()
    coverage.finish(dut._log)
