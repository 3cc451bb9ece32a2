"""Channel `teams`: a webhook of a Teams workflow, which takes an Adaptive Card.

Format: https://adaptivecards.io/explorer/RichTextBlock.html: a TextRun has no Markdown, and a mention needs an entity.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from lockstitch.metrics.settings import Reference
from lockstitch.model.command import Value
from lockstitch.model.notice import Notice, NoticeRefusedError
from lockstitch.notifications.base import Channel, WebSender, accepted, value_of


class TeamsChannel(Channel):
    """A channel of Microsoft Teams."""

    key = "teams"
    example: ClassVar[Mapping[str, Any]] = {"teams": "env:TEAMS_WEBHOOK"}

    teams: Reference = Field(description="reference to the URL of a workflow's webhook")

    def send(self, notice: Notice, known: Mapping[str, Value], web: WebSender, thread: str) -> str:
        body = [_line(notice.title, weight="Bolder"), *(_line(f"{name}: {value}") for name, value in notice.facts)]
        card = {"type": "AdaptiveCard", "version": "1.4", "body": body}
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        answer = accepted(
            web("POST", value_of(known, self.teams), {"type": "message", "attachments": [attachment]}), 200, 202
        )
        # The older connectors answer with 200 and tell in the body that the message was not delivered.
        if answer.status == 200 and answer.body.strip() not in ("", "1"):
            raise NoticeRefusedError("it answered with status 200 and an error in the body")
        return ""


def _line(text: str, **style: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}
