"""The value Framework: what Lockstitch knows of the tools that migrate databases, by the command that runs them.

Each names the table in which the tool records what is applied (the sources: Alembic's and Django's documentation,
Prisma Migrate's `_prisma_migrations`, artisan's `migrations`), so that a dump can tell its newest migration without
the app.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Framework:
    """One tool that migrates databases.

    `line` matches an app's `migrate` line; `pending` and `down` are made from what it matched (`{tool}`). `pending`
    prints a line for each migration that is not applied, `down` takes `$steps` of them back (empty: the tool cannot).
    `head` asks for the newest migration applied, `{joined}` in it for several of them in one text. `files` are git
    globs of one file a migration.
    """

    name: str
    line: re.Pattern[str]
    pending: str
    down: str
    table: str
    head: str
    files: tuple[str, ...]


ALEMBIC = Framework(
    "alembic",
    re.compile(r"^(?P<tool>(?:.*\s)?\S*alembic(?:\s+(?:-c|-x|-n|--config|--name)\s+\S+)*)\s+upgrade\s+heads?$"),
    # `current` and `heads` print a line each, the revision first; what no line of the one has is not applied.
    "at=$({tool} current) && heads=$({tool} heads) || exit 1; for head in $(echo \"$heads\" | cut -d ' ' -f 1); do "
    'echo "$at" | grep -q "^$head" || echo "$head"; done',
    "{tool} downgrade -$steps",
    "alembic_version",
    "SELECT {joined} FROM alembic_version",
    (":(glob)**/versions/*.py",),
)
PRISMA = Framework(
    "prisma",
    re.compile(r"^(?P<tool>.*\bprisma(?:@\S+)?)\s+migrate\s+deploy(?P<rest>.*)$"),
    # It ends with 1 both where migrations wait and where it cannot tell: then a dump is made, which is safe.
    '{tool} migrate status >/dev/null 2>&1 || echo "prisma migrate status tells of some"',
    "",
    "_prisma_migrations",
    "SELECT max(migration_name) FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL",
    (":(glob)**/migrations/*/migration.sql",),
)
DJANGO = Framework(
    "django",
    re.compile(r"^(?P<tool>.*\b(?:manage\.py|django-admin))\s+migrate(?:\s+--(?:no-?input|noinput))*$"),
    "said=$({tool} showmigrations --plan) || exit 1; echo \"$said\" | sed -n 's/^\\[ \\] *//p'",
    "",
    "django_migrations",
    "SELECT concat(app, '.', name) FROM django_migrations ORDER BY id DESC LIMIT 1",
    (":(glob)**/migrations/[0-9]*.py",),
)
ARTISAN = Framework(
    "artisan",
    re.compile(r"^(?P<tool>.*\bartisan)\s+migrate(?:\s+--(?:force|isolated(?:=\d+)?|step|no-interaction))*$"),
    # artisan says on stdout why it fails, and fails before the first migration has made the table.
    "said=$({tool} migrate:status) || case $said in *'igration table not found'*) echo 'all: none was made yet'; "
    "exit ;; *) printf '%s\\n' \"$said\"; exit 1 ;; esac; echo \"$said\" | awk '/Pending/ || /^\\| *No /'",
    "{tool} migrate:rollback --step=$steps --force",
    "migrations",
    "SELECT migration FROM migrations ORDER BY id DESC LIMIT 1",
    (":(glob)database/migrations/*.php",),
)
FRAMEWORKS = (ALEMBIC, PRISMA, DJANGO, ARTISAN)


def heads(joined: str) -> str:
    """A line `TABLE QUERY` for each tool; `joined` is how SQL puts the values of a `{column}` into one text."""
    text = joined.format(column="version_num")
    return "\n".join(f"{each.table} {each.head.format(joined=text)}" for each in FRAMEWORKS)


HEADS = heads("string_agg({column}, ',' ORDER BY {column})")


def framework(migrate: str | None) -> Framework | None:
    """The tool that a `migrate` line runs, where it is one of those known."""
    return next((each for each in FRAMEWORKS if migrate and each.line.match(migrate.strip())), None)


@dataclass(frozen=True)
class Migrating:
    """How one app's migrations are listed, counted and taken back; an empty text is one that is not known."""

    pending: str = ""
    down: str = ""
    files: tuple[str, ...] = ()


def migrating(migrate: str | None, pending: str | None, down: str | None, files: Iterable[str]) -> Migrating:
    """What an app says of its migrations, and for what it leaves out what its tool is known to have."""
    known = framework(migrate)
    match = known.line.match(migrate.strip()) if known and migrate else None
    tool = match["tool"] if match else ""
    own = tuple(f":(glob){glob}" for glob in files)
    return Migrating(
        pending or (known.pending.format(tool=tool) if known else ""),
        down or (known.down.format(tool=tool) if known else ""),
        own or (known.files if known else ()),
    )
