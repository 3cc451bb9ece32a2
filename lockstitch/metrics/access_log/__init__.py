"""Requests, counted from access logs that are on the hosts anyway: of nginx, Apache, Caddy, Python servers, or JSON.

count.sh count.awk    what runs on the host: only counts leave it
formats.py            formats of servers' configurations, where one is given
answer.py             the parser of what the host printed
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from lockstitch.metrics.access_log.answer import measurement
from lockstitch.metrics.access_log.formats import fields_of
from lockstitch.metrics.base import TIMES, WINDOWS, Source
from lockstitch.metrics.measurement import Measurement, Question
from lockstitch.metrics.settings import RequestPaths
from lockstitch.model.command import Command
from lockstitch.model.probe import Probe
from lockstitch.model.shell import shell_text

_COUNT = shell_text(__package__, "count.sh")


class AccessLog(Source):
    """The access log of a web server on the host."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": "/var/log/nginx/api.access.log"},
        {
            "path": "/var/log/apache2/shop-*.log",
            "format": '%h %l %u %t "%r" %>s %b %D',
            "ignore": ["/healthz", "/metrics"],
        },
    )

    kind: Literal["access_log"] = Field(description="requests, counted from the access log of a web server")
    path: str = Field(description="the file, or a pattern such as `/var/log/nginx/shop-*.log`")
    format: str = Field(
        default="",
        description="its format as the server's configuration has it, where it is none that is recognised",
    )
    ignore: RequestPaths = Field(default=(), description="paths whose requests do not count, with all below them")

    @field_validator("path")
    @classmethod
    def _path(cls, value: str) -> str:
        if not value.strip() or value.startswith(("~", "-")) or "\n" in value:
            raise ValueError(f"{value!r} is no path: write it from / or from the login user's home on")
        return value

    @field_validator("format")
    @classmethod
    def _known(cls, value: str) -> str:
        if value:
            fields_of(value)
        return value

    def probe(self, question: Question) -> Probe[Measurement]:
        windows, limits = question.windows, tuple(sorted(question.limits))
        command = Command(
            WINDOWS + _COUNT,
            values={
                "pattern": self.path,
                "program": TIMES + shell_text(__package__, "count.awk"),
                "spans": " ".join(window.words for window in windows),
                "limits": " ".join(f"{limit:g}" for limit in limits),
                "ignored": "\n".join((*self.ignore, *question.ignored)),
                "format": fields_of(self.format) if self.format else "",
            },
        )
        return Probe("access_log", command, lambda text, code: measurement(text, code, len(windows), limits))
