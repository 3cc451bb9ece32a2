"""Which tool a `migrate` line runs, and what is known of it; a line of any other kind is nobody's."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from lockstitch.databases.engine import engines
from lockstitch.databases.migrations import (
    FRAMEWORKS,
    HEADS,
    MigrationSession,
    framework,
    migrating,
    parse_applied,
    unapplied,
)
from lockstitch.model.command import Command
from tests.shells import SHELLS, says

LINES = {
    "alembic": [
        "alembic upgrade head",
        ".venv/bin/alembic upgrade head",
        "alembic upgrade heads",
        "python -m alembic -c conf/alembic.ini upgrade head",
        "cd api && .venv/bin/alembic -x tenant=a --name main upgrade head",
        "  alembic  upgrade  head  ",
    ],
    "prisma": [
        "npx prisma migrate deploy",
        "npx prisma@5.1.0 migrate deploy",
        "pnpm exec prisma migrate deploy --schema=a.prisma",
    ],
    "django": [
        "python manage.py migrate",
        ".venv/bin/python manage.py migrate --noinput",
        "./manage.py migrate --no-input",
        "django-admin migrate",
    ],
    "artisan": [
        "php artisan migrate --force",
        "php8.2 artisan migrate --isolated --force",
        "/srv/x/artisan migrate",
        "artisan migrate --seed -n",
    ],
}
NOT_THESE = [
    None,
    "",
    "make migrate",
    ".venv/bin/python migrate.py up",
    "alembic downgrade -1",
    "alembic upgrade +1",
    "alembic upgrade head && ./seed.sh",
    "alembic current",
    "notalembicupgrade head",
    "npx prisma db push",
    "npx prisma migrate dev",
    "python manage.py migrate shop 0003",
    "python manage.py migrate --fake",
    "python manage.py makemigrations",
    "php artisan migrate:fresh --force",
    "php artisan migrate --pretend",
]


@pytest.mark.parametrize("name, line", [(name, line) for name, lines in LINES.items() for line in lines])
def test_a_tool_is_known_by_the_line_that_runs_it(name: str, line: str) -> None:
    found = framework(line)
    assert found is not None and found.name == name
    made = migrating(line, None, None, ())
    assert made.pending and made.files == found.files
    assert bool(made.down) == bool(found.down or found.down_text) == (name != "prisma")
    for shell in SHELLS:
        assert says((*shell, "-n"), made.pending + "\n" + made.down) == b""


@pytest.mark.parametrize("line", NOT_THESE)
def test_any_other_line_is_nobodys(line: str | None) -> None:
    assert framework(line) is None
    assert migrating(line, None, None, ()) == migrating(None, None, None, ())


def test_what_an_app_says_itself_goes_before_what_is_known() -> None:
    made = migrating("alembic upgrade head", "./pending", "./down", ["db/*.sql"])
    assert (made.pending, made.down, made.files) == ("./pending", "./down", (":(glob)db/*.sql",))
    other = migrating("./migrate.sh", "./pending", None, ["db/*.sql"])
    assert (other.pending, other.down, other.files) == ("./pending", "", (":(glob)db/*.sql",))


def test_the_tool_is_called_as_the_line_calls_it() -> None:
    made = migrating("cd api && .venv/bin/alembic -c x.ini upgrade head", None, None, ())
    assert made.down == "cd api && .venv/bin/alembic -c x.ini downgrade -$steps"
    assert made.pending.startswith("ls_tool='cd api && .venv/bin/alembic -c x.ini'\n")
    assert migrating("php8.2 artisan migrate --force", None, None, ()).down.startswith(
        "php8.2 artisan migrate:rollback"
    )


@pytest.mark.parametrize(
    "line, tool, options",
    [
        ("php artisan down && php artisan migrate --force", "php artisan", None),
        ("./collect; cd src && . ./env; A=1 manage.py migrate", "cd src && . ./env;A=1 manage.py", None),
        ("export A=1; npm run build && npx prisma migrate deploy", "export A=1; npx prisma", ""),
        ("make x && A=1 ; alembic upgrade head", "A=1 ; alembic", None),
        ("prisma migrate deploy --schema=db/a.prisma", "prisma", " --schema=db/a.prisma"),
        ("prisma migrate deploy --schema a.prisma&& prisma db seed", "prisma", " --schema a.prisma"),
    ],
)
def test_who_asks_does_nothing_else_of_the_line_that_migrates(line: str, tool: str, options: str | None) -> None:
    ways = [
        way for way in (migrating(line, None, None, ()).pending, migrating(line, None, None, ()).down) if "eval" in way
    ]
    assert ways
    for way in ways:
        values = dict(each.split("=", 1) for each in way.split("\n\n")[0].split("\n"))
        assert " ".join(shlex.split(values["ls_tool"])[0].split()).replace(" ", "") == tool.replace(" ", "")
        assert (shlex.split(values["ls_options"])[0] if "ls_options" in values else None) == options


# What each tool prints, and what is to be made of it: the text is run with a tool that says so much.
SAYS = {
    "alembic": ("alembic upgrade head", 'case $1 in current) echo "0001" ;; *) echo "0002 (head)" ;; esac', "0002"),
    "alembic at its head": (
        "alembic upgrade head",
        'case $1 in current) echo "0002 (head)" ;; *) echo "0002 (head)" ;; esac',
        "",
    ),
    "alembic before all": ("alembic upgrade head", 'case $1 in current) : ;; *) echo "0002 (head)" ;; esac', "0002"),
    "prisma": (
        "prisma migrate deploy",
        'printf "%s\\n" "Following migration have not yet been applied:" "20240101000000_init"; return 1',
        "20240101000000_init",
    ),
    "prisma done": ("prisma migrate deploy", 'echo "Database schema is up to date!"', ""),
    "prisma of two minds": ("prisma migrate deploy", 'echo "The migrations are not found locally"; return 1', ""),
    "django": (
        "manage.py migrate",
        'printf "%s\\n" "[X]  auth.0001" "[ ]  shop.0002" "[ ]  shop.0003"',
        "shop.0002\nshop.0003",
    ),
    "django done": ("manage.py migrate", 'echo "[X]  auth.0001"', ""),
    "artisan": (
        "artisan migrate",
        'printf "%s\\n" "  Migration name ... Batch / Status" "  0001_a ... [1] Ran" "  0002_b ... Pending"',
        "0002_b ... Pending",
    ),
    "laravel of old": (
        "artisan migrate",
        'printf "%s\\n" "| Ran? | Migration |" "| Yes | 1_a |" "| No  | 2_b |"',
        "| No  | 2_b |",
    ),
    "laravel done": ("artisan migrate", 'echo "  Migration name .. 0001_Pending_a ... [1] Ran"', ""),
}
# An exit code of 0 and none of the words that the tool prints when it works, as where artisan may not write its log.
UNREAD = {
    "alembic": ("alembic upgrade head", 'case $1 in heads) echo "no script_location" ;; esac'),
    "prisma": ("prisma migrate deploy", 'echo "Error: P1000: Authentication failed"; return 1'),
    "prisma that is silent": ("prisma migrate deploy", ":"),
    "django": ("manage.py migrate", "echo Access denied"),
    "artisan": ("artisan migrate", 'echo "In StreamHandler.php line 146:"'),
    "artisan that is silent": ("artisan migrate", ":"),
}


def asked(line: str, body: str, around: str = "@") -> subprocess.CompletedProcess[str]:
    """The question after pending migrations, put to a tool with that body."""
    tool = line.split()[0]
    name = tool.replace(".", "_")
    text = f"{name}() {{ {body}\n}}\n{around.replace('@', migrating(line, None, None, ()).pending.replace(tool, name))}"
    return subprocess.run(["sh"], input=text, capture_output=True, text=True, timeout=10, check=False)


@pytest.mark.parametrize("what", SAYS)
def test_what_is_pending_is_a_line_each(what: str) -> None:
    line, body, said = SAYS[what]
    done = asked(line, body)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, said, "")


@pytest.mark.parametrize("what", UNREAD)
def test_an_answer_that_cannot_be_read_is_never_that_nothing_is_pending(what: str) -> None:
    line, body = UNREAD[what]
    done = asked(line, body)
    assert done.returncode == 1, done


ARTISAN = """#!/bin/sh
applied=$HOME/applied
case $1 in
    migrate:status) [ ! -e "$HOME/dumb" ] || { echo "Access denied"; exit; }
        echo "Migration name"; for id in 1 2 3; do
            grep -qx $id "$applied" && echo "  ${id}_a ... [1] Ran" || echo "  ${id}_a ... Pending"; done ;;
    migrate) for id in 1 2 3; do grep -qx $id "$applied" || [ -e "$HOME/fails" ] || if [ "$id" = "$SKIPS" ]
            then echo "  ${id}_a ....... 0.02ms SKIPPED"
            else echo $id >>"$applied"; echo "  ${id}_a ....... 3.40ms DONE"; fi; done ;;
    migrate:rollback) head -n -"$TAKES" "$applied" >"$applied.new"; mv "$applied.new" "$applied" ;;
esac
"""


def migrated(home: Path, command: Command, takes: int = 0, skips: str = "") -> subprocess.CompletedProcess[str]:
    """A command that migrates, with an artisan that lies as it is told to."""
    (home / "artisan").write_text(ARTISAN)
    (home / "artisan").chmod(0o755)
    env = {**os.environ, "HOME": str(home), "PATH": f"{home}:{os.environ['PATH']}", "TAKES": str(takes), "SKIPS": skips}
    text = command.render()
    return subprocess.run(["sh"], input=text, env=env, capture_output=True, text=True, timeout=10, check=False)


def test_a_migration_that_leaves_itself_out_may_stay_pending(tmp_path: Path) -> None:
    up = migrating("artisan migrate", None, None, ()).proven(Command("artisan migrate; echo why >&2; exit 0"))
    (tmp_path / "applied").touch()
    done = migrated(tmp_path, up, skips="2")
    assert done.returncode == 0 and "3_a ....... 3.40ms DONE" in done.stdout and done.stderr.strip() == "why", done
    (tmp_path / "applied").write_text("1\n")
    (tmp_path / "fails").touch()
    done = migrated(tmp_path, up, skips="2")
    assert done.returncode == 1 and "2_a ... Pending" in done.stdout, "one that failed without a word is not"
    assert migrated(tmp_path, migrating("artisan migrate", None, None, ()).proven(Command("exit 7"))).returncode == 7


def test_a_migration_that_ends_with_0_is_believed_when_nothing_is_pending(tmp_path: Path) -> None:
    (tmp_path / "applied").write_text("1\n")
    known = migrating("artisan migrate", None, None, ())
    up = known.proven(Command("artisan migrate"))
    (tmp_path / "fails").touch()
    done = migrated(tmp_path, up)
    assert done.returncode == 1 and "still pending:\n  2_a ... Pending\n  3_a" in done.stdout
    (tmp_path / "fails").unlink()
    (tmp_path / "dumb").touch()
    done = migrated(tmp_path, up)
    assert done.returncode == 1 and "Access denied" in done.stdout and "cannot be told" in done.stdout
    (tmp_path / "dumb").unlink()
    assert migrated(tmp_path, up).returncode == 0
    assert migrated(tmp_path, known.proven(Command("set -e\nfalse\n:"))).returncode == 1, "a line's own set -e holds"
    own = migrating("./migrate.sh", "artisan migrate:status | grep Pending || :", None, ())
    assert migrated(tmp_path, own.proven(Command("echo 1 >$HOME/applied"))).returncode == 1, "a pending: of one's own"
    nobody = Command("./migrate.sh")
    assert migrating("./migrate.sh", None, None, ()).proven(nobody) is nobody


def test_what_is_taken_back_is_counted(tmp_path: Path) -> None:
    (tmp_path / "applied").write_text("1\n2\n3\n")
    known = migrating("artisan migrate", None, None, ())

    def back(takes: int) -> subprocess.CompletedProcess[str]:
        return migrated(tmp_path, known.proven_back(Command(known.down, values={"steps": "2"})), takes)

    done = back(0)
    assert done.returncode == 1 and "nothing was taken back" in done.stdout
    done = back(1)
    assert done.returncode == 1 and "took 1 migrations back, not 2" in done.stdout
    assert back(2).returncode == 0 and (tmp_path / "applied").read_text() == ""
    (tmp_path / "dumb").touch()
    assert back(1).returncode == 1


@pytest.mark.parametrize(
    ("migrate", "files", "tables", "pending"),
    [
        ("artisan migrate", "database/migrations/1_a.php database/migrations/2_b.php", {"migrations": ("1_a",)}, 1),
        ("artisan migrate", "database/migrations/1_a.php", {"migrations": ("1_a",)}, 0),
        ("artisan migrate", "database/migrations/1_a.php", {"migrations": ()}, 1),
        # Nothing is known of a table that could not be asked, or that is another tool's.
        ("artisan migrate", "database/migrations/1_a.php", {}, None),
        ("artisan migrate", "database/migrations/1_a.php", {"django_migrations": ()}, None),
        ("./migrate.sh", "a.sql", {"migrations": ()}, None),
        ("prisma migrate deploy", "prisma/migrations/1_a/migration.sql", {"_prisma_migrations": ("1_a",)}, 0),
        ("prisma migrate deploy", "prisma/migrations/2_b/migration.sql", {"_prisma_migrations": ("1_a",)}, 1),
        ("manage.py migrate", "shop/migrations/0002_b.py", {"django_migrations": ("shop.0001_a", "auth.0002_b")}, 1),
        ("manage.py migrate", "shop/migrations/0001_a.py", {"django_migrations": ("shop.0001_a",)}, 0),
        ("manage.py migrate", "blog/migrations/0001_new.py", {"django_migrations": ("shop.0001_a",)}, 1),
        # The folder may be that of an app with another label, which has applied it.
        ("manage.py migrate", "blog/migrations/0001_a.py", {"django_migrations": ("weblog.0001_a",)}, None),
        ("alembic upgrade head", "versions/1.py versions/2.py", {"alembic_version": ()}, 2),
        ("alembic upgrade head", "versions/1.py", {"alembic_version": None}, None),
    ],
)
def test_pending_migrations_are_told_from_the_table_of_the_tool(
    migrate: str, files: str, tables: dict[str, tuple[str, ...] | None], pending: int | None
) -> None:
    missing = unapplied(migrate, files.split(), tables)
    assert (None if missing is None else len(missing)) == pending


def test_the_tables_of_tools_are_read() -> None:
    lines = ["migrations 1_a 2_b", "alembic_version ?", "django_migrations"]
    assert parse_applied(lines, ["_prisma_migrations"]) == {
        "migrations": ("1_a", "2_b"),
        "alembic_version": None,
        "django_migrations": (),
        "_prisma_migrations": (),
    }


@pytest.mark.parametrize(
    ("fails", "tries", "says", "code", "runs"),
    [
        (0, 3, "", 0, 1),
        (2, 3, "ERROR: canceling statement due to lock timeout", 0, 3),
        (3, 3, "ERROR: canceling statement due to lock timeout", 4, 3),
        (1, 3, "SQLSTATE[55P03]: Lock not available", 0, 2),
        # Whatever else fails is not run again: nobody knows what it has done.
        (1, 3, "ERROR: column exists", 4, 1),
        (1, 1, "ERROR: canceling statement due to lock timeout", 4, 1),
    ],
)
def test_a_migration_is_tried_again_only_after_a_lock_timeout(
    tmp_path: Path, fails: int, tries: int, says: str, code: int, runs: int
) -> None:
    engine = engines()["postgres"]
    session = MigrationSession({"PGOPTIONS": "-c lock_timeout=1"}, engine.lock_timeout, tries, 0.01)
    text = """set -e
echo x >>runs; echo "$PGOPTIONS"
[ "$(wc -l <runs)" -gt "$FAILS" ] || { echo "$SAYS" >&2; exit 4; }"""
    env = {**os.environ, "FAILS": str(fails), "SAYS": says}
    patient = session.patient(Command(text, cwd=str(tmp_path)))
    for command in (patient, migrating("./migrate.sh", "true", None, ()).proven(patient)):
        (tmp_path / "runs").unlink(missing_ok=True)
        script = command.render()
        done = subprocess.run(["sh"], input=script, env=env, capture_output=True, text=True, timeout=10, check=False)
        assert (done.returncode, (tmp_path / "runs").read_text().count("x")) == (code, runs), done
        assert "-c lock_timeout=1" in done.stdout and done.stdout.count("another session holds a lock") == runs - 1


def test_every_tool_says_where_it_keeps_what_is_applied() -> None:
    lines = HEADS.splitlines()
    assert len(lines) == len(FRAMEWORKS)
    for each, line in zip(FRAMEWORKS, lines, strict=True):
        table, _, query = line.partition(" ")
        assert table == each.table and query.startswith("SELECT") and table in query and "$q$" not in query
