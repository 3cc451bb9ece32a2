"""EFFECT: an interactive session on a host. Its files are made first, and removed by both ends."""

from __future__ import annotations

from typing import Protocol

from lockstitch.databases.console import BEGIN, FINISH, REMOVE
from lockstitch.errors import CheckError, LockstitchError
from lockstitch.inventory.model import Database
from lockstitch.model.command import Command, Secret, Value, mask, words
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Script, Step
from lockstitch.model.results import Result
from lockstitch.model.shell import shell_text
from lockstitch.remote import Remote

# It is read to the end as it goes on, whatever becomes of its name: so what it holds is gone before it runs anything.
_START = 'rm -rf -- "${0%/*}"\n' + shell_text("lockstitch.remote", "environment.sh") + "umask 002\ncd || exit 1\n"


class Interactive(Remote, Protocol):
    """A Remote that can give a person's terminal to a command."""

    def interact(self, host: Host, command_line: str) -> int:
        """Join this terminal to a command on a host. Returns its exit code."""


@dataclass(frozen=True)
class TerminalSession:
    """A session: `files` makes a folder with its `start` on the host and prints `folder PATH`. `name` is of whose app or
    database it is, `user` who it runs as, and `secrets` are masked in what making it prints."""

    host: Host
    name: str
    files: Command
    secrets: tuple[Secret, ...]
    environment: str
    user: str | None = None


def database_session(database: Database, url: Value, environment: str) -> TerminalSession:
    """Return the session in a database's own shell."""
    login = database.engine.login(url, "")
    files = Command(BEGIN + database.engine.session + FINISH, values={**login, "environment": environment})
    secrets = tuple(value for value in login.values() if isinstance(value, Secret))
    return TerminalSession(database.host, database.name, files, secrets, environment)


def command_session(host: Host, name: str, command: Command, environment: str, user: str | None) -> TerminalSession:
    """Return the session of one command, which begins as a script does and may hold secrets."""
    text = Secret(_START + command.render())
    files = Command(f"{BEGIN}printf '%s\\n' \"$text\" >start{FINISH}", values={"text": text})
    return TerminalSession(host, name, files, command.secrets(), environment, user)


def at_terminal(remote: Interactive, session: TerminalSession) -> int:
    """Run the session until it ends. Returns its exit code."""
    made = _step(remote, session, session.files)
    folder = made.output.strip().rpartition("folder ")[2]
    if not made.ok or not folder.startswith("/"):
        said = mask(made.output.strip(), session.secrets) or "no answer"
        raise CheckError(f"{session.host.name}: no session of {session.name} can be opened: {said}")
    become = ("sudo", "-n", "-H", "-u", session.user) if session.user else ()
    try:
        return remote.interact(session.host, words("exec", *become, "sh", f"{folder}/start"))
    finally:
        _remove(remote, session, folder)


def _remove(remote: Interactive, session: TerminalSession, folder: str) -> None:
    """Remove the session's files. The session has removed them already, unless it or its host was cut off."""
    try:
        if _step(remote, session, Command(REMOVE, values={"folder": folder})).ok:
            return
        why = "it could not be removed"
    except LockstitchError as error:
        why = error.message
    become = f"--user {session.user} " if session.user else ""
    raise CheckError(
        f"{session.host.name}: {folder}, where the session's secrets are, may still be there: {why}",
        hint=f"fab -H {session.environment}:{session.host.name} run {become}-- rm -rf {folder}",
    )


def _step(remote: Interactive, session: TerminalSession, command: Command) -> Result:
    script = Script((Step("session", "", command, timeout=60),), app=session.name, user=session.user, unseen=True)
    (result,) = remote.run(session.host, script)
    return result
