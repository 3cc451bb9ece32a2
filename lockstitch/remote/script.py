"""A Script as shell text, and its output as events. Pure: `remote/` carries the one and feeds the other.

The text goes to the stdin of a waiting `sh`. It is one compound command, so a text that arrives in part runs nothing.
While it runs, a watchdog on the host reads the same stdin: when the line to the controller ends, so do the steps.
"""

from __future__ import annotations

import codecs
import json
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from lockstitch.errors import CheckError
from lockstitch.model.command import quote
from lockstitch.model.plan import Script, Step
from lockstitch.model.results import (
    Event,
    LinesObserver,
    Observer,
    Result,
    StepBegan,
    StepEnded,
    StepOutput,
    lines_of,
)
from lockstitch.model.shell import shell_text

RECORD = "\x1e"
KEEP_CHARACTERS = 256 * 1024
LONGEST_LINE = 16 * 1024
_LONGEST_MARK = 256
# As many bytes as are looked at together: the texts that are made of more do not stay in the processor's cache.
_PIECE = 32 * 1024

# The environment that a login leaves, made the same for every script.
_NEUTRAL = shell_text(__package__, "environment.sh")
_IN_TIME = shell_text(__package__, "in_time.sh")
_FUNCTIONS = shell_text(__package__, "script.sh")
_HOME = 'cd 2>/dev/null || { echo "the home of $(id -un), ${HOME:-which is not set}, cannot be entered"; exit 1; }'


def render(script: Script, nonce: str, patience: float = 0) -> str:
    """The shell text of a script; `nonce` is a word nobody on the host can guess, which marks what is ours.

    With `patience`, a login that took about so many seconds until the script begins has it do nothing.
    """
    head = [
        _NEUTRAL,
        *([f"ls_patience={100 * patience - 50:.0f}{_IN_TIME}"] if patience else []),
        f"ls_nonce={quote(nonce)}",
        f"ls_journal={quote(script.journal or '')}",
        f"ls_going={'yes' if script.keep_going else ''}",
        f"ls_cut={quote(_opened(_record('cut', script)))}",
        f"ls_asked={_FUNCTIONS}",
        "umask 002",
        "exec 3<&0",
        # What an app has is found from its user's home. By hand, a user without one (www-data) may do things too.
        _HOME if script.app else "cd 2>/dev/null || cd / || exit 1",
        "ls_alone",
        # In braces: dash would otherwise keep the old stdout open in it, and a shell that is killed would not be seen.
        # Ignored until it listens: a signal may come before that.
        "trap '' TERM; { ls_watch; } >/dev/null 2>&1 &",
        "ls_dog=$!; trap - TERM",
    ]
    body = [text for index, step in enumerate(script.steps) for text in _step(index, step, script)]
    tail = ["kill -KILL $ls_dog", "wait $ls_dog 2>/dev/null", "ls_mark X", "exit 0"]
    return "{\n" + "\n".join([*head, "while :; do", *body, "break", "done", *tail]) + "\n}\n"


def _step(index: int, step: Step, script: Script) -> Iterator[str]:
    about = {} if index else script.about
    began = quote(_opened(_record("begin", script, step.name, about)))
    ended = quote(_opened(_record("end", script, step.name)))
    run = f"(eval {quote(step.command.render())}) </dev/null 2>&1 3<&-"
    yield f"if ls_begin {index} {began}; then {run}; ls_code=$?; else ls_code=1; fi"
    yield f"ls_end {index} $ls_code {ended}"
    if not script.keep_going and not step.is_query:
        yield "[ $ls_code -eq 0 ] || break"


def _record(event: str, script: Script, step: str = "", about: Mapping[str, str] | None = None) -> str:
    record = {"event": event, "run": script.run, "by": script.by, "app": script.app}
    return json.dumps(record | ({"step": step} if step else {}) | dict(about or {}), separators=(",", ":"))


def _opened(record: str) -> str:
    """A record without its end, so that the host can write the time into it."""
    return record[:-1] + ',"at":"'


class ScriptOutput:
    """Turns what a host sends while it carries out a script into events and results. Constant memory."""

    def __init__(self, host: str, script: Script, nonce: str, observe: Observer) -> None:
        self.results: list[Result] = []
        self.complete = False
        self.step: Step | None = None
        self._host, self._script, self._observe = host, script, observe
        self._take_lines = observe.take_lines if isinstance(observe, LinesObserver) else None
        self._mark = f"{RECORD}{nonce} "
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = ""
        self._kept: deque[str] = deque()
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes, whatever their boundaries."""
        for start in range(0, len(data), _PIECE):
            self._feed(data[start : start + _PIECE])

    def _feed(self, data: bytes) -> None:
        text = self._pending + self._decode.decode(data)
        end = text.rfind("\n") + 1
        lines, self._pending = text[:end], text[end:]
        if lines and (self.step is None or RECORD in lines or not self._lines(lines)):
            for line in lines[:-1].split("\n"):
                self._line(line)
        while len(self._pending) > LONGEST_LINE + _LONGEST_MARK:
            self._said(self._pending[:LONGEST_LINE])
            self._pending = self._pending[LONGEST_LINE:]

    def _lines(self, text: str) -> bool:
        """Take whole lines of a step at once; whether that was possible: none of them is too long."""
        if _has_long_line(text):
            return False
        assert self.step is not None
        self._keep(text)
        app, name = self._script.app, self.step.name
        with self._observing():
            if self._take_lines is not None:
                self._take_lines(self._host, app, name, text)
            else:
                for line in lines_of(text):
                    self._observe(StepOutput(self._host, app, name, line))
        return True

    def _keep(self, text: str) -> None:
        self._kept.append(text)
        self._size += len(text)
        while self._size - len(self._kept[0]) >= KEEP_CHARACTERS:
            self._size -= len(self._kept.popleft())
        if (more := self._size - KEEP_CHARACTERS - LONGEST_LINE) > 0:
            self._kept[0] = self._kept[0][more:]
            self._size -= more

    def _output(self) -> str:
        """Return a step's output as it is kept: all of it, or of a long one the last whole lines."""
        text = "".join(self._kept)
        if len(text) <= KEEP_CHARACTERS:
            return text
        start = text.find("\n", len(text) - KEEP_CHARACTERS - 1) + 1
        return text[start if 0 < start < len(text) else len(text) - KEEP_CHARACTERS :]

    def _line(self, line: str) -> None:
        said, mark, rest = line.partition(self._mark)
        said += "" if mark else "\n"
        for start in range(0, len(said), LONGEST_LINE):
            self._said(said[start : start + LONGEST_LINE])
        if mark:
            self._marked(rest.split())

    def _said(self, text: str) -> None:
        if self.step is None:
            return
        self._keep(text)
        self._emit(StepOutput(self._host, self._script.app, self.step.name, text.rstrip("\r\n")))

    def _marked(self, words: list[str]) -> None:
        match words:
            case ["B" | "R" as word, index]:
                self.step = self._script.steps[int(index)]
                self._kept, self._size = deque(), 0
                # R: its journal could not be written, so it was not begun.
                if word == "B":
                    self._emit(StepBegan(self._host, self._script.app, self.step.name, self._script.run))
            case ["E", _, code, seconds] if self.step is not None:
                self.results.append(Result(self.step.name, int(code), self._output(), int(seconds)))
                self._emit(StepEnded(self._host, self._script.app, self.step.name, int(code), int(seconds)))
                self.step = None
            case ["X"]:
                self.complete = True

    def _emit(self, event: Event) -> None:
        with self._observing():
            self._observe(event)

    @contextmanager
    def _observing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError) as error:
            # Of this machine, not of the line to the host, whose errors are of the same types.
            said = (getattr(error, "strerror", None) or str(error)).lower()
            raise CheckError(f"{self._host}: what it said cannot be kept on this machine: {said}") from error


def _has_long_line(text: str) -> bool:
    """Tell whether a line of a text that ends in a line feed may be longer than one is shown."""
    at = 0
    while len(text) - at > LONGEST_LINE:
        at = text.rfind("\n", at, at + LONGEST_LINE) + 1
        if not at:
            return True
    return False
