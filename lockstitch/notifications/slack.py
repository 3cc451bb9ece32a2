"""Channel `slack`: an incoming webhook, or with `channel` a bot's token, whose message is changed as the run goes on.

Formats: https://api.slack.com/messaging/webhooks, https://api.slack.com/methods/chat.postMessage and chat.update.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from lockstitch.metrics.settings import Reference, Url
from lockstitch.model.command import Value
from lockstitch.model.notice import Notice, NoticeRefusedError
from lockstitch.notifications.base import Channel, WebSender, accepted, answer_json, refusal_word, value_of

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# What is said of a message that can no longer be changed: it is written anew.
_GONE = ("message_not_found", "cant_update_message", "edit_window_closed")
# `parse: none` and `link_names: false`: no name and no address in the text is made a link or a mention.
_PLAIN = {"mrkdwn": False, "parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}


class SlackChannel(Channel):
    """A channel of Slack, or of what takes the webhooks of Slack, such as Mattermost."""

    key = "slack"
    example: ClassVar[Mapping[str, Any]] = {"slack": "env:SLACK_WEBHOOK"}

    slack: Reference = Field(description="reference to the URL of an incoming webhook; with `channel` to a bot's token")
    channel: str = Field(
        "", description="the channel for a bot's token, such as `#deploys`; one message a run is changed there"
    )
    base: Url = Field("https://slack.com", description="where the API is, for a bot's token")

    def send(self, notice: Notice, known: Mapping[str, Value], web: WebSender, thread: str) -> str:
        document = {"text": notice.text.translate(_ESCAPES), **_PLAIN}
        secret = value_of(known, self.slack)
        if not self.channel:
            if accepted(web("POST", secret, document)).body.strip() != "ok":
                raise NoticeRefusedError("it answered with status 200, and not with ok")
            return ""
        channel, _, at = thread.partition(" ")
        answer: Mapping[str, Any] = {"error": _GONE[0]}
        if at:
            answer = self._call(web, "chat.update", {**document, "channel": channel, "ts": at}, secret)
        if answer.get("error") in _GONE:
            answer = self._call(web, "chat.postMessage", {**document, "channel": self.channel}, secret)
        if answer.get("ok") is not True:
            raise NoticeRefusedError(f"it answered with status 200, and refused: {refusal_word(answer.get('error'))}")
        return f"{answer.get('channel') or channel} {answer.get('ts') or at}".strip()

    def _call(self, web: WebSender, method: str, document: Any, token: str) -> Mapping[str, Any]:
        url = f"{self.base.rstrip('/')}/api/{method}"
        return answer_json(accepted(web("POST", url, document, {"Authorization": f"Bearer {token}"})))
