"""Driver `http`: a flag behind an HTTP interface of JSON, asked and set from the app's first host by python3."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from lockstitch.flags.base import Flag, FlagPlace, number_in
from lockstitch.metrics.settings import Reference, Seconds, UrlOrReference
from lockstitch.model.command import Value
from lockstitch.model.shell import shell_text
from lockstitch.model.written import REFERENCE

_VALUE = "{value}"
_WORDS = ("true", "false", "null")


class HttpFlag(Flag):
    """A value in the JSON answer of a URL, which is set by a request with a body. 404 is a flag that is not set."""

    examples = (
        {"url": "https://flags.example.com/PHASE_1", "value": "percent", "body": '{"percent": {value}}'},
        {"url": "env:FLAG_URL", "value": "data.on", "method": "POST", "body": '{"on": {value}}', "token": "env:TOKEN"},
    )

    kind: Literal["http"]
    url: UrlOrReference = Field(description="the URL that answers with the flag, or a reference to it")
    value: str = Field(
        description="dotted key of the value in the answer", pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"
    )
    set_url: UrlOrReference | None = Field(None, description="the URL that sets it, where that is another one")
    method: Literal["PUT", "PATCH", "POST"] = Field("PUT", description="the method of the request that sets it")
    body: str = Field(description="the JSON body of that request; `{value}` stands for the value", min_length=1)
    token: Reference | None = Field(None, description="reference to a bearer token")
    header: str = Field(
        "Authorization", description="the header that has the token", pattern=r"^[A-Za-z][A-Za-z0-9-]*$"
    )
    timeout: Seconds = Field(10.0, description="how long one answer may take")

    @model_validator(mode="after")
    def _whole_body(self) -> HttpFlag:
        try:
            json.loads(self.body.replace(_VALUE, "0"))
        except ValueError as error:
            raise ValueError(f"its body is no JSON with {_VALUE} in place of the value: {error}") from error
        if _VALUE not in self.body:
            raise ValueError(f"its body has no {_VALUE}")
        return self

    def says(self) -> str:
        return f"{self.value} of {self.url}"

    def references(self) -> tuple[str, ...]:
        mine = (self.url, self.set_url, self.token)
        return tuple(each for each in mine if each and REFERENCE.fullmatch(each))

    def values(self, place: FlagPlace, to: str | None = None) -> Mapping[str, Value]:
        url = place.known.get(self.url, self.url)
        target = self.set_url or self.url
        return {
            "flag_url": url,
            "flag_set_url": place.known.get(target, target),
            "flag_value": self.value,
            "flag_method": self.method,
            "flag_body": self.body.replace(_VALUE, _json(to)),
            "flag_token": place.known.get(self.token, "") if self.token else "",
            "flag_header": self.header,
            "flag_timeout": f"{self.timeout:g}",
        }

    def read_text(self, place: FlagPlace) -> str:
        return shell_text(__package__, "ask.sh", "read.sh")

    def write_text(self, place: FlagPlace) -> str:
        return shell_text(__package__, "ask.sh", "write.sh")


def _json(value: str | None) -> str:
    """Return a value as JSON: numbers, true and false as such, all else as text; null for none."""
    if value is None:
        return "null"
    return value if number_in(value) is not None or value in _WORDS else json.dumps(value)
