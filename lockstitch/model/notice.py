"""The values of a notice: what a team is told of a run, and why it could not be sent."""

from __future__ import annotations

from typing import Literal

from lockstitch.model.lazy_dataclass import dataclass

NoticeEvent = Literal[
    "begun",
    "done",
    "failed",
    "rolled_back",
    "refused",
    "interrupted",
    "needs_person",
    "killed",
    "test",
    "day",
    # Of a runbook: it waits for a person or for its window, and a text that a stage of it tells.
    "waiting",
    "message",
]
NoticeLevel = Literal["info", "warning", "error", "critical"]


@dataclass(frozen=True)
class Notice:
    """A notice about one run. `title` is of our own words; the values of `facts` may hold text of others (refs, commit
    subjects), which each channel escapes. `at` is UTC, in the format of the journals; `revisions` are those that the
    run brings, by app."""

    event: NoticeEvent
    level: NoticeLevel
    run: str
    kind: str
    environment: str
    at: str
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    revisions: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """The whole notice in lines, without escapes."""
        return "\n".join([self.title, *(f"{name}: {value}" for name, value in self.facts)])


@dataclass(frozen=True)
class WebAnswer:
    """The answer of a server: its status, and the beginning of its body."""

    status: int
    body: str


class NoticeRefusedError(Exception):
    """A channel did not take a notice. The message has no part of a URL, token or answer that could be secret.
    `reached` tells that somebody has got it all the same: it is not sent again."""

    def __init__(self, message: str, *, reached: bool = False) -> None:
        super().__init__(message)
        self.reached = reached
