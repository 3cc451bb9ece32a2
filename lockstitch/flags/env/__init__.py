"""Driver `env`: a variable in the app's environment file, on each of its hosts.

The value is one that dotenv libraries, unit files, shells and container engines read alike; a line that they would read
differently is refused. All other lines of the file stay as they are, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from lockstitch.flags.base import Flag, FlagPlace, ReadBy
from lockstitch.model.command import Value
from lockstitch.model.env_file import ENV_FILE_READER, name_problem
from lockstitch.model.shell import shell_text
from lockstitch.model.written import WORD

_text = partial(shell_text, __package__)
_READER = f"{ENV_FILE_READER}{_text('edit.awk')}"
# Signs that a reader of such a file may take for something else, within quotes too.
_FOREIGN = re.compile(r"['\"\\$`]")


def _path(value: object) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError(f"{value!r} is no path of a file")
    if value.startswith(("~", "-")) or value.endswith("/") or ".." in value.split("/"):
        raise ValueError(f"{value!r}: write the whole path of a file, or one relative to the release")
    return value


def _variable(name: str) -> str:
    if says := name_problem(name):
        raise ValueError(says)
    return name


EnvironmentFile = Annotated[str, BeforeValidator(_path), WithJsonSchema({"type": "string", WORD: "path"})]


class EnvironmentFlag(Flag):
    """A variable in the app's environment file. Setting it reloads or restarts the service, in waves."""

    examples = (
        {"variable": "PHASE_1_ROLLOUT_PERCENTAGE", "steps": [{"to": 0}, {"to": 10, "for": "15m"}, {"to": 100}]},
        {"variable": "PHASE_1", "file": "/etc/default/api", "read_by": "app"},
    )
    per_host = True

    kind: Literal["env"]
    variable: Annotated[str, AfterValidator(_variable)] = Field(
        description="name of the variable", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"
    )
    file: EnvironmentFile = Field(
        ".env", description="the environment file: a whole path, or one relative to the release that serves"
    )
    read_by: ReadBy = Field(
        "service",
        description="`service`: it starts the app's processes with what the file says, and each is asked for it; "
        "`app`: the app's code reads the file as it starts",
    )

    def says(self) -> str:
        return f"{self.variable} in {self.file}"

    def refusal(self, value: str) -> str:
        if sign := _FOREIGN.search(value):
            return f"{sign[0]} in the value of {self.variable} would be read differently by dotenv and by unit files"
        return super().refusal(value) if value.isascii() else f"the value of {self.variable} has signs beyond ASCII"

    def variable_name(self) -> str:
        return self.variable

    def is_read_by_app(self) -> bool:
        return self.read_by == "app"

    def file_in_release(self) -> str:
        return "" if self.file.startswith("/") else self.file

    def values(self, place: FlagPlace, to: str | None = None) -> Mapping[str, Value]:
        path = self.file if self.file.startswith("/") else f"{place.current}/{self.file}"
        dialect = "shell" if self.file.endswith(".sh") else place.dialect
        return {"flag_path": path, "flag_variable": self.variable, "flag_dialect": dialect, "flag_awk": _READER}

    def read_text(self, place: FlagPlace) -> str:
        return _text("file.sh", "read.sh")

    def write_text(self, place: FlagPlace) -> str:
        return _text("file.sh", "write.sh")

    def export_text(self, place: FlagPlace) -> str:
        return self.functions(place) + _text("export.sh")
