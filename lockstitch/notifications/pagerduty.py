"""Channel `pagerduty`: an incident an environment, opened by a run that ends badly and resolved by one that ends well.

Format: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from lockstitch.metrics.settings import Reference, Url
from lockstitch.model.command import Value
from lockstitch.model.notice import Notice, NoticeRefusedError
from lockstitch.notifications.base import Channel, WebSender, accepted, answer_json, cut, value_of

_LONGEST = 1024


class PagerDutyChannel(Channel):
    """A service of PagerDuty. Neither a beginning nor a wait is sent; what went well resolves the incident."""

    key = "pagerduty"
    example: ClassVar[Mapping[str, Any]] = {"pagerduty": "env:PAGERDUTY_KEY"}

    pagerduty: Reference = Field(description="reference to the integration key of a service (Events API v2)")
    base: Url = Field("https://events.pagerduty.com", description="where events go; in the EU events.eu.pagerduty.com")

    def send(self, notice: Notice, known: Mapping[str, Value], web: WebSender, thread: str) -> str:
        # Neither a summary nor a word on the way resolves anything.
        if notice.event in ("begun", "day", "waiting", "message"):
            return ""
        key = f"lockstitch/{notice.environment}{'/test' if notice.event == 'test' else ''}"
        event = {"routing_key": value_of(known, self.pagerduty), "dedup_key": key}
        url = f"{self.base.rstrip('/')}/v2/enqueue"
        if notice.level != "info" or notice.event == "test":
            payload = {
                "summary": cut(notice.title, _LONGEST),
                "source": f"lockstitch {notice.environment}",
                "severity": notice.level,
                "custom_details": dict(notice.facts),
            }
            _taken(web("POST", url, {**event, "event_action": "trigger", "payload": payload}))
        if notice.level == "info":
            # A test leaves no incident behind.
            _taken(web("POST", url, {**event, "event_action": "resolve"}))
        return key


def _taken(answer: Any) -> None:
    if answer_json(accepted(answer)).get("status") != "success":
        raise NoticeRefusedError("it answered, and did not take the event")
