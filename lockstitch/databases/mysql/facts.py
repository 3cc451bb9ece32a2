"""The facts of a MySQL or MariaDB server, asked before anything is done with it, and what its login's grants allow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lockstitch.databases.backup import ServerFacts
from lockstitch.databases.migrations import parse_applied
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import collect, last, number

_WORDS = frozenset(
    {"tool", "server", "size", "other", "head", "applied", "lacks", "login", "database", "definer", "grant"}
)
_WORDS |= {"encoding", "collate", "hidden", "broken", "binlog"}
_GRANT = re.compile(r"(?P<rights>.+?) ON (?:\*\.\*|`(?P<pattern>(?:[^`]|``)*)`\.\*) TO ")
_ROLE = re.compile(r"(?:`[^`]*`|'[^']*')(?:@\S+)? TO ")
_COLUMNS = re.compile(r" ?\([^)]*\)")
# Without EXECUTE, or what else shows them, a login does not see that there are routines, and the dump leaves them out.
_TO_DUMP = frozenset(("SELECT", "SHOW VIEW", "TRIGGER", "EVENT", "EXECUTE", "LOCK TABLES"))
_SHOWS_ROUTINES = frozenset(("CREATE ROUTINE", "ALTER ROUTINE", "SHOW CREATE ROUTINE", "SHOW_ROUTINE"))
# What a view says that calls a function, to a login without EXECUTE.
_NOT_EXECUTED = "1370 "
_TO_MAKE = _TO_DUMP | {"INSERT", "CREATE", "DROP", "ALTER", "INDEX", "REFERENCES"}
_TO_MAKE |= {"CREATE VIEW", "CREATE ROUTINE", "ALTER ROUTINE"}
# Any of them lets a login make what is carried out with the rights of another.
_TO_GIVE_AWAY = frozenset(("SUPER", "SET USER", "SET_USER_ID", "SET_ANY_DEFINER"))
# The longest beginning of a name that is left where a mark and a moment are put behind it.
_BEGINNING = 64 - len("__restoring_20260101T000000Z")
_VERSION = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Grants:
    """The rights of a login, by the patterns of databases that its grants name. Those of a role are unknown."""

    given: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = ()
    role: bool = False

    def on(self, database: str) -> frozenset[str]:
        """Return the rights on a database."""
        rights = [each for pattern, each in self.given if pattern.fullmatch(database)]
        return frozenset().union(*rights)

    def lacking(self, database: str, needed: Iterable[str]) -> list[str]:
        """Return the needed rights on a database that it has not."""
        had = self.on(database)
        return [] if self.role or "ALL PRIVILEGES" in had else sorted(set(needed) - had)


def grants(lines: Iterable[str]) -> Grants:
    """Return the rights in lines of SHOW GRANTS, without the word GRANT."""
    given, role = [], False
    for line in lines:
        if match := _GRANT.match(line):
            pattern = re.compile(_like((match["pattern"] or "%").replace("``", "`")), re.DOTALL | re.IGNORECASE)
            rights = _COLUMNS.sub("", match["rights"]).split(",")
            given.append((pattern, frozenset(each.strip().upper() for each in rights)))
        elif _ROLE.match(line):
            role = True
    return Grants(tuple(given), role)


def _like(pattern: str) -> str:
    """Return a pattern of LIKE as a regular expression."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    return "".join({"%": ".*", "_": "."}.get(part, re.escape(part[-1])) for part in parts)


def parse_facts(text: str, code: int) -> ServerFacts:
    """Return a server's facts from `word rest` lines; any other line is the client's, about why there are none."""
    said = collect(text, _WORDS)
    server, tool, login, database = (last(said, word) for word in ("server", "tool", "login", "database"))
    granted, broken = said["grant"], said["broken"]
    had = grants(granted)
    if server:
        problem = _against_dump(tool, login, database, had, _sees_routines(database, had, granted, broken))
    else:
        problem = " ".join(said[""][-3:]) or "no answer from the database server"
    problem = problem or _undumped(server, _account(login), database, said["hidden"], broken)
    remedy = _lacking(login, database, said["definer"], had, "binlog" in said) if server else {}
    return ServerFacts(
        server=server,
        tool=tool,
        size=number(last(said, "size")),
        able=frozenset(word for word in ("create", "own") if server and word not in remedy),
        others=tuple(said["other"]),
        problem=problem,
        head=last(said, "head"),
        applied=parse_applied(said["applied"], said["lacks"]),
        text={word: last(said, word) for word in ("encoding", "collate") if last(said, word)},
        remedy=remedy,
    )


def _sees_routines(database: str, had: Grants, given: Sequence[str], broken: Sequence[str]) -> bool:
    """Tell whether a login without EXECUTE sees all routines of a database, and dumps every view."""
    if any(line.startswith(_NOT_EXECUTED) for line in broken):
        return False
    in_full = "SELECT" in had.on("mysql") or any(" ON `mysql`.`proc` TO " in line for line in given)
    return in_full or bool(had.on(database) & _SHOWS_ROUTINES)


def _against_dump(tool: str, login: str, database: str, had: Grants, sees: bool) -> str:
    if not tool:
        return "neither mariadb-dump nor mysqldump is found on this host"
    needed = _TO_DUMP - {"LOCK TABLES"} if "RELOAD" in had.on("") else _TO_DUMP
    needed -= {"EXECUTE"} if sees else frozenset()
    if lacks := had.lacking(database, needed):
        rights = ", ".join(lacks)
        return (
            f"{login} may not dump all of {database}, it lacks {rights}: "
            f"GRANT {rights} ON {_quoted(_escaped(database))}.* TO {_account(login)};"
        )
    return ""


def _undumped(server: str, account: str, database: str, hidden: Sequence[str], broken: Sequence[str]) -> str:
    """Return what would end the dump midway: routines whose text this login may not see, and views that do not
    answer."""
    if hidden:
        kind, version = _kind(server)
        number = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        grant = f"GRANT SELECT ON mysql.proc TO {account};"
        if kind == "MariaDB" and number >= (11, 3):
            grant = f"GRANT SHOW CREATE ROUTINE ON {_quoted(_escaped(database))}.* TO {account};"
        elif kind == "MySQL" and number >= (8, 0):
            grant = f"GRANT SHOW_ROUTINE ON *.* TO {account};"
        return f"its login may not read, and so not dump, {', '.join(hidden)}: {grant}"
    if broken:
        says = "; ".join(line.partition(" ")[2] for line in broken)
        return f"a view of {database} does not answer, and a dump would end there: {says}: repair it or drop it"
    return ""


def _lacking(login: str, database: str, definers: Sequence[str], had: Grants, binlog: bool) -> dict[str, str]:
    """Return what would let it make databases beside this one (`create`) and change places with them (`own`), where it
    may not."""
    everywhere, account = had.on(""), _account(login)
    whole = "ALL PRIVILEGES" in everywhere or had.role
    lacking: dict[str, list[str]] = {"create": [], "own": []}
    if had.lacking(f"{_beginning(database)}__restoring_20260101T000000Z", _TO_MAKE):
        lacking["create"].append(f"GRANT ALL PRIVILEGES ON {_quoted(beside_pattern(database))}.* TO {account};")
    if binlog and not whole and "SUPER" not in everywhere:
        lacking["create"].append("its triggers and functions need: SET GLOBAL log_bin_trust_function_creators = 1;")
    if had.lacking(database, _TO_MAKE):
        lacking["own"].append(f"GRANT ALL PRIVILEGES ON {_quoted(_escaped(database))}.* TO {account};")
    if definers and not whole and not everywhere & _TO_GIVE_AWAY:
        who = ", ".join(definers[:3])
        lacking["own"].append(f"it has views, triggers or routines of {who}: GRANT SET USER ON *.* TO {account};")
    return {word: " ".join(ways) for word, ways in lacking.items() if ways}


def beside_pattern(database: str) -> str:
    """Return the pattern of the databases that are made beside a database."""
    begin = _beginning(database)
    return _escaped(begin) + (r"\_\_%" if begin == database else "%")


def _beginning(database: str) -> str:
    return database.encode()[:_BEGINNING].decode(errors="ignore")


def _escaped(name: str) -> str:
    return re.sub(r"[\\_%]", lambda match: "\\" + match[0], name)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _account(login: str) -> str:
    user, _, host = login.rpartition("@")
    return f"{_quoted(user)}@{_quoted(host)}"


def versions(server: str, tool: str) -> str:
    """Return the note on a difference of dump program and server; empty where there is none."""
    ours, theirs = (_kind(version) for version in (tool, server))
    return "" if ours == theirs else f"the server is {' '.join(theirs)}, the client programs are {' '.join(ours)}"


def _kind(version: str) -> tuple[str, str]:
    match = _VERSION.match(version)
    return "MariaDB" if "mariadb" in version.lower() else "MySQL", match[0] if match else version
