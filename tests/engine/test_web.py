"""Requests from this machine whose server holds them up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from lockstitch.engine import web
from lockstitch.metrics.base import WebReply, WebRequest


def test_one_that_is_ended_did_not_answer_in_time() -> None:
    fetching: Any = web._Fetching(WebRequest("http://127.0.0.1", "/", {}, ""), {}, 0)
    # The thread that still reads fails by being ended.
    end = lambda: setattr(fetching, "_reply", WebReply(error="no attribute 'read1'"))  # noqa: E731
    fetching._response = SimpleNamespace(close=end)
    assert fetching.reply() == WebReply(error="it did not answer in time")
