"""The value Framework: what Lockstitch knows of the tools that migrate databases, by the command that runs them.

Each names the table in which the tool records what is applied (the sources: Alembic's and Django's documentation,
Prisma Migrate's `_prisma_migrations`, artisan's `migrations`), so that a dump can tell its newest migration without
the app.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lockstitch.model.command import Command

# Prints what `$pending` lists, in `$patience` seconds. What a tool says beside its answer is not part of it, unless it
# fails: then it says why.
LIST = r"""
said=$(mktemp) || exit 1; trap 'rm -f "$said"' EXIT
answer=$(timeout "$patience" sh -c "$pending" 2>"$said") || {
    code=$?; cat "$said"; printf '%s\n' "$answer"
    [ $code != 124 ] || echo "no answer within $patience s"
    exit 1
}
[ -z "$answer" ] || printf '%s\n' "$answer"
"""
_UNREAD = """ || {
    printf '%s\\n' "$ls_list" "which migrations are pending cannot be told: it is not known whether any was run"
    exit 1; }
"""
_ASK = f"ls_list=$(\n{LIST}\n){_UNREAD}"
# A subshell and no `||`, which would take the effect from a `set -e` in it.
_PLAIN = "ls_skipped=\n(\n{command}\n)\nls_code=$?\n"
# For a tool that says of some that it leaves them out: `$skipped` is a sed script that prints their names.
_WATCHED = r"""
ls_told=$(mktemp) || exit 1
{ ls_code=$({ { (
{command}
) 3>&- 4>&-; echo $? >&4; } | tee "$ls_told" >&3; } 4>&1); } 3>&1
ls_skipped=$(sed -n "$skipped" "$ls_told" | tr '\n' ' '); rm -f "$ls_told"
"""
_ENDED = '[ "${ls_code:=1}" -eq 0 ] || exit "$ls_code"\n'
_NONE_LEFT = rf"""{_ENDED}{_ASK}
ls_list=$(printf '%s\n' "$ls_list" | awk -v skipped=" $ls_skipped" 'NF && !index(skipped, " " $1 " ")')
[ -z "$ls_list" ] || {{ echo "it ended with 0, and these are still pending:"; printf '%s\n' "$ls_list"; exit 1; }}
"""
_FEWER = rf"""{_ENDED}ls_before=$ls_list
{_ASK}
ls_count() {{ printf '%s' "$1" | grep -c ''; }}
if [ "$ls_before" = "$ls_list" ]; then echo "it ended with 0, and nothing was taken back"; exit 1; fi
ls_taken=$(($(ls_count "$ls_list") - $(ls_count "$ls_before")))
[ -z "$counted" ] || [ "$ls_taken" -eq "$steps" ] || {{
    echo "it ended with 0, and took $ls_taken migrations back, not $steps"; exit 1; }}
"""


@dataclass(frozen=True)
class Framework:
    """One tool that migrates databases.

    `line` matches an app's `migrate` line; `pending` and `down` are made from what it matched (`{tool}`). `pending`
    prints a line for each migration that is not applied, and ends with 1 where the tool did not print what it prints
    when it works: an answer that cannot be read is not an empty one. `down` takes `$steps` of them back (empty: the
    tool cannot).
    `head` asks for the newest migration applied, `{joined}` in it for several of them in one text. `files` are git
    globs of one file a migration. `counted` says that `pending` lists every migration, so that those taken back can be
    counted. `skipped` is a sed script that prints, of what the tool says as it migrates, the names of migrations that
    leave themselves out: they stay pending.
    """

    name: str
    line: re.Pattern[str]
    pending: str
    down: str
    table: str
    head: str
    files: tuple[str, ...]
    counted: bool = False
    skipped: str = ""


ALEMBIC = Framework(
    "alembic",
    re.compile(r"^(?P<tool>(?:.*\s)?\S*alembic(?:\s+(?:-c|-x|-n|--config|--name)\s+\S+)*)\s+upgrade\s+heads?$"),
    # `heads` marks each with `(head)`, and both put the revision first; other lines are of the app's own logging.
    r"""at=$({tool} current) && heads=$({tool} heads) || exit 1
ids=$(printf '%s\n' "$heads" | sed -n 's/^\([^ ]*\) .*head).*/\1/p')
[ -n "$ids" ] || [ -z "$heads" ] || { printf '%s\n' "$heads" "alembic heads names no head"; exit 1; }
for id in $ids; do printf '%s\n' "$at" | cut -d ' ' -f 1 | grep -qxF -- "$id" || echo "$id"; done""",
    "{tool} downgrade -$steps",
    "alembic_version",
    "SELECT {joined} FROM alembic_version",
    (":(glob)**/versions/*.py",),
)
PRISMA = Framework(
    "prisma",
    re.compile(
        r"^(?P<tool>.*\bprisma(?:@\S+)?)\s+migrate\s+deploy(?P<options>(?:\s+--(?:schema|config)[=\s]\s*[^\s;&|]+)*).*$"
    ),
    # It ends with 1 both where migrations wait and where it cannot tell, so its text decides. Migrations that only the
    # database has, or that were edited since, are not pending.
    r"""said=$({tool} migrate status{options} 2>&1)
case $said in
    *'not yet been applied'* | *'have failed'*)
        printf '%s\n' "$said" | grep -E '^[0-9]+_' || echo 'prisma migrate status tells of some' ;;
    *'not managed by Prisma Migrate'*) echo 'all: the database is not managed by Prisma Migrate' ;;
    *'schema is up to date'* | *'No migration found'* | *'not found locally'* | *'are different'*) ;;
    *) printf '%s\n' "$said"; exit 1 ;;
esac""",
    "",
    "_prisma_migrations",
    "SELECT max(migration_name) FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL",
    (":(glob)**/migrations/*/migration.sql",),
)
# Django goes back to a migration of each app by its name: to the last applied one, in its own order, that is not in
# `$migrations`, the files that the older revision has not. A label need not be the folder's name, so a name that only
# one app has will do. That it is done, the plan says afterwards.
_DJANGO_DOWN = r"""
plan() {
    all=$({tool} showmigrations --plan </dev/null) && printf '%s\n' "$all" || return 1
    case $all in *'[X]'* | *'[ ]'*) ;; *) return 1 ;; esac
}
backward() {
    {
        printf '%s\n' "$migrations" | sed -n 's|^\(.*/\)\{0,1\}\([^/]*\)/migrations/\([^/]*\)\.py$|file \2 \3|p'
        printf '%s\n' "$1" | sed -n 's/^\[X\] *\([^. ]*\)\.\([^ ]*\).*/applied \1 \2/p'
    } | awk '
        $1 == "file" { folder[++files] = $2; name[files] = $3 }
        $1 == "applied" { app[++all] = $2; id[all] = $3; is[$2 " " $3] = 1; apps[$3]++; only[$3] = $2 }
        END {
            for (i = 1; i <= files; i++) {
                of = (folder[i] " " name[i]) in is ? folder[i] : apps[name[i]] == 1 ? only[name[i]] : ""
                if (of == "" && apps[name[i]]) { print "which app has " name[i] "?"; exit 1 }
                if (of != "") { gone[of " " name[i]] = 1; to[of] = "zero" }
            }
            for (i = 1; i <= all; i++) if (app[i] in to && !((app[i] " " id[i]) in gone)) to[app[i]] = id[i]
            for (of in to) print of, to[of]
        }'
}
before=$(plan) || { printf '%s\n' "$before" "showmigrations --plan printed no plan"; exit 1; }
ways=$(backward "$before") || { echo "$ways Write migrate_down by hand"; exit 1; }
[ -z "$ways" ] || printf '%s\n' "$ways" | while read -r app name; do
    ({tool} migrate --noinput "$app" "$name") </dev/null || exit 1
done || exit 1
after=$(plan) || { printf '%s\n' "$after" "showmigrations --plan printed no plan"; exit 1; }
left=$(backward "$after") && [ -z "$left" ] || { echo "still applied, though it was taken back: $left"; exit 1; }
"""
DJANGO = Framework(
    "django",
    re.compile(r"^(?P<tool>.*\b(?:manage\.py|django-admin))\s+migrate(?:\s+--(?:no-?input|noinput))*$"),
    r"""said=$({tool} showmigrations --plan) || exit 1
case $said in
    *'[X]'* | *'[ ]'* | *'(no migrations)'*) printf '%s\n' "$said" | sed -n 's/^\[ \] *//p' ;;
    *) printf '%s\n' "$said" "showmigrations --plan printed no plan"; exit 1 ;;
esac""",
    _DJANGO_DOWN,
    "django_migrations",
    "SELECT concat(app, '.', name) FROM django_migrations ORDER BY id DESC LIMIT 1",
    (":(glob)**/migrations/[0-9]*.py",),
)
ARTISAN = Framework(
    "artisan",
    re.compile(
        r"^(?P<tool>.*\bartisan)\s+migrate"
        r"(?:\s+(?:-[nqv]+|--(?:force|graceful|isolated(?:=\d+)?|no-ansi|no-interaction|quiet|seed|step)))*$"
    ),
    # artisan says on stdout why it fails, and fails before the first migration has made the table. It ends with 0
    # whatever has happened, where it may not write its log. Older ones print a table, later ones a list with a title.
    r"""said=$({tool} migrate:status); code=$?
case $code$said in
    *'igration table not found'*) echo 'all: none was made yet' ;;
    0*'Ran?'* | 0*'igration name'* | 0*'o migrations found'*)
        printf '%s\n' "$said" | awk '/[ .]Pending *$/ || /^\| *No /' ;;
    *) printf '%s\n' "$said" "migrate:status ended with $code and printed no list"; exit 1 ;;
esac""",
    "{tool} migrate:rollback --step=$steps --force",
    "migrations",
    "SELECT migration FROM migrations ORDER BY id DESC LIMIT 1",
    (":(glob)database/migrations/*.php",),
    counted=True,
    # A migration of newer versions may have a `shouldRun()`.
    skipped=r"s/^ *\([^ ]*\) .*[. ]SKIPPED *$/\1/p",
)
# What may stand before a tool when it is only asked.
_LEADS = re.compile(r"\s*(?:(?:cd|\.|source|export|unset|set|umask|eval)\s|(?:[A-Za-z_]\w*=\S*\s*)+$)")
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
    counted: bool = False
    skipped: str = ""

    def proven(self, migrate: Command) -> Command:
        """The command that migrates, which fails where migrations are pending afterwards, whatever its exit code.

        Where nobody knows how to list them, its exit code is believed."""
        return self._proven(migrate, _WATCHED if self.skipped else _PLAIN, _NONE_LEFT, skipped=self.skipped)

    def proven_back(self, down: Command) -> Command:
        """The command that takes `$steps` migrations back, which fails where what is pending then says otherwise."""
        return self._proven(down, _ASK + _PLAIN, _FEWER, counted="yes" if self.counted else "")

    def _proven(self, command: Command, around: str, after: str, **values: str) -> Command:
        if not self.pending:
            return command
        text = around.replace("{command}", command.text) + after
        return replace(
            command, text=text, values={**command.values, "pending": self.pending, "patience": "110", **values}
        )


def migrating(migrate: str | None, pending: str | None, down: str | None, files: Iterable[str]) -> Migrating:
    """What an app says of its migrations, and for what it leaves out what its tool is known to have."""
    known = framework(migrate)
    match = known.line.match(migrate.strip()) if known and migrate else None
    words = {"tool": _asking(match["tool"]), "options": match.groupdict().get("options", "")} if match else {}
    own = tuple(f":(glob){glob}" for glob in files)
    return Migrating(
        pending or (_filled(known.pending, words) if known else ""),
        down or (_filled(known.down, words) if known else ""),
        own or (known.files if known else ()),
        counted=bool(known and known.counted and not pending and not down),
        skipped=known.skipped if known and not pending else "",
    )


def _filled(text: str, words: Mapping[str, str]) -> str:
    for name, word in words.items():
        text = text.replace(f"{{{name}}}", word)
    return text


def _asking(tool: str) -> str:
    """The tool as a line calls it, without what the line does before: asking must not do it again. What only leads to
    the tool stays: a folder, a file that is read, a variable."""
    *ahead, last = re.split(r"(&&|\|\||;)", tool)
    kept = (word + sign for word, sign in zip(ahead[::2], ahead[1::2], strict=True) if _LEADS.match(word))
    return ("".join(kept) + last).strip()


# What the question for pending migrations ends with where nothing is deployed.
NOTHING_THERE = 100


@dataclass(frozen=True)
class Pending:
    """Migrations that the code that serves has not applied: a line for each migration, or why nobody knows."""

    names: tuple[str, ...] = ()
    problem: str = ""

    def __str__(self) -> str:
        if self.problem:
            return f"whether it has migrations pending is not known: {self.problem}"
        more = f" and {len(self.names) - 5} more" if len(self.names) > 5 else ""
        return f"migrations pending in the code that serves: {', '.join(self.names[:5])}{more}"


def parse_pending(text: str, code: int) -> Pending | None:
    """The migrations that a tool lists, a line each; None where nothing is deployed."""
    lines = tuple(" ".join(line.split()) for line in text.split("\n") if line.strip())
    if code == NOTHING_THERE:
        return None
    if code:
        said = " / ".join(lines[-5:]) or "nothing was said"
        return Pending(problem=f"the command that lists them ended with exit code {code}: {said}")
    return Pending(lines)
