"""The test agent of a booted system (kernel/user/include/agent.h), driven from here: one system call a line.

    with Agent.boot("qemu-riscv64") as agent:
        made = agent.call("CAP_CREATE", w0=CapType.ENDPOINT.value)
        assert made.status == Status.OK and agent.call("CAP_INSPECT", handle=made.handle)[0] == CapType.ENDPOINT.value
"""

from __future__ import annotations

import os
import queue
import threading
from dataclasses import dataclass, field

from hw.abi import CAPABILITY_WORDS, HANDLE_WORD, INFO_WORD, TIMEOUT_WORD, Call, InfoIn, InfoOut, KernelControl, Status
from sim.boot import TARGETS, BootResult, boot

__all__ = ["Agent", "AgentError", "Answer", "Request", "check_instruction"]

#: Seconds from one line of the console to the next, while an answer is due.
PATIENCE = 300.0
_PLACES = {"info": INFO_WORD, "handle": HANDLE_WORD, "timeout": TIMEOUT_WORD, "capabilities": CAPABILITY_WORDS[0],
           "capabilities_high": CAPABILITY_WORDS[1]}
#: AGENT_CHECK_INSTRUCTION of agent.h.
_CHECK_INSTRUCTION = (1 << 64) - 1


class AgentError(AssertionError):
    """The agent did not understand, did not answer, or its system ended."""


@dataclass(frozen=True)
class Answer:
    """Call words after a call; those that it left alone read as they were sent."""

    words: dict[int, int]

    def __getitem__(self, word: int) -> int:
        return self.words.get(word, 0)

    @property
    def status(self) -> Status:
        return Status(self[INFO_WORD] & 0xffff)

    @property
    def count(self) -> int:
        """Capabilities that arrived."""
        return InfoOut.from_bits(self[INFO_WORD]).cap_count

    @property
    def handle(self) -> int:
        return self[HANDLE_WORD]

    def capability(self, index: int) -> int:
        return self[CAPABILITY_WORDS[index // 2]] >> 32 * (index % 2) & 0xffff_ffff


@dataclass(frozen=True)
class Request:
    """A line for the agent.

    Attributes
    ----------
    words : dict of int to int
        Call words; the others are 0.
    texts : dict of int to str
        Call words that are addresses of a text, whose length is in the next word.
    via : int
        Handle of the endpoint whose agent makes the call; 0: the agent at the console.
    """

    words: dict[int, int] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    via: int = 0

    @classmethod
    def of(cls, call: Call | str, *, via: int = 0, count: int = 0, move: int = 0, texts: dict[int, str] | None = None,
           **words: int) -> Request:
        """A call with words `w0` to `w7`, `handle`, `timeout`, `capabilities`, `capabilities_high`."""
        number = (Call[call] if isinstance(call, str) else call).value
        info = InfoIn.const({"number": number, "cap_count": count, "cap_move": move}).as_bits()
        places = {_PLACES[name] if name in _PLACES else int(name.removeprefix("w")): value
                  for name, value in words.items()}
        return cls({INFO_WORD: info, **places}, texts or {}, via)

    @property
    def line(self) -> str:
        parts = [f">{self.via:x}"] if self.via else []
        number = self.words.get(INFO_WORD, 0) & 0xffff
        words = dict(self.words)
        if number in Call._value2member_map_ and words[INFO_WORD] < 1 << 24:
            parts.append(Call(number).name.lower())
            words[INFO_WORD] &= ~0xffff
        parts += [f"{word}={value:x}" for word, value in sorted(words.items()) if value]
        parts += [f"{word}@{text}" for word, text in self.texts.items()]
        return " ".join(parts)


def check_instruction(query: int, via: int = 0) -> Request:
    """The user-mode check instruction; word 0 of the answer is its Answer."""
    return Request({INFO_WORD: _CHECK_INSTRUCTION, 0: query}, via=via)


class Agent:
    """A booted system whose first process is the agent.

    Attributes
    ----------
    console, space, kernel : int
        Handles that it began with.
    log : list of str
        Everything on the console.
    """

    def __init__(self, target: str, *, in_flight: int = 64, **options):
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader, self._writer = os.pipe()
        self._in_flight = in_flight
        self.log: list[str] = []
        self.result: BootResult | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(target, options), daemon=True)
        self._thread.start()

    @classmethod
    def boot(cls, target: str, **options) -> Agent:
        """Boot `target`; `options` are those of :func:`sim.boot.boot`.

        On the RTL a line is sent when the one before has been answered; the others take many at a time.
        """
        kind = TARGETS[target]
        slow = not kind.emulated and not kind.functional
        return cls(target, **{"in_flight": 1 if slow else 64, "timeout": 3600, **options})

    def _run(self, target: str, options: dict) -> None:
        try:
            self.result = boot(TARGETS[target], init="agent", echo=False, keys=self._reader, on_line=self._lines.put,
                               **options)
        except BaseException as error:
            self._failure = error
        finally:
            self._lines.put(None)

    def _answer(self, request: Request | None) -> Answer:
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE)
            except queue.Empty:
                raise AgentError(f"no answer to {request}\n" + "\n".join(self.log[-20:])) from None
            if line is None:
                raise AgentError(f"the system has ended ({self._failure or self.result}) at {request}\n"
                                 + "\n".join(self.log[-20:]))
            self.log.append(line)
            if line.startswith("?"):
                raise AgentError(f"{line}: {request and request.line}")
            if line.startswith("= "):
                words = dict(request.words) if request else {}
                words.update((int(word), int(value, 16)) for word, value in
                             (part.split("=") for part in line[2:].split()))
                return Answer(words)

    def __enter__(self) -> Agent:
        try:
            start = self._answer(None)
        except AgentError:
            self.close()
            raise
        self.console, self.space, self.kernel = map(start.capability, range(3))
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """End the machine, if it has not."""
        if self._writer is not None:
            if self._thread.is_alive() and hasattr(self, "kernel"):
                os.write(self._writer, (Request.of(Call.KERNEL_CONTROL, handle=self.kernel,
                                                   w0=KernelControl.SHUTDOWN.value).line + "\n").encode())
            os.close(self._writer)
            self._writer = None
        self._thread.join(PATIENCE)
        os.close(self._reader)

    def calls(self, requests: list[Request]) -> list[Answer]:
        """Answers to many calls, in order."""
        answers: list[Answer] = []
        sent = 0
        for index, request in enumerate(requests):
            while sent < min(len(requests), index + self._in_flight):
                os.write(self._writer, (requests[sent].line + "\n").encode())
                sent += 1
            answers.append(self._answer(request))
        return answers

    def call(self, call: Call | str, **words) -> Answer:
        """One call; `words` as :meth:`Request.of` takes them."""
        return self.calls([Request.of(call, **words)])[0]
