"""EFFECT: an interactive database session on a host. Its files are made first, and removed by both ends."""

from __future__ import annotations

from typing import Protocol

from lockstitch.databases.console import BEGIN, FINISH, REMOVE
from lockstitch.errors import CheckError, LockstitchError
from lockstitch.inventory.model import Database
from lockstitch.model.command import Command, Secret, Value, mask, words
from lockstitch.model.host import Host
from lockstitch.model.plan import Script, Step
from lockstitch.model.results import Result
from lockstitch.remote import Remote


class Interactive(Remote, Protocol):
    """A Remote that can give a person's terminal to a command."""

    def interact(self, host: Host, command_line: str) -> int:
        """Join this terminal to a command on a host. Returns its exit code."""


def at_terminal(remote: Interactive, database: Database, url: Value, environment: str) -> int:
    """Run the session until it ends. Returns its exit code."""
    login = database.engine.login(url, "")
    text = BEGIN + database.engine.session + FINISH
    made = _step(remote, database, Command(text, values={**login, "environment": environment}))
    folder = made.output.strip().rpartition("folder ")[2]
    if not made.ok or not folder.startswith("/"):
        secrets = [value for value in login.values() if isinstance(value, Secret)]
        said = mask(made.output.strip(), secrets) or "no answer"
        raise CheckError(f"{database.host.name}: no session of {database.name} can be opened: {said}")
    try:
        return remote.interact(database.host, words("exec", "sh", f"{folder}/start"))
    finally:
        _remove(remote, database, folder, environment)


def _remove(remote: Interactive, database: Database, folder: str, environment: str) -> None:
    """Remove the session's files. The session has removed them already, unless it or its host was cut off."""
    try:
        if _step(remote, database, Command(REMOVE, values={"folder": folder})).ok:
            return
        why = "it could not be removed"
    except LockstitchError as error:
        why = error.message
    raise CheckError(
        f"{database.host.name}: {folder}, where the password is, may still be there: {why}",
        hint=f"fab -H {environment}:{database.host.name} run -- rm -rf {folder}",
    )


def _step(remote: Interactive, database: Database, command: Command) -> Result:
    script = Script((Step("session", "", command, timeout=60),), app=database.name)
    (result,) = remote.run(database.host, script)
    return result
