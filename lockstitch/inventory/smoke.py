"""Models of an app's `smoke`: requests made as a user would make them, in an order, and what their answers must be."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StrictBool, StrictInt, model_validator

from lockstitch.inventory.settings import AlternativeForm, Settings, wrong
from lockstitch.inventory.ssh import Count, Port
from lockstitch.inventory.types import (
    WORD,
    AddressText,
    CommandLine,
    Duration,
    HeaderName,
    LocalPath,
    Name,
    PositiveDuration,
    Variable,
    WebUrl,
    WrittenType,
    as_written,
    matching,
    plain,
    text,
)
from lockstitch.model.expectation import path_problem, pattern_problem, written_problem
from lockstitch.model.json_shape import schema_problem
from lockstitch.model.written import no_password

SAFE_METHODS = ("get", "head", "options")
METHODS = (*SAFE_METHODS, "post", "put", "patch", "delete")
_VALUE = re.compile(r"[a-z_][a-z0-9_]*")
_PLACE = re.compile(r"https?://[^\s/{}]+(?:/.*)?|/(?!/).*", re.DOTALL)
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHA256 = re.compile(r"file|[0-9a-f]{64}")
_COOKIE = re.compile(r"cookie\.[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER = re.compile(r"header\.[A-Za-z0-9-]+")


def value_source(value: object) -> str:
    """Parse where a value is in an answer: `json.PATH`, `header.NAME`, `cookie.NAME`, or `match:REGEX`."""
    if isinstance(value, str):
        kind, _, rest = value.partition(".")
        if value.startswith("match:"):
            if said := pattern_problem(value.removeprefix("match:")):
                raise ValueError(said)
            if re.compile(value.removeprefix("match:")).groups != 1:
                raise ValueError("put what is to be saved in one pair of parentheses: match:name=([a-z]+)")
            return value
        if kind == "json" and rest and not path_problem(rest):
            return value
        if _HEADER.fullmatch(value) or _COOKIE.fullmatch(value):
            return value
    raise ValueError(f"{value!r} is no place in an answer: write json.PATH, header.NAME, cookie.NAME or match:REGEX")


def _bearer(value: object) -> str | bool:
    if value is False or (isinstance(value, str) and value.strip() and "\n" not in value):
        return value
    raise ValueError(
        "write a text with saved values such as '{token}', a reference such as env:NAME, or false for none"
    )


SmokePlace = Annotated[
    str,
    text("path or URL", no_password, plain, matching(_PLACE, "is no path: write /api/files, or a whole URL")),
]
ValueName = Annotated[
    str, text("name", matching(_VALUE, "cannot be a saved value: use a-z, 0-9 and _, as in {token}"), pattern=_VALUE)
]
ValueSource = Annotated[str, WrittenType("place in the answer", value_source, {"type": "string"})]
Bearer = Annotated[
    str | bool,
    WrittenType("text or `false`", _bearer, {"anyOf": [{"type": "string", "minLength": 1}, {"const": False}]}),
]
Tag = Annotated[str, text("word", matching(_TAG, "is no word: write P0"), pattern=_TAG)]
Digest = Annotated[str, text("`file` or SHA-256", matching(_SHA256, "is neither file nor a SHA-256"), pattern=_SHA256)]
HttpStatus = Annotated[StrictInt, Field(ge=100, le=599)]
HeaderText = Annotated[str, text("text", lambda value: "it has more than one line" if "\n" in value else None)]


def _several(written: Any) -> Any:
    return written if isinstance(written, list | tuple | dict) or written is None else [written]


def _one_or_more(form: dict[str, Any]) -> AlternativeForm:
    return AlternativeForm(_several, form)


HttpStatuses = Annotated[tuple[HttpStatus, ...], _one_or_more({"type": "integer", WORD: "HTTP status"})]
Texts = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], _one_or_more({"type": "string", WORD: "text"})]
StepNames = Annotated[tuple[Name, ...], _one_or_more({"type": "string", WORD: "name"})]
Tags = Annotated[tuple[Tag, ...], _one_or_more({"type": "string", WORD: "word"})]
HeaderNames = Annotated[tuple[HeaderName, ...], _one_or_more({"type": "string", WORD: "name of a header"})]


class SmokeExpectations(Settings):
    """Expectations of an answer. A status alone may stand for them. A value is a plain one, or words that must all be
    true: `is`, `not`, `one_of`, `match`, `type`, `min`, `max`, `length`, `contains`, `absent`."""

    model_config = ConfigDict(protected_namespaces=())

    status: HttpStatuses = Field(default=(), description="the status, or one of several; by default 200 to 299")
    fields: dict[str, Any] = Field(
        default={}, alias="json", description="values of the JSON answer, by dotted paths such as `items[0].id`"
    )
    header: HeaderNames = Field(default=(), description="headers that it must have")
    headers: dict[HeaderName, Any] = Field(default={}, description="values of its headers")
    text: Texts = Field(default=(), description="texts that it must contain")
    at_most: dict[str, Annotated[StrictInt, Field(ge=0)]] = Field(
        default={}, description="texts that it may contain, and how often at most"
    )
    sha256: Digest | None = Field(
        default=None, description="the SHA-256 of its body; `file` is that of the file which was sent"
    )
    shape: dict[str, Any] | None = Field(
        default=None,
        alias="schema",
        description="a JSON Schema of the answer: [the words that are judged](smoke.md#expectations)",
    )
    duration: PositiveDuration | None = Field(default=None, description="how long the whole answer may take")

    @model_validator(mode="after")
    def _judged(self) -> SmokeExpectations:
        for path, value in self.fields.items():
            if said := path_problem(path):
                raise wrong("json", said)
            if said := written_problem(value):
                raise wrong("json", f"{path}: {said}")
        for name, value in self.headers.items():
            if said := written_problem(value):
                raise wrong("headers", f"{name}: {said}")
        if self.shape is not None and (said := schema_problem(self.shape)):
            raise wrong("schema", said)
        return self


def _status_alone(written: Any) -> Any:
    return {"status": written} if isinstance(written, int | list) and not isinstance(written, bool) else written


class SmokeFileSettings(Settings):
    """A file that is sent. Its path alone is enough if nothing else is set."""

    path: LocalPath = Field(description="the file, from the project's folder")
    field: str = Field(default="file", description="the field of the form that has it; empty: it is the whole body")
    type: str | None = Field(default=None, description="its media type, such as `application/pdf`")


class SmokeSignatureSettings(Settings):
    """The signature of a request's body, as webhooks have it: an HMAC in hexadecimal."""

    header: HeaderName = Field(description="the header that has the signature")
    key: HeaderText = Field(description="reference to the key: `env:NAME`, `file:PATH` or `cmd:COMMAND`")
    algorithm: Literal["sha1", "sha256", "sha512"] = Field(default="sha256", description="the hash of the HMAC")
    prefix: str = Field(default="", description="text before it, such as `sha256=`")


def _file(written: Any) -> Any:
    return {"path": written} if isinstance(written, str) else written


class RequestSettings(Settings):
    """One HTTP request. In its texts `{name}` stands for a saved value, and `{run}` for the id of the run."""

    get: SmokePlace | None = Field(default=None, description="GET this path of `url`, or this whole URL")
    head: SmokePlace | None = Field(default=None, description="HEAD")
    options: SmokePlace | None = Field(default=None, description="OPTIONS, as browsers ask about other origins")
    post: SmokePlace | None = Field(default=None, description="POST; it is never sent twice")
    put: SmokePlace | None = Field(default=None, description="PUT")
    patch: SmokePlace | None = Field(default=None, description="PATCH")
    delete: SmokePlace | None = Field(default=None, description="DELETE")
    body: Any = Field(
        default=None, alias="json", description="a JSON body; a text may be a reference such as `env:SMOKE_PASSWORD`"
    )
    form: dict[str, HeaderText] = Field(default={}, description="fields of a form; a text may be a reference")
    file: Annotated[
        SmokeFileSettings | None, AlternativeForm(_file, {"type": "string", WORD: "path on this machine"})
    ] = Field(default=None, description="a file to send, as a form's field or as the body")
    headers: dict[HeaderName, HeaderText] = Field(
        default={}, description="headers; a text may be a reference, with a word such as `Basic` before it"
    )
    bearer: Bearer | None = Field(
        default=None,
        description="the token of `Authorization: Bearer`; by default `{token}`, where a step that is needed saves one",
    )

    @property
    def method(self) -> str:
        """Its method, `get` and so on; empty where it makes no request."""
        return next((name for name in METHODS if getattr(self, name) is not None), "")

    @property
    def place(self) -> str:
        """The path or URL that it asks for."""
        return str(getattr(self, self.method)) if self.method else ""

    @property
    def has_json(self) -> bool:
        """Tell whether it has a JSON body; null is one."""
        return "body" in self.model_fields_set

    def request_rules(self) -> None:
        """Refuse several methods, and bodies that do not go together. Raises PydanticCustomError."""
        methods = [name for name in METHODS if getattr(self, name) is not None]
        if len(methods) > 1:
            raise wrong(methods[1], f"it is {methods[0]} as well: a step makes one request")
        if self.has_json and (self.form or self.file):
            raise wrong("json", "it has another body as well: keep one of them")
        bodies = [key for key, has in (("json", self.has_json), ("form", self.form), ("file", self.file)) if has]
        if bodies and self.method in SAFE_METHODS:
            raise wrong(bodies[0], f"{self.method} has no body")
        if self.file is not None and not self.file.field and self.form:
            raise wrong("form", "the file is the whole body: give the file a field")


class SmokeCleanSettings(RequestSettings):
    """The request that takes away what a step has made. It has the cookies and the token of the step."""

    expect: HttpStatuses = Field(
        default=(), description="the status that says so; by default 200 to 299, 404 and 410: gone is gone"
    )

    @model_validator(mode="after")
    def _rules(self) -> SmokeCleanSettings:
        self.request_rules()
        if not self.method:
            raise wrong("delete", "it makes no request: write delete: /files/{id}")
        return self


class SmokeLimitSettings(Settings):
    """A rate limit that is tried: so many requests are answered as `expect` of the step says, and the next one is
    refused."""

    requests: Annotated[StrictInt, Field(ge=1, le=1000)] = Field(description="how many are allowed")
    per: PositiveDuration = Field(description="in which time; they are sent one after the other, as fast as they go")
    expect: HttpStatus = Field(default=429, description="the status of the one that is refused")


class SmokeStepSettings(RequestSettings):
    """One step: a request, a command, or a page in a browser. A request must be answered as `expect` says."""

    command: CommandLine | None = Field(
        default=None, description="a command that is run here, in the project's folder, instead of a request"
    )
    browser: LocalPath | None = Field(
        default=None,
        description="a Python file whose `smoke(page)` is run here with a page of Playwright, instead of a request",
    )
    env: dict[Variable, HeaderText] = Field(
        default={},
        description="environment of the command or the browser's file; a text may be a reference or hold saved values",
    )
    needs: StepNames = Field(
        default=(), description="steps that must pass before it; it has what they save, and their cookies"
    )
    save: dict[ValueName, ValueSource] = Field(
        default={}, description="values of the answer: `json.PATH`, `header.NAME`, `cookie.NAME` or `match:REGEX`"
    )
    expect: Annotated[
        SmokeExpectations,
        AlternativeForm(_status_alone, {"anyOf": [{"type": "integer"}, {"type": "array"}], WORD: "status"}),
    ] = Field(default_factory=SmokeExpectations, description="what its answer must be")
    refuse: Texts = Field(
        default=(), description="texts that the answer must not contain; a text may be a reference to a secret"
    )
    clean: SmokeCleanSettings | None = Field(
        default=None, description="the request that takes away what it has made, however the run ends"
    )
    sign: SmokeSignatureSettings | None = Field(default=None, description="the signature of its body")
    limit: SmokeLimitSettings | None = Field(default=None, description="a rate limit to try with this request")
    timeout: PositiveDuration | None = Field(
        default=None, description="how long it may take; by default 10s, and 10m for a command"
    )
    tries: Count = Field(
        default=2, description="how often a GET, HEAD or OPTIONS is tried; one that passes later is told as flaky"
    )
    wait: Duration = Field(
        default=as_written("0s"),
        description="how long a GET is asked again until it passes: for effects that take time",
    )
    cookies: StrictBool = Field(default=True, description="send the cookies of the steps that it needs")
    cached: StrictBool = Field(default=False, description="an answer of a cache counts")
    harms: StrictBool | None = Field(
        default=None, description="not without `--really` in an environment that has `protect`; `limit` always is"
    )
    tags: Tags = Field(default=(), description="words for `--only`, such as `P0`")

    @model_validator(mode="after")
    def _rules(self) -> SmokeStepSettings:
        self.request_rules()
        given = [key for key in ("command", "browser") if getattr(self, key) is not None]
        if len(given) + bool(self.method) != 1:
            raise wrong(given[0] if given else "get", "give a command, a browser, or one request such as get: /healthz")
        alone = {"command", "browser", "env", "needs", "timeout", "harms", "tags"}
        if given and (key := next((k for k in self.model_fields_set if k not in alone), None)):
            raise wrong("json" if key == "body" else key, f"a {given[0]} is judged by its exit code alone")
        if not given and self.env:
            raise wrong("env", "a request has no environment")
        if self.limit is not None and (key := next((k for k in ("clean", "save", "wait") if getattr(self, k)), None)):
            raise wrong(key, "a limit is tried with a request that leaves nothing behind")
        if self.wait and self.method not in SAFE_METHODS:
            raise wrong("wait", f"{self.method} is not sent twice")
        if self.clean is not None and self.method in SAFE_METHODS:
            raise wrong("clean", f"{self.method} makes nothing that could be taken away")
        return self

    @property
    def harmful(self) -> bool:
        """Tell whether it does not run in a protected environment unless it is really meant."""
        return bool(self.harms) or self.limit is not None


class SmokeOnSettings(Settings):
    """The way to one host's own web server, for `--on`."""

    port: Port | None = Field(default=None, description="the port there; by default that of `url`")
    address: AddressText = Field(default="127.0.0.1", description="the address there, as the host itself reaches it")


class SmokeSettings(Settings):
    """Requests as a user makes them, from this machine, with [`smoke`](smoke.md)."""

    url: WebUrl = Field(description="the public address, as users have it; paths of steps are added to it")
    steps: dict[Name, SmokeStepSettings] = Field(min_length=1, description="the steps by name")
    critical: StepNames = Field(
        default=(), description="steps that a deploy must pass after its last wave, with those that they need"
    )
    canary: StrictBool = Field(
        default=False, description="run the critical steps on the hosts of the first wave, before the other waves"
    )
    on: SmokeOnSettings = Field(default_factory=SmokeOnSettings, description="the way to one host's own web server")
    revision: ValueSource | None = Field(
        default=None,
        description="where answers tell the commit that serves: `header.NAME` of each, or `json.PATH` of `release`; by "
        "default as `health` has it",
    )
    release: SmokePlace | None = Field(
        default=None, description="the path that tells the commit; by default the path of the URL of `health`"
    )
    ca: LocalPath | None = Field(
        default=None, description="a file of certificates that the server's is verified by, from the project's folder"
    )
