"""The base of all channels: what each has, and how it sends a notice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from lockstitch.model.command import Value, plain
from lockstitch.model.notice import Notice, NoticeRefusedError, WebAnswer
from lockstitch.model.written import REFERENCE

_LONGEST = 200


class WebSender(Protocol):
    """Sends one request from this machine, and returns the answer; follows no redirect. Raises NoticeRefusedError
    where there is none."""

    def __call__(
        self, method: str, url: str, document: Any = None, headers: Mapping[str, str] | None = None
    ) -> WebAnswer: ...


class Channel(BaseModel):
    """The base of a channel. Subclasses set `key`, have a field of that name, and override `send`."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    # The field that tells such a channel from the others.
    key: ClassVar[str] = ""
    # Settings of such a channel as an inventory has them; tests take each.
    example: ClassVar[Mapping[str, Any]] = {}

    def references(self) -> tuple[str, ...]:
        """Return the references among its settings, each once."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(dict.fromkeys(value for value in values if isinstance(value, str) and REFERENCE.fullmatch(value)))

    def send(self, notice: Notice, known: Mapping[str, Value], web: WebSender, thread: str) -> str:
        """Send a notice. Returns the word by which the next notice of the same run changes this message or follows it;
        empty where it cannot. `known` has the values of the references; `thread` is the word of the notice before.
        Raises NoticeRefusedError where the channel did not take it."""
        raise NotImplementedError


def value_of(known: Mapping[str, Value], text: str) -> str:
    """Return the value that a setting has, or refers to."""
    return plain(known.get(text, text))


def accepted(answer: WebAnswer, *statuses: int) -> WebAnswer:
    """Return the answer. Raises NoticeRefusedError for another status than these, or than 2xx where none is given."""
    if answer.status not in statuses and (statuses or not 200 <= answer.status < 300):
        raise NoticeRefusedError(f"it answered with status {answer.status}")
    return answer


def answer_json(answer: WebAnswer) -> Mapping[str, Any]:
    """Return the JSON mapping of an answer. Raises NoticeRefusedError where it is none."""
    try:
        document = json.loads(answer.body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise NoticeRefusedError(f"it answered with status {answer.status} and no JSON document")
    return document


def refusal_word(value: object) -> str:
    """Return the word for an error that a service gave in its answer, if it is a short word; else a sentence."""
    word = value if isinstance(value, str) else ""
    return word if word.replace("_", "").replace(" ", "").isalnum() and len(word) <= 60 else "it gave no known reason"


def cut(text: str, most: int = _LONGEST) -> str:
    """Return a text no longer than so many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
