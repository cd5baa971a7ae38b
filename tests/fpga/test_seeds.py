"""Seeds within a budget, and what nextpnr says and leaves."""

import json
import subprocess
import sys
import threading
import time

import pytest

from fpga.report import block_of, blocks_of, read_critical_path
from fpga.seeds import STANDSTILL, Clock, Trial, place_seeds, progress_of, read_trial, router_watch
from fpga.synthesis import Resources
from sim.toolchain import ToolError, run_tool

FOREVER = 3600


def trial(seed, fmax, tmp_path, seconds=0.0):
    return Trial(seed, (Clock("clk", fmax, 60.0),), tmp_path, {}, seconds)


def place(seeds, run, **options):
    return place_seeds(seeds, run, **{"jobs": 1, "budget_s": FOREVER, "all_seeds": False} | options)


def test_first_that_meets_timing_ends_the_search(tmp_path):
    asked = []

    def run(seed, on_start):
        asked.append(seed)
        return trial(seed, 50 + 5 * seed, tmp_path)
    trials, failures = place([1, 2, 3, 4], run)
    assert asked == [1, 2] and [one.seed for one in trials] == [1, 2] and not failures
    assert trials[-1].met and not trials[0].met


def test_all_of_them_if_asked_for(tmp_path):
    trials, _ = place([4, 2, 3], lambda seed, on_start: trial(seed, 70, tmp_path), all_seeds=True, jobs=2)
    assert [one.seed for one in trials] == [2, 3, 4]


def test_no_seed_is_begun_that_would_not_end_in_time(tmp_path):
    trials, _ = place([1, 2, 3], lambda seed, on_start: trial(seed, 50, tmp_path, seconds=40), budget_s=30)
    assert [one.seed for one in trials] == [1]


def test_a_spent_budget_ends_what_is_under_way_but_not_the_first(tmp_path):
    ended = threading.Event()

    def run(seed, on_start):
        if seed == 1:
            time.sleep(1)
            return trial(seed, 50, tmp_path, seconds=1)
        try:
            run_tool([sys.executable, "-c", "import time; time.sleep(300)"], log=tmp_path / "log", on_start=on_start)
        finally:
            ended.set()
    began = time.monotonic()
    trials, failures = place([1, 2], run, jobs=2, budget_s=0.2)
    assert [one.seed for one in trials] == [1] and not failures
    assert ended.is_set() and time.monotonic() - began < 60


def test_one_failure_is_told_and_all_are_an_error(tmp_path):
    def run(seed, on_start):
        if seed != 2:
            raise ToolError(f"no way {seed}")
        return trial(seed, 50, tmp_path)
    trials, failures = place([1, 2, 3], run)
    assert [one.seed for one in trials] == [2] and failures == {1: "no way 1", 3: "no way 3"}
    with pytest.raises(ToolError, match="no seed was placed and routed: no way 1"):
        place([1, 3], run)


def test_an_interrupt_ends_the_tools(tmp_path):
    started = []

    def run(seed, on_start):
        def note(process):
            started.append(process)
            on_start(process)
        run_tool([sys.executable, "-c", "import time; time.sleep(300)"], log=tmp_path / f"log{seed}", on_start=note)

    timer = threading.Timer(2, lambda: __import__("_thread").interrupt_main())
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        place([1, 2], run, jobs=2)
    timer.join()
    assert len(started) == 2 and all(isinstance(process, subprocess.Popen) and process.poll() is not None
                                     for process in started)


def test_progress_in_words():
    state = {}
    lines = {
        "Info: Packing constants..": "packing",
        "Info:     at iteration #3, type ALL: wirelen solved = 1": "placing, step 3",
        "Info: iter=113 steplen=0.518859 a=58.513832 penalty=[0.00, 0.00, 0.00, 0.00]": "placing, step 113",
        "Info: Running simulated annealing placer for refinement.": "refining",
        "Info:     iter=200 wires=496925 overused=3 overuse=3 archfail=NA": "routing, step 200: 3 wires in two nets",
        "Info: Routing 2000 arcs.": "routing",
        "Info:       1000 |        0       1000 |    0  1000 |       500|       0.13       0.13|": "routing, 75 %",
        "Info: Routing complete.": "checking timing",
        "Info: Device utilisation:": None,
    }
    assert {line: progress_of(line, state) for line in lines} == lines


REPORT = {
    "fmax": {"$glbnet$system_clock": {"achieved": 55.0, "constraint": 60.0},
             "jtag": {"achieved": 40.0, "constraint": 10.0}},
    "utilization": {"TRELLIS_COMB": {"used": 12, "available": 83640}},
    "critical_paths": [
        {"from": "posedge jtag", "to": "posedge jtag", "path": []},
        {"from": "posedge $glbnet$system_clock", "to": "posedge $glbnet$system_clock", "path": [
            {"type": "clk-to-q", "delay": 0.5, "from": {"cell": "soc.l2.a_FF"}, "to": {"cell": "soc.l2.a_FF"}},
            {"type": "routing", "delay": 1.5, "net": "soc.l2.a", "from": {"cell": "soc.l2.a_FF"},
             "to": {"cell": "soc.core.x_LUT4_Z"}},
            {"type": "setup", "delay": 0.0, "from": {"cell": "soc.core.x_LUT4_Z"},
             "to": {"cell": "soc.core.x_LUT4_Z"}}]}],
}


def test_trial_has_the_worst_clock_first(tmp_path):
    (tmp_path / "report.json").write_text(json.dumps(REPORT))
    one = read_trial(tmp_path, 7)
    assert [(clock.name, clock.met) for clock in one.clocks] == [("system_clock", False), ("jtag", True)]
    assert (one.seed, one.fmax_mhz, one.met) == (7, 55.0, False)
    assert one.used == {"TRELLIS_COMB": (12, 83640)}


def test_critical_path_is_by_block():
    path = read_critical_path(REPORT, "system_clock")
    assert [(hop.kind, hop.unit, hop.delay_ns) for hop in path] == [
        ("clk-to-q", "caches", 0.5), ("routing", "caches", 1.5), ("setup", "core", 0.0)]
    assert read_critical_path(REPORT, "other") == []
    with pytest.raises(ToolError, match="another form"):
        read_critical_path({}, "clk")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"fmax": 3, "utilization": {}}'])
def test_files_that_are_no_report(tmp_path, content):
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(ToolError, match="is no report of nextpnr"):
        read_trial(tmp_path, 1)


def test_design_without_a_clock(tmp_path):
    (tmp_path / "report.json").write_text(json.dumps(REPORT | {"fmax": {}}))
    with pytest.raises(ToolError, match="no path from register to register"):
        read_trial(tmp_path, 1)


@pytest.mark.parametrize("name, block", [
    ("soc.core.execute.alu.x_LUT4_Z", "core"), ("soc.core.fetch.cache.tags.0.0", "caches"),
    ("soc.core.fetch.tlb.hit", "MMU"), ("soc.core.walker.pmp.x", "MMU"),
    ("soc.capability_unit.front.x", "capability unit"),
    ("soc.mailbox.table.x", "mailbox"), ("soc.sdram.state", "SDRAM"), ("memory.ready", "block RAM"),
    ("soc.uart.rx_fifo.level", "rest"), ("$nextpnr_CCU2C_1", "rest"), ("soc.corex.y", "rest")])
def test_blocks_by_name(name, block):
    assert block_of(name) == block


def test_blocks_are_counted_and_empty_ones_left_out():
    cells = {"soc.core.a": "LUT4", "soc.core.b": "TRELLIS_FF", "soc.l2.m": "DP16KD", "x": "CCU2C", "y": "$scopeinfo"}
    assert blocks_of(cells, Resources.of_cells) == {
        "core": Resources(lut4=1, logic_lut4=1, ff=1), "caches": Resources(bram=1),
        "rest": Resources(lut4=2, carry_lut4=2)}


def step(number, overused):
    return f"Info:     iter={number} wires=55709 overused={overused} overuse={overused} archfail=NA"


def test_a_router_that_stands_still_is_ended():
    watch = router_watch()
    # Slowly is not for ever; and it does not count that more are in two nets than before.
    for number in range(4 * STANDSTILL):
        watch(step(number, 1000 - number // (STANDSTILL // 2)))
    for number in range(STANDSTILL - 1):
        watch(step(number, 1000 - number))
        watch("Info: something else")
    lowest = 1000 - (STANDSTILL - 2)
    for number in range(STANDSTILL - 1):
        watch(step(number, lowest + number % 2))
    with pytest.raises(ToolError, match=f"routing stands still: {lowest} wires in two nets for {STANDSTILL} steps"):
        watch(step(0, lowest))


def test_the_router_that_stands_still_is_a_process_that_ends(tmp_path):
    script = f"while True: print({step(1, 2)!r}, flush=True)"
    with pytest.raises(ToolError, match="stands still"):
        run_tool([sys.executable, "-c", script], log=tmp_path / "log", on_line=router_watch())
