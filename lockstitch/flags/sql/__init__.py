"""Driver `sql`: one column of one row, asked and set by the database's own programs on the app's first host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from lockstitch.flags.base import Flag, FlagPlace, FlagText
from lockstitch.model.command import Value
from lockstitch.model.shell import shell_text

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]


class SqlFlag(Flag):
    """One column of one row, which must be there; NULL is a flag that is not set."""

    examples = ({"table": "flags", "where": {"name": "PHASE_1"}, "column": "percent"},)

    kind: Literal["sql"]
    database: str = Field("", description="the database, by its name under `databases`; without it the app's own")
    table: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$")] = Field(
        description="the table, with its schema where that is needed"
    )
    where: dict[Identifier, FlagText] = Field(description="the columns and values that name the row", min_length=1)
    column: Identifier = Field(description="the column")

    def says(self) -> str:
        row = " and ".join(f"{name} = {value}" for name, value in self.where.items())
        return f"{self.column} of {self.table}, {row}"

    def refusal(self, value: str) -> str:
        if "'" in value or "\\" in value:
            return f"a quote or a backslash cannot be in {self.column}"
        return super().refusal(value)

    def database_name(self) -> str:
        return self.database

    def values(self, place: FlagPlace, to: str | None = None) -> Mapping[str, Value]:
        assert place.engine is not None
        quote = place.engine.quote

        def name(text: str) -> str:
            return ".".join(f"{quote}{part}{quote}" for part in text.split("."))

        row = " AND ".join(f"{name(column)} = {_literal(value)}" for column, value in self.where.items())
        column, table = name(self.column), name(self.table)
        text = f"CAST({column} AS {place.engine.text_type})"
        read = (
            f"SELECT CASE WHEN {column} IS NULL THEN 'unset' ELSE CONCAT('value ', {text}) END FROM {table} WHERE {row}"  # noqa: S608
        )
        write = f"UPDATE {table} SET {column} = {'NULL' if to is None else _literal(to)} WHERE {row}"  # noqa: S608
        return {**place.login, "flag_select": f"{read};", "flag_update": f"{write};", "flag_says": self.says()}

    def read_text(self, place: FlagPlace) -> str:
        assert place.engine is not None
        return place.engine.query + shell_text(__package__, "read.sh")

    def write_text(self, place: FlagPlace) -> str:
        assert place.engine is not None
        return place.engine.query + shell_text(__package__, "write.sh")


def _literal(value: str) -> str:
    """Return a value as a literal that means the same to every engine; `refusal` keeps out what would not."""
    return "'" + value.replace("'", "''").replace("\\", "") + "'"
