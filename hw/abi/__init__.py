"""The binary interface between hardware, kernel and user programs, as data.

Everything that more than one of them must agree on stands here once: :mod:`hw.abi.hardware` holds the capability token
and slot, rights, object types, verdicts, instruction encodings and custom CSRs; :mod:`hw.abi.calls` the numbers and
words of system calls; :mod:`hw.abi.call_table` what each call takes, needs and answers. The RTL uses these
definitions directly; :mod:`soc.generate` writes the C headers and the documentation tables from them.
"""

from . import call_table, calls, hardware
from .call_table import *  # noqa: F403
from .calls import *  # noqa: F403
from .hardware import *  # noqa: F403

__all__ = [*hardware.__all__, *calls.__all__, *call_table.__all__]
