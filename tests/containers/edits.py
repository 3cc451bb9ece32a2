"""The small edits that turn a sample app into its versions and into versions with a fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BROKEN_IMPORT, FAILING_TEST, FAILING_BUILD = "broken-import", "failing-test", "failing-build"
FAILING_MIGRATION, FAILING_HEALTH, SLOW = "failing-migration", "failing-health", "slow"
V_BROKEN, V2B = "v-broken", "v2b"

NOTES_ADD = {
    "v1": "INSERT INTO notes (text) VALUES (:text) RETURNING id",
    "v2": "INSERT INTO notes (text, author) VALUES (:text, 'two') RETURNING id",
    "v3": "WITH made AS (INSERT INTO notes (text, author) VALUES (:text, 'three') RETURNING id) "
    "INSERT INTO tags (note, tag) SELECT id, 'new' FROM made RETURNING note",
}
AUTHOR_SQL = (
    ["ALTER TABLE notes ADD COLUMN author text NOT NULL DEFAULT 'nobody'"],
    ["ALTER TABLE notes DROP COLUMN author"],
)
TAGS_SQL = (
    ["CREATE TABLE tags (note bigint REFERENCES notes ON DELETE CASCADE, tag text, PRIMARY KEY (note, tag))"],
    ["DROP TABLE tags"],
)
BROKEN_SQL = (
    ["CREATE TABLE half (id bigint)", "INSERT INTO notes (text) VALUES ('half')", "UPDATE notes SET author = 'half'"],
    ["DROP TABLE half"],
    'raise RuntimeError("the migration gave up half way")',
)
ALEMBIC = '''\
"""{name}."""

from alembic import op

revision, down_revision = "{number}", "{before}"


def upgrade() -> None:
{up}


def downgrade() -> None:
{down}
'''


@dataclass(frozen=True)
class Edit:
    """A text replaced in a file, once; without an old text, a new file."""

    path: str
    old: str
    new: str

    def apply(self, folder: Path) -> None:
        """Make the edit in a working tree; the old text has to be there exactly once."""
        file = folder / self.path
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.read_text() if self.old else ""
        if self.old and before.count(self.old) != 1:
            raise ValueError(f"{self.path} holds {self.old!r} {before.count(self.old)} times, not once")
        file.write_text(before.replace(self.old, self.new) if self.old else self.new)


@dataclass(frozen=True)
class Change:
    """What one commit does, and how it is called."""

    subject: str
    edits: Sequence[Edit]


def versions(app: str) -> dict[str, Change]:
    """The changes that make v2 out of v1 and v3 out of v2; the files as they stand are v1."""
    if app == "notes":
        return {"v2": _notes_two(), "v3": _notes_three()}
    file, assignment = {
        "api": ("main.py", 'VERSION = "{}"'),
        "webapp": ("app.js", 'const VERSION = "{}"'),
        "next": ("lib/release.mjs", 'const VERSION = "{}"'),
    }[app]
    two = Edit(file, assignment.format("1.0.0"), assignment.format("2.0.0"))
    three = Edit(file, assignment.format("2.0.0"), assignment.format("3.0.0"))
    migration = _migration("002_owner", "ALTER TABLE jobs ADD COLUMN owner TEXT", "ALTER TABLE jobs DROP COLUMN owner")
    return {
        "v2": Change("Give every job an owner", [two, *(migration if app == "api" else [])]),
        "v3": Change("Call it version three", [three]),
    }


def faults(app: str) -> dict[str, Change]:
    """The changes that each spoil v3 in one way."""
    made = {"api": _api, "webapp": _webapp, "next": _next}
    return made[app]() if app in made else {}


def siblings(app: str) -> dict[str, tuple[str, Change]]:
    """Further tags of an app: the version that each comes after, and what it changes there."""
    if app != "notes":
        return {}
    broken = [_notes_version("2.0.0", "2.1.0"), _alembic("0003", "broken", *BROKEN_SQL)]
    return {
        V_BROKEN: ("v2", Change("Change notes, and give up half way", broken)),
        V2B: ("v2", Change("Call it 2.0.1, on the same tables", [_notes_version("2.0.0", "2.0.1")])),
    }


def _migration(name: str, up: str, down: str) -> list[Edit]:
    return [Edit(f"migrations/{name}/up.sql", "", f"{up}\n"), Edit(f"migrations/{name}/down.sql", "", f"{down}\n")]


def _notes_two() -> Change:
    code = [_notes_version("1.0.0", "2.0.0"), Edit("main.py", NOTES_ADD["v1"], NOTES_ADD["v2"])]
    return Change("Give every note an author", [*code, _alembic("0002", "author", *AUTHOR_SQL)])


def _notes_three() -> Change:
    code = [_notes_version("2.0.0", "3.0.0"), Edit("main.py", NOTES_ADD["v2"], NOTES_ADD["v3"])]
    return Change("Give notes tags", [*code, _alembic("0003", "tags", *TAGS_SQL)])


def _notes_version(old: str, new: str) -> Edit:
    return Edit("main.py", f'VERSION = "{old}"', f'VERSION = "{new}"')


def _alembic(number: str, name: str, up: Sequence[str], down: Sequence[str], then: str = "") -> Edit:
    lines = [[f'op.execute("{statement}")' for statement in statements] for statements in (up, down)]
    bodies = ["\n".join(f"    {line}" for line in each) for each in ([*lines[0], *([then] if then else [])], lines[1])]
    content = ALEMBIC.format(
        name=name.capitalize(), number=number, before=f"{int(number) - 1:04}", up=bodies[0], down=bodies[1]
    )
    return Edit(f"alembic/versions/{number}_{name}.py", "", content)


def _api() -> dict[str, Change]:
    # Of another size than before: Python tells what it has compiled by a file's size and the second of its time.
    nowhere = Edit("main.py", "import subprocess\n", "import subprocess\nimport a_module_that_is_nowhere\n")
    wrong = Edit("tests/test_smoke.py", 'split(".")), 3', 'split(".")), 3 + 1')
    migration = _migration("003_broken", "ALTER TABLE nowhere ADD COLUMN lost TEXT", "SELECT 1")
    return {
        BROKEN_IMPORT: Change("Import a module that is nowhere", [nowhere]),
        FAILING_TEST: Change("Expect what is not so", [wrong]),
        FAILING_BUILD: Change("Need a compiler", [Edit("BUILD_FAILS", "", "no compiler on this host\n")]),
        FAILING_MIGRATION: Change("Alter a table that is nowhere", migration),
        FAILING_HEALTH: Change("Be unwell", [Edit("main.py", "HEALTHY = True", "HEALTHY = False")]),
        SLOW: Change("Take five seconds to start", [Edit("main.py", "START_SECONDS = 0", "START_SECONDS = 5")]),
    }


def _webapp() -> dict[str, Change]:
    nowhere = Edit("app.js", '"use strict";\n', '"use strict";\n\nrequire("./nowhere");\n')
    wrong = Edit("tests/smoke.test.js", 'split(".").length, 3', 'split(".").length, 4')
    return {
        BROKEN_IMPORT: Change("Require a file that is nowhere", [nowhere]),
        FAILING_TEST: Change("Expect what is not so", [wrong]),
        FAILING_BUILD: Change("Need a bundler", [Edit("BUILD_FAILS", "", "no bundler on this host\n")]),
        FAILING_HEALTH: Change("Be unwell", [Edit("app.js", "HEALTHY = true", "HEALTHY = false")]),
        SLOW: Change("Take five seconds to start", [Edit("app.js", "START_MS = 0", "START_MS = 5000")]),
    }


def _next() -> dict[str, Change]:
    nowhere = Edit("app/page.js", 'from "../lib/release.mjs"', 'from "../lib/nowhere.mjs"')
    wrong = Edit("tests/smoke.test.mjs", 'split(".").length, 3', 'split(".").length, 4')
    waiting = "export function register() {\n  return new Promise((started) => setTimeout(started, 5000));\n}\n"
    return {
        BROKEN_IMPORT: Change("Import a file that is nowhere", [nowhere]),
        FAILING_TEST: Change("Expect what is not so", [wrong]),
        FAILING_BUILD: Change("Leave an element open", [Edit("app/page.js", "</h1>", "")]),
        FAILING_HEALTH: Change("Be unwell", [Edit("lib/release.mjs", "HEALTHY = true", "HEALTHY = false")]),
        SLOW: Change("Take five seconds to start", [Edit("instrumentation.js", "", waiting)]),
    }
