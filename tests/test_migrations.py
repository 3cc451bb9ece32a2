"""Which tool a `migrate` line runs, and what is known of it; a line of any other kind is nobody's."""

from __future__ import annotations

import subprocess

import pytest

from lockstitch.migrations import FRAMEWORKS, HEADS, framework, migrating
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
    "artisan": ["php artisan migrate --force", "php8.2 artisan migrate --isolated --force", "/srv/x/artisan migrate"],
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
    "php artisan migrate --seed",
    "php artisan migrate --pretend",
]


@pytest.mark.parametrize("name, line", [(name, line) for name, lines in LINES.items() for line in lines])
def test_a_tool_is_known_by_the_line_that_runs_it(name: str, line: str) -> None:
    found = framework(line)
    assert found is not None and found.name == name
    made = migrating(line, None, None, ())
    assert made.pending and made.files == found.files and bool(made.down) == bool(found.down)
    assert "{" not in made.pending.replace("{print $1}", "") and "{" not in made.down
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
    assert "cd api && .venv/bin/alembic -c x.ini current" in made.pending
    assert migrating("php8.2 artisan migrate --force", None, None, ()).down.startswith(
        "php8.2 artisan migrate:rollback"
    )


# What each tool prints, and what is to be made of it: the text is run with a tool that says so much.
SAYS = {
    "alembic": ("alembic upgrade head", 'case $1 in current) echo "0001" ;; *) echo "0002 (head)" ;; esac', "0002"),
    "alembic at its head": (
        "alembic upgrade head",
        'case $1 in current) echo "0002 (head)" ;; *) echo "0002 (head)" ;; esac',
        "",
    ),
    "alembic before all": ("alembic upgrade head", 'case $1 in current) : ;; *) echo "0002 (head)" ;; esac', "0002"),
    "prisma": ("prisma migrate deploy", "exit 1", "prisma migrate status tells of some"),
    "prisma done": ("prisma migrate deploy", "exit 0", ""),
    "django": (
        "manage.py migrate",
        'printf "%s\\n" "[X]  auth.0001" "[ ]  shop.0002" "[ ]  shop.0003"',
        "shop.0002\nshop.0003",
    ),
    "django done": ("manage.py migrate", 'echo "[X]  auth.0001"', ""),
    "artisan": (
        "artisan migrate",
        'printf "%s\\n" "  0001_a ... [1] Ran" "  0002_b ... Pending"',
        "0002_b ... Pending",
    ),
    "laravel of old": (
        "artisan migrate",
        'printf "%s\\n" "| Ran? | Migration |" "| Yes | 1_a |" "| No  | 2_b |"',
        "| No  | 2_b |",
    ),
    "laravel done": ("artisan migrate", 'echo "  0001_a ... [1] Ran"', ""),
}


@pytest.mark.parametrize("what", SAYS)
def test_what_is_pending_is_a_line_each(what: str) -> None:
    line, body, said = SAYS[what]
    tool = line.split()[0]
    text = f"{tool.replace('.', '_')}() {{ {body}\n}}\n{migrating(line, None, None, ()).pending.replace(tool, tool.replace('.', '_'))}"
    # `exit` in a function would end the shell, as it would not end this one: so in a subshell.
    text = text.replace("() { exit", "() { return")
    done = subprocess.run(["sh"], input=text, capture_output=True, text=True, timeout=10)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, said, "")


def test_every_tool_says_where_it_keeps_what_is_applied() -> None:
    lines = HEADS.splitlines()
    assert len(lines) == len(FRAMEWORKS)
    for each, line in zip(FRAMEWORKS, lines, strict=True):
        table, _, query = line.partition(" ")
        assert table == each.table and query.startswith("SELECT") and table in query and "$q$" not in query
