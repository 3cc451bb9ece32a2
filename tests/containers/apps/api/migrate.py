"""Migrations of the API's database: `migrate.py up`, `down NAME` (that one and all after it), `status`, `runs`."""

import os
import sqlite3
import sys
from pathlib import Path

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
STATE = Path(os.environ.get("STATE", "/app/state"))


def connect() -> sqlite3.Connection:
    """The database, with the two tables that migrating needs."""
    STATE.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(STATE / "api.sqlite3", isolation_level=None)
    database.execute("CREATE TABLE IF NOT EXISTS applied (name TEXT PRIMARY KEY)")
    database.execute("CREATE TABLE IF NOT EXISTS runs (at TEXT DEFAULT CURRENT_TIMESTAMP, direction TEXT)")
    return database


def applied(database: sqlite3.Connection) -> list[str]:
    """The names of the migrations that are in force, in order."""
    return [name for (name,) in database.execute("SELECT name FROM applied ORDER BY name")]


def change(database: sqlite3.Connection, name: str, direction: str, record: str) -> None:
    """Run one migration in one direction and record it, or leave everything as it was."""
    print(f"{direction} {name}", flush=True)
    database.execute("BEGIN")
    try:
        database.execute((MIGRATIONS / name / f"{direction}.sql").read_text())
        database.execute(record, (name,))
    except sqlite3.Error:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def up(database: sqlite3.Connection) -> None:
    """Apply every migration that is not in force."""
    present = applied(database)
    for folder in sorted(MIGRATIONS.iterdir()):
        if folder.name not in present:
            change(database, folder.name, "up", "INSERT INTO applied VALUES (?)")


def down(database: sqlite3.Connection, name: str) -> None:
    """Take back a migration and all that came after it."""
    for each in reversed(applied(database)):
        if each >= name:
            change(database, each, "down", "DELETE FROM applied WHERE name = ?")


def main(arguments: list[str]) -> None:
    """Do what the first word says."""
    database = connect()
    match arguments:
        case ["up"] | ["down", _]:
            database.execute("INSERT INTO runs (direction) VALUES (?)", (arguments[0],))
            up(database) if arguments[0] == "up" else down(database, arguments[1])
        case ["status"]:
            print("\n".join(applied(database)))
        case ["runs"]:
            print(database.execute("SELECT count(*) FROM runs").fetchone()[0])
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
