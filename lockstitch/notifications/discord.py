"""Channel `discord`: a webhook, whose message is changed as the run goes on.

Formats: https://discord.com/developers/docs/resources/webhook#execute-webhook and #edit-webhook-message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from lockstitch.metrics.settings import Reference
from lockstitch.model.command import Value
from lockstitch.model.notice import Notice
from lockstitch.notifications.base import Channel, WebSender, accepted, answer_json, cut, value_of

# Markdown, mentions, and the colon of an address, which would be made a link.
_SIGNS = re.compile(r"([\\*_~`|<>\[\]()#@:-])")
_LONGEST = 2000
_GONE = 404


class DiscordChannel(Channel):
    """A channel of Discord."""

    key = "discord"
    example: ClassVar[Mapping[str, Any]] = {"discord": "env:DISCORD_WEBHOOK"}

    discord: Reference = Field(description="reference to the URL of a webhook")

    def send(self, notice: Notice, known: Mapping[str, Value], web: WebSender, thread: str) -> str:
        # `parse: []` lets no text ping anybody.
        text = "\n".join(_SIGNS.sub(r"\\\1", line) for line in notice.text.split("\n"))
        document = {"content": cut(text, _LONGEST), "allowed_mentions": {"parse": []}}
        url, _, query = value_of(known, self.discord).partition("?")
        tail = f"?{query}" if query else ""
        if thread:
            answer = web("PATCH", f"{url}/messages/{thread}{tail}", document)
            if answer.status != _GONE:
                accepted(answer)
                return thread
        answer = accepted(web("POST", f"{url}{tail}{'&' if tail else '?'}wait=true", document), 200)
        message = answer_json(answer).get("id")
        return message if isinstance(message, str) and message.isdecimal() else ""
