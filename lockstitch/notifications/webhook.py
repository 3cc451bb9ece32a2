"""Channel `webhook`: the notice as one JSON document, for n8n and whatever else takes a POST."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from lockstitch.metrics.settings import Reference
from lockstitch.model.command import Value
from lockstitch.model.notice import Notice
from lockstitch.notifications.base import Channel, WebSender, accepted, value_of


class WebhookChannel(Channel):
    """A URL that takes the notice as JSON."""

    key = "webhook"
    example: ClassVar[Mapping[str, Any]] = {"webhook": "env:N8N_WEBHOOK", "token": "env:N8N_TOKEN"}

    webhook: Reference = Field(description="reference to the URL")
    token: Reference | None = Field(None, description="reference to a bearer token")

    def send(self, notice: Notice, known: Mapping[str, Value], web: WebSender, thread: str) -> str:
        headers = {"Authorization": f"Bearer {value_of(known, self.token)}"} if self.token else {}
        accepted(web("POST", value_of(known, self.webhook), notice_json(notice), headers))
        return ""


def notice_json(notice: Notice) -> dict[str, Any]:
    """Return a notice as a JSON document."""
    same = {name: getattr(notice, name) for name in ("event", "level", "run", "kind", "environment", "at", "title")}
    return {**same, "facts": dict(notice.facts), "revisions": dict(notice.revisions)}
