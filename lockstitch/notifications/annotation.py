"""Channel `annotation`: the run as a stretch of time on the dashboards of Grafana.

Format: https://grafana.com/docs/grafana/latest/developers/http_api/annotations/
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any, ClassVar

from pydantic import Field

from lockstitch.metrics.settings import Reference
from lockstitch.model.command import Value
from lockstitch.model.notice import Notice
from lockstitch.notifications.base import Channel, WebSender, accepted, answer_json, value_of

_GONE = 404


class AnnotationChannel(Channel):
    """An annotation of Grafana. With `begun` it lasts from the beginning to the end of the run."""

    key = "annotation"
    example: ClassVar[Mapping[str, Any]] = {"annotation": "env:GRAFANA_URL", "token": "env:GRAFANA_TOKEN"}

    annotation: Reference = Field(description="reference to the URL of Grafana")
    token: Reference = Field(description="reference to a token of a service account")

    def send(self, notice: Notice, known: Mapping[str, Value], web: WebSender, thread: str) -> str:
        at = int(datetime.fromisoformat(notice.at).timestamp() * 1000)
        url = f"{value_of(known, self.annotation).rstrip('/')}/api/annotations"
        tags = ["lockstitch", notice.environment, notice.kind, notice.event]
        document = {"text": "<br>".join(escape(line) for line in notice.text.split("\n")), "tags": tags}
        headers = {"Authorization": f"Bearer {value_of(known, self.token)}"}
        if thread:
            changed = web("PATCH", f"{url}/{thread}", {**document, "timeEnd": at}, headers)
            # One that somebody has deleted is written anew.
            if changed.status != _GONE:
                accepted(changed)
                return thread
        answer = answer_json(accepted(web("POST", url, {**document, "time": at}, headers)))
        return str(answer["id"]) if isinstance(answer.get("id"), int) else ""
