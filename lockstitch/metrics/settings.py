"""Settings that several sources have, and the rules that they keep."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from lockstitch.model.written import PARTS, REFERENCE, WORD, no_password, positive_duration, secret_reference, web_url


def _url(value: str) -> str:
    if says := no_password(value) or web_url(value):
        raise ValueError(says)
    return value


def _url_or_reference(value: str) -> str:
    return value if REFERENCE.fullmatch(value) else _url(value)


def _line(value: str) -> str:
    if not value.strip() or "\0" in value:
        raise ValueError("it is empty" if not value.strip() else "it holds a NUL character")
    return value


def _paths(value: tuple[str, ...]) -> tuple[str, ...]:
    for path in value:
        if not path.startswith("/") or "\n" in path:
            raise ValueError(f"{path!r} is no path of requests: it begins with /")
    return value


_DURATION = {
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": rf"^({PARTS.pattern})+$"}],
    WORD: "duration",
}
Url = Annotated[str, AfterValidator(_url), WithJsonSchema({"type": "string", WORD: "URL"})]
UrlOrReference = Annotated[
    str, AfterValidator(_url_or_reference), WithJsonSchema({"type": "string", WORD: "URL or reference"})
]
Reference = Annotated[str, BeforeValidator(secret_reference), WithJsonSchema({"type": "string", WORD: "reference"})]
Seconds = Annotated[float, BeforeValidator(positive_duration), WithJsonSchema(_DURATION)]
ShellLine = Annotated[str, AfterValidator(_line)]
RequestPaths = Annotated[tuple[str, ...], AfterValidator(_paths)]


def is_below(path: str, folders: tuple[str, ...]) -> bool:
    """Tell whether the path of a request is one of these, or below one."""
    bare = path.partition("?")[0]
    return any(bare == folder or bare.startswith(folder.rstrip("/") + "/") for folder in folders if folder != "/") or (
        "/" in folders and bare == "/"
    )
