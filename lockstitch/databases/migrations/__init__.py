"""The values Framework and Migrating: the tools that migrate databases, by the command that runs them.

Each names the table in which the tool records what is applied (the sources: Alembic's and Django's documentation,
Prisma Migrate's `_prisma_migrations`, artisan's `migrations`), so that a dump can tell its newest migration without
the app.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from lockstitch.model.command import Command, Value
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.shell import shell_text

LIST = shell_text(__package__, "list.sh")


@dataclass(frozen=True)
class Framework:
    """One tool that migrates databases.

    `line` matches an app's `migrate` line, with the tool as the group `tool`. The text `NAME.sh` prints a line for each
    migration that is not applied, and ends with 1 where the tool did not print what it prints when it works: an answer
    that cannot be read is not an empty one. `down` are the tool's arguments that take `$steps` migrations back, and
    `down_text` the file of a text that does it; without either the tool cannot.
    `head` asks for the newest migration applied, `{joined}` in it for several of them in one text. `files` are git
    globs of one file a migration. `counted` says that `NAME.sh` lists every migration, so that those taken back can be
    counted. `skipped` is a sed script that prints, of the tool's output as it migrates, the names of migrations that
    leave themselves out: they stay pending. `column` is the SQL for the name of a migration in the tool's table, and
    `applied` the clause for those that are applied; `path` matches the parts of a file's path that make this name. They
    are empty for a tool whose table has the newest one alone.
    """

    name: str
    line: re.Pattern[str]
    table: str
    head: str
    files: tuple[str, ...]
    down: str = ""
    down_text: str = ""
    counted: bool = False
    skipped: str = ""
    column: str = ""
    applied: str = ""
    path: str = ""

    def pending(self, migrate: str) -> str:
        """Return the command that lists pending migrations, of an app whose `migrate` line is this tool's."""
        return self._text(f"{self.name}.sh", migrate)

    def revert(self, migrate: str) -> str:
        """Return the command that takes `$steps` migrations back; empty where the tool cannot."""
        if self.down_text:
            return self._text(self.down_text, migrate)
        return f"{self._words(migrate)['ls_tool']} {self.down}" if self.down else ""

    def _text(self, file: str, migrate: str) -> str:
        return Command(shell_text(__package__, file), values=self._words(migrate)).render()

    def _words(self, migrate: str) -> dict[str, str]:
        match = self.line.match(migrate.strip())
        assert match is not None
        return {f"ls_{name}": _asking(word) if name == "tool" else word for name, word in match.groupdict().items()}


ALEMBIC = Framework(
    "alembic",
    re.compile(r"^(?P<tool>(?:.*\s)?\S*alembic(?:\s+(?:-c|-x|-n|--config|--name)\s+\S+)*)\s+upgrade\s+heads?$"),
    table="alembic_version",
    head="SELECT {joined} FROM alembic_version",
    files=(":(glob)**/versions/*.py",),
    down="downgrade -$steps",
)
PRISMA = Framework(
    "prisma",
    re.compile(
        r"^(?P<tool>.*\bprisma(?:@\S+)?)\s+migrate\s+deploy(?P<options>(?:\s+--(?:schema|config)[=\s]\s*[^\s;&|]+)*).*$"
    ),
    table="_prisma_migrations",
    head="SELECT max(migration_name) FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL",
    files=(":(glob)**/migrations/*/migration.sql",),
    column="migration_name",
    applied="WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL",
    path=r"([^/]+)/migration\.sql$",
)
DJANGO = Framework(
    "django",
    re.compile(r"^(?P<tool>.*\b(?:manage\.py|django-admin))\s+migrate(?:\s+--(?:no-?input|noinput))*$"),
    table="django_migrations",
    head="SELECT concat(app, '.', name) FROM django_migrations ORDER BY id DESC LIMIT 1",
    files=(":(glob)**/migrations/[0-9]*.py",),
    down_text="django_down.sh",
    column="concat(app, '.', name)",
    path=r"([^/]+)/migrations/([^/]+)\.py$",
)
ARTISAN = Framework(
    "artisan",
    re.compile(
        r"^(?P<tool>.*\bartisan)\s+migrate"
        r"(?:\s+(?:-[nqv]+|--(?:force|graceful|isolated(?:=\d+)?|no-ansi|no-interaction|quiet|seed|step)))*$"
    ),
    table="migrations",
    head="SELECT migration FROM migrations ORDER BY id DESC LIMIT 1",
    files=(":(glob)database/migrations/*.php",),
    down="migrate:rollback --step=$steps --force",
    counted=True,
    # A migration of newer versions may have a `shouldRun()`.
    skipped=r"s/^ *\([^ ]*\) .*[. ]SKIPPED *$/\1/p",
    column="migration",
    path=r"([^/]+)\.php$",
)
# What may stand before a tool when it is only asked.
_LEADS = re.compile(r"\s*(?:(?:cd|\.|source|export|unset|set|umask|eval)\s|(?:[A-Za-z_]\w*=\S*\s*)+$)")
FRAMEWORKS = (ALEMBIC, PRISMA, DJANGO, ARTISAN)


def heads(joined: str) -> str:
    """Return a line `TABLE QUERY` for each tool; `joined` is how SQL puts the values of a `{column}` into one text."""
    text = joined.format(column="version_num")
    return "\n".join(f"{each.table} {each.head.format(joined=text)}" for each in FRAMEWORKS)


def applied(joined: str) -> str:
    """Return a line `TABLE QUERY` for each tool. The answer is `applied TABLE NAME NAME …`, with `?` for the names
    where the table does not have them all. `joined` is how SQL joins the values of a `{column}` by blanks."""
    some = "CASE WHEN count(*) = 0 THEN '' ELSE '?' END"
    lines = []
    for each in FRAMEWORKS:
        names = f"coalesce({joined.format(column=each.column)}, '')" if each.column else some
        query = f"SELECT concat('applied {each.table} ', {names}) FROM {each.table} {each.applied}"  # noqa: S608
        lines.append(f"{each.table} {query}")
    return "\n".join(lines)


HEADS = heads("string_agg({column}, ',' ORDER BY {column})")


def framework(migrate: str | None) -> Framework | None:
    """Return the tool that a `migrate` line runs, where it is a known one."""
    return next((each for each in FRAMEWORKS if migrate and each.line.match(migrate.strip())), None)


APPLIED = applied("string_agg({column}, ' ')")


def unapplied(
    migrate: str | None, files: Iterable[str], tables: Mapping[str, tuple[str, ...] | None]
) -> tuple[str, ...] | None:
    """Return those of an app's migration files that its database does not have, by the names in the `tables` of tools;
    empty for a table that is not there, None for one without names. Return None where that cannot be told."""
    known, files = framework(migrate), tuple(files)
    names = tables.get(known.table) if known else None
    if known is None or names is None:
        return None
    if not names:
        return files
    missing = []
    for file in files:
        match = re.search(known.path, file)
        if match is None:
            return None
        name = ".".join(match.groups())
        if name in names:
            continue
        # The label of an app need not be the name of its folder.
        label, _, stem = name.rpartition(".")
        if (
            label
            and not any(each.startswith(f"{label}.") for each in names)
            and any(each.endswith(f".{stem}") for each in names)
        ):
            return None
        missing.append(file)
    return tuple(missing)


def parse_applied(lines: Iterable[str], absent: Iterable[str]) -> dict[str, tuple[str, ...] | None]:
    """Return the migrations in each table of a tool from lines `TABLE NAME NAME …`, None where it has `?` for them, and
    none for the tables that are `absent`."""
    tables: dict[str, tuple[str, ...] | None] = {table.strip(): () for table in absent}
    for line in lines:
        table, *names = line.split()
        tables[table] = None if names == ["?"] else tuple(names)
    return tables


@dataclass(frozen=True)
class MigrationSession:
    """The sessions that a migration has with its database: the environment that sets them up, and the extended regular
    expression of the message that another session's lock lasted too long; empty where that is not limited. Such a
    migration is tried up to `tries` times, `pause` seconds apart."""

    env: Mapping[str, Value] = field(default_factory=dict)
    lock_timeout: str = ""
    tries: int = 1
    pause: float = 1

    def patient(self, command: Command) -> Command:
        """Return a command that migrates, in such sessions."""
        command = replace(command, env={**command.env, **self.env})
        if not self.lock_timeout or self.tries < 2:
            return command
        values = {"lock_timeout": self.lock_timeout, "tries": str(self.tries), "pause": f"{self.pause:g}"}
        text = f"ls_attempt() {{\n{command.text}\n}}\n" + shell_text(__package__, "again.sh")
        return replace(command, text=text, values={**command.values, **values})


@dataclass(frozen=True)
class Migrating:
    """The commands that list an app's migrations and take them back; an empty text is unknown."""

    pending: str = ""
    down: str = ""
    files: tuple[str, ...] = ()
    counted: bool = False
    skipped: str = ""

    def proven(self, migrate: Command) -> Command:
        """Return the command that migrates, and fails where migrations are pending afterwards, whatever its exit code.

        Where nothing is known that lists them, its exit code is believed.
        """
        return self._proven(migrate, "up.sh", skipped=self.skipped)

    def proven_back(self, down: Command) -> Command:
        """Return the command that takes `$steps` migrations back, and fails where the pending ones say otherwise."""
        return self._proven(down, "down.sh", counted="yes" if self.counted else "")

    def _proven(self, command: Command, file: str, **values: str) -> Command:
        if not self.pending:
            return command
        functions = f"ls_pending() {{{LIST}}}\nls_migrate() {{\n{command.text}\n}}"
        text = functions + shell_text(__package__, "ask.sh") + shell_text(__package__, file)
        return replace(
            command, text=text, values={**command.values, "pending": self.pending, "patience": "110", **values}
        )


def migrating(migrate: str | None, pending: str | None, down: str | None, files: Iterable[str]) -> Migrating:
    """Return what an app says of its migrations, and for what it leaves out what its tool is known to have."""
    known = framework(migrate)
    own = tuple(f":(glob){glob}" for glob in files)
    if known is None or migrate is None:
        return Migrating(pending or "", down or "", own)
    return Migrating(
        pending or known.pending(migrate),
        down or known.revert(migrate),
        own or known.files,
        counted=known.counted and not pending and not down,
        skipped=known.skipped if not pending else "",
    )


def _asking(tool: str) -> str:
    """Return the tool as a line calls it, without what the line does before: a question must not do it again. What only
    leads to the tool stays: a folder, a file that is read, a variable."""
    *ahead, last = re.split(r"(&&|\|\||;)", tool)
    kept = (word + sign for word, sign in zip(ahead[::2], ahead[1::2], strict=True) if _LEADS.match(word))
    return ("".join(kept) + last).strip()


# What the question for pending migrations ends with where nothing is deployed.
NOTHING_THERE = 100


@dataclass(frozen=True)
class Pending:
    """The migrations that the code that serves has not applied: a line for each, or why they are unknown."""

    names: tuple[str, ...] = ()
    problem: str = ""

    def __str__(self) -> str:
        if self.problem:
            return f"whether it has migrations pending is not known: {self.problem}"
        more = f" and {len(self.names) - 5} more" if len(self.names) > 5 else ""
        return f"migrations pending in the code that serves: {', '.join(self.names[:5])}{more}"


def parse_pending(text: str, code: int) -> Pending | None:
    """Return the migrations that a tool lists, a line each; None where nothing is deployed."""
    lines = tuple(" ".join(line.split()) for line in text.split("\n") if line.strip())
    if code == NOTHING_THERE:
        return None
    if code:
        said = " / ".join(lines[-5:]) or "nothing was said"
        return Pending(problem=f"the command that lists them ended with exit code {code}: {said}")
    return Pending(lines)
