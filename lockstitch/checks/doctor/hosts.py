"""Checks of `fab doctor` on a host that can be logged in to. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockstitch.checks import Check, CheckGroup
from lockstitch.checks.apps import may_deploy, place, repository
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App
from lockstitch.model.command import Command
from lockstitch.model.finding import Finding
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, collect, fields, last
from lockstitch.model.shell import shell_text

_TOOLS = ("git", "tar", "awk", "sed", "timeout", "df")
_ASK = shell_text(__package__, "login.sh")


@dataclass(frozen=True)
class LoginFacts:
    """Rights and tools of the login user."""

    user: str = ""
    missing: tuple[str, ...] = ()
    unwritable: str = ""
    sudo: str = ""
    users: tuple[tuple[str, str], ...] = ()


def check_groups(fleet: Fleet) -> tuple[CheckGroup, ...]:
    """Return the checks of each host's login user, and, for each app, whether its user reaches the repository and may
    write."""
    groups = []
    for host in fleet.hosts:
        apps = [app for at, app in fleet.sites() if at == host]
        users = tuple(dict.fromkeys(app.user for app in apps if app.user))
        groups.append(login(host, users))
        groups += [
            CheckGroup(f"{app.name}@{host.name}", host, tuple(_of_app(host, app)), app.name, app.user) for app in apps
        ]
    return tuple(groups)


def _of_app(host: Host, app: App) -> Iterator[Check]:
    yield repository(app)
    yield place(host, app)
    if rights := may_deploy(app, app.env):
        yield rights


def login(host: Host, users: Sequence[str] = ()) -> CheckGroup:
    """Return the checks of a host's login user, also for a host that no inventory names."""
    values = {"tools": " ".join(_TOOLS), "users": " ".join(users)}
    return CheckGroup(host.name, host, (Check("login", Probe("login", Command(_ASK, values=values), parse), _judge),))


def parse(text: str, code: int) -> LoginFacts:
    said = collect(text)
    return LoginFacts(
        last(said, "user"),
        tuple(said["missing"]),
        last(said, "unwritable"),
        last(said, "sudo"),
        tuple((word, user) for word, user in (fields(line, 2) for line in said["as"])),
    )


def _judge(facts: LoginFacts) -> Iterator[Finding]:
    who = facts.user or "the login user"
    yield _sudo(who, facts.sudo)
    for word, user in facts.users:
        if word == "may":
            yield Finding("sudo", "pass", f"{who} may act as {user}")
        elif word == "homeless":
            hint = f"on the host: sudo mkhomedir_helper {user}, or: sudo usermod -d DIR {user}"
            yield Finding("sudo", "fail", f"the home of {user}, as whom an app is to run, cannot be entered", hint)
        elif word == "nouser":
            hint = f"on the host: sudo useradd --create-home {user}; or correct `user` in the inventory"
            yield Finding("sudo", "fail", f"there is no user {user}, as whom an app is to run", hint)
        else:
            hint = f"a file in /etc/sudoers.d must say: {who} ALL=({user}) NOPASSWD: ALL"
            yield Finding("sudo", "fail", f"{who} may not act as {user} without a password", hint)
    for tool in facts.missing:
        yield Finding("tools", "fail", f"{tool} is not found", f"install it: sudo apt-get install {_package(tool)}")
    if not facts.missing:
        yield Finding("tools", "pass", f"{', '.join(_TOOLS)} are there")
    if facts.unwritable:
        yield Finding(
            "home",
            "fail",
            f"{facts.unwritable} cannot be written by {who}",
            f"on the host: sudo chown {who} {facts.unwritable}",
        )


def _sudo(who: str, sudo: str) -> Finding:
    if sudo == "root":
        return Finding("sudo", "note", "the login user is root: nothing holds it back", "log in as a user of its own")
    if sudo == "all":
        return Finding("sudo", "pass", f"{who} may sudo without a password")
    if sudo == "some":
        return Finding("sudo", "pass", f"{who} may sudo some commands; a deploy asks for those that it needs")
    why = "there is no sudo" if sudo == "absent" else f"{who} may not sudo without a password"
    return Finding("sudo", "note", f"{why}, which only `user:`, --sudo and a service with a unit need")


def _package(tool: str) -> str:
    return {"awk": "mawk", "timeout": "coreutils", "df": "coreutils"}.get(tool, tool)
