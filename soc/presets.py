"""Systems with a name: fields of :class:`soc.config.SocConfig` that differ from their defaults.

Wherever a configuration is asked for as JSON, one of these names will do.
"""

import copy
import json

__all__ = ["PRESETS", "read_fields"]

PRESETS = {
    #: No SDRAM: main memory lies outside, in a simulation one that answers in two cycles.
    "ideal": {
        "sdram": "",
    },
    #: Main memory in a device's block RAM, as on boards whose own is not driven (docs/fpga.md). In a simulation it lies
    #: outside, and answers a cycle later.
    "blockram": {
        "memory_bytes": 256 << 10,
        "sdram": "",
        "l2_bytes": 0,
    },
    #: Fits an LFE5U-25F with everything on it (docs/fpga.md).
    "small": {
        "core": {
            "icache_bytes": 4096,
            "dcache_bytes": 4096,
            "cache_ways": 1,
            "tlb_entries": 8,
            "branch_entries": 16,
            "pmp_entries": 2,
        },
        "capability_lines": 64,
        "capability_revocation": False,
        "capability_counters": False,
        "mailbox_queues": 4,
        "mailbox_pages": 3,
        "mailbox_senders": 4,
        "l2_bytes": 0,
    },
}


def read_fields(text: str):
    """What `text` says as JSON, or the fields of the preset that it names."""
    return copy.deepcopy(PRESETS[text]) if text in PRESETS else json.loads(text)
