"""Names, paths and texts that an inventory may hold: what each refuses, and the sentence that says so.

A name can be told apart from the signs of a selection (`,` `:` `!` `*`), a path cannot leave where it points or be
taken for an option, and no text holds what a shell or a terminal would take for something else.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, StrictInt
from pydantic_core import CoreSchema, core_schema

from lockstitch.model.command import LONGEST_VARIABLE, TOO_LONG
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.written import (
    PARTS,
    REFERENCE,
    duration,
    no_password,
    positive_duration,
    secret_reference,
    web_url,
)
from lockstitch.model.written import WORD as WORD

# How often a duty is to be done.
Period = Literal["daily", "weekly", "monthly", "quarterly", "yearly"]
_SIZE = re.compile(r"(\d{1,12})([KMGT])B?")
_PERCENT = re.compile(r"(\d{1,3})%")


@dataclass(frozen=True, eq=False)
class WrittenType:
    """A type by how it is written: `parse` reads a value or raises ValueError; `word` names it in the docs."""

    word: str
    parse: Callable[[Any], Any]
    schema: Mapping[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.parse)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**self.schema, WORD: self.word}


def as_written(text: str) -> Any:
    """A default as people write it; the field's type reads it as it reads an inventory."""
    return text


def size(value: object) -> int:
    """Bytes, from `200M` (K, M, G, T: powers of 1024) or a number of bytes."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) and value.isascii() else None
    if not match:
        raise ValueError(f"{value!r} is not a size: write it like 200M or 2G, or as a number of bytes")
    return int(match[1]) << 10 * " KMGT".index(match[2])


def share(value: object) -> int | str:
    """Parse a number of hosts: a count, or a percentage of them such as `25%`."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _PERCENT.fullmatch(value) if isinstance(value, str) and value.isascii() else None
    if not match or int(match[1]) > 100:
        raise ValueError(f"{value!r} is not a number of hosts: write a count like 2, or a percentage like 25%")
    return f"{int(match[1])}%"


def batch_share(value: object) -> int | str:
    """A share that is not nothing; `all` is everything at once."""
    if value == "all":
        return "all"
    amount = share(value)
    if amount in (0, "0%"):
        raise ValueError("a batch of no hosts never ends: write 1 or more, a percentage, or all")
    return amount


_DURATION_SCHEMA = {
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": rf"^({PARTS.pattern})+$"}]
}
_SHARE = [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^(\d{1,2}|100)%$"}]

Duration = Annotated[float, WrittenType("duration", duration, _DURATION_SCHEMA)]
PositiveDuration = Annotated[float, WrittenType("duration", positive_duration, _DURATION_SCHEMA)]
# The schema of a duration that stands for a whole mapping.
DURATION_FORM = {**_DURATION_SCHEMA, WORD: "duration"}
Size = Annotated[
    int,
    WrittenType(
        "size",
        size,
        {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": rf"^{_SIZE.pattern}$"}]},
    ),
]
Share = Annotated[int | str, WrittenType("count or percentage", share, {"anyOf": _SHARE})]
BatchShare = Annotated[
    int | str, WrittenType("count, percentage or `all`", batch_share, {"anyOf": [*_SHARE, {"const": "all"}]})
]

Rule = Callable[[str], str | None]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ADDRESS = re.compile(r"[A-Za-z0-9:][A-Za-z0-9._:%-]*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_HEADER_REFERENCE = re.compile(rf"(?:[A-Za-z][A-Za-z0-9-]* )?{REFERENCE.pattern}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_OURS = (".git", "REVISION", ".lockstitch.tar")
_NO_REF = re.compile(r"[\s~^:?*\[\\]|\.\.|@\{|//|^[-/.]|[/.]$|\.lock$")


def text(word: str, *rules: Rule, pattern: re.Pattern[str] | None = None) -> WrittenType:
    """A type of text: the first rule that says something refuses it."""

    def parse(value: object) -> str:
        if not isinstance(value, str):
            quoted = f": write it in quotes: '{value}'" if isinstance(value, int | float) else ""
            raise ValueError(f"it should be text{quoted}")
        for rule in rules:
            if said := rule(value):
                raise ValueError(said)
        return value

    form = {"pattern": f"^(?:{pattern.pattern})$"} if pattern else {"minLength": 1}
    return WrittenType(word, parse, {"type": "string", **form})


def environment_value(value: object) -> str:
    """The value of an environment variable: text, or a whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ValueError(f"it should be text: write it in quotes, such as '{str(value).lower()}'")
    if "\0" in value:
        raise ValueError("it holds a NUL character, which no program can be given")
    if (size := len(value.encode())) > LONGEST_VARIABLE:
        raise ValueError(f"it has {size} bytes, and {TOO_LONG}")
    return value


def header_reference(value: object) -> str:
    """Parse a reference to the value of a header, with a word such as `Bearer` before it. The message has no value."""
    if not isinstance(value, str) or not _HEADER_REFERENCE.fullmatch(value):
        raise ValueError("an inventory holds no keys, only where one is: write env:NAME, or Bearer env:NAME")
    return value


def matching(pattern: re.Pattern[str], says: str) -> Rule:
    """A rule that the whole text has a form; `says` is how to write it."""
    return lambda value: None if pattern.fullmatch(value) else f"{value!r} {says}"


def plain(value: str) -> str | None:
    """Refuse text that is empty, has control characters, or could be taken for an option."""
    if not value.strip():
        return "it is empty"
    if _CONTROL.search(value):
        return f"{value!r} holds control characters"
    return f"{value!r} begins with a dash, which a command takes for an option" if value.startswith("-") else None


def remote_path(value: str) -> str | None:
    """A path on a host: absolute, or relative to the login user's home."""
    if value == "~" or value.startswith("~/"):
        rest = value[2:].lstrip("/") or "."
        return f"{value!r} begins with ~: write {rest!r}, a relative path starts at the user's home"
    return _from_elsewhere(value)


def served_path(value: str) -> str | None:
    """A path on a host: absolute, or relative to the release that serves."""
    if value == "~" or value.startswith("~/"):
        whole = f"/home/USER{value[1:]}"
        return f"{value!r} begins with ~: a relative path is one in the release, so write the whole path ({whole})"
    return _from_elsewhere(value)


def release_path(value: str) -> str | None:
    """A path in a release."""
    if value.startswith("~"):
        return f"{value!r} begins with ~: write it relative to the release, in which it must lie"
    return _from_elsewhere(value)


def _from_elsewhere(value: str) -> str | None:
    if value.startswith("~"):
        return f"{value!r} begins with ~: write the whole path of that home"
    return f"{value!r} goes up with '..': write the path itself" if ".." in value.split("/") else None


def somewhere(value: str) -> str | None:
    """A path that names something of its own, rather than all there is."""
    return None if [part for part in value.split("/") if part not in ("", ".")] else f"{value!r} names no folder"


def relative(value: str) -> str | None:
    return f"{value!r} is absolute: write it relative to the release" if value.startswith("/") else None


def no_part_of_ours(value: str) -> str | None:
    """Refuse paths that belong to git or to Lockstitch itself."""
    first = tidied(value).split("/")[0]
    return f"{value!r} is no file of the app, and cannot be shared" if first in _OURS else None


def tidied(path: str) -> str:
    """A relative path in its shortest form; a slash at its end, which says that it is a folder, stays."""
    return posixpath.normpath(path) + ("/" if path.endswith(("/", "/.")) else "")


def git_ref(value: str) -> str | None:
    """Refuse what git does not accept as the name of a branch, tag or commit."""
    return f"{value!r} cannot be a branch, tag or commit" if _NO_REF.search(value) else None


def command_line(value: str) -> str | None:
    if not value.strip():
        return "it is empty"
    if (size := len(value.encode())) > LONGEST_VARIABLE:
        return f"it has {size} bytes, and {TOO_LONG}"
    return "it holds a NUL character, which no shell can read" if "\0" in value else None


_NAME_SAYS = "cannot be a name: use letters, digits, dots, dashes and underscores, and begin with a letter or digit"
_HOST_SAYS = "cannot be the name of a host: write {name: web1, address: 192.0.2.10, port: 2222, user: deploy}"

Name = Annotated[str, text("name", matching(NAME, _NAME_SAYS), pattern=NAME)]
HostName = Annotated[str, text("host name", matching(NAME, _HOST_SAYS), pattern=NAME)]
AddressText = Annotated[
    str, text("host name or IP address", matching(_ADDRESS, "is not a host name or IP address"), pattern=_ADDRESS)
]
User = Annotated[str, text("user name", matching(_USER, "cannot be the name of a user"), pattern=_USER)]
Variable = Annotated[
    str, text("NAME", matching(_VARIABLE, "cannot be the name of an environment variable"), pattern=_VARIABLE)
]
EnvironmentValue = Annotated[str, WrittenType("text", environment_value, {"type": ["string", "integer"]})]
SecretReference = Annotated[
    str, WrittenType("reference", secret_reference, {"type": "string", "pattern": f"^{REFERENCE.pattern}$"})
]
HeaderName = Annotated[
    str, text("name of a header", matching(_HEADER, "cannot be the name of a header"), pattern=_HEADER)
]
HeaderReference = Annotated[
    str, WrittenType("reference", header_reference, {"type": "string", "pattern": f"^{_HEADER_REFERENCE.pattern}$"})
]
CommandLine = Annotated[str, text("command", command_line)]
LocalPath = Annotated[str, text("path on this machine", plain)]
RemotePath = Annotated[str, text("path", plain, remote_path)]
AppPath = Annotated[str, text("path", plain, remote_path, somewhere)]
ServedPath = Annotated[str, text("path", plain, served_path)]
InsidePath = Annotated[str, text("path in the release", plain, relative, release_path, somewhere)]
SharedPath = Annotated[str, text("path in the release", plain, relative, release_path, somewhere, no_part_of_ours)]
GitRef = Annotated[str, text("branch, tag or commit", plain, git_ref)]
Repository = Annotated[str, text("git repository", no_password, plain)]
WebUrl = Annotated[str, text("URL", no_password, plain, web_url)]

Percent = Annotated[StrictInt, Field(ge=1, le=100)]
Number = Annotated[StrictInt, Field(ge=0)]
