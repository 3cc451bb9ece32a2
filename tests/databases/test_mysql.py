"""A URL of MySQL becomes an option file that its client programs read, or is refused without being shown; and what a
login may do is read from its grants."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lockstitch.databases import mysql
from lockstitch.databases.engine import engines
from lockstitch.databases.mysql.facts import beside_pattern, grants, parse_facts, versions
from lockstitch.databases.mysql.url import login, option_file, parse
from lockstitch.errors import UsageError
from lockstitch.inventory.database import DatabaseSettings
from lockstitch.model.command import Command, Secret
from lockstitch.model.shell import shell_text
from tests.mariadb import LocalMariaDB
from tests.servers import APP, AWKWARD, LIMITED
from tests.shells import SHELLS

LOGIN = shell_text("lockstitch.databases.mysql", "client.sh")
DUMP = LOGIN + "".join(shell_text("lockstitch.databases.mysql", f"{name}.sh") for name in ("contents", "whole", "dump"))

PASSWORD = "s3'cr\\et:@/?#%"
ANY = st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r"), min_size=1, max_size=30)


def url(user: str = "u", password: str = "p", host: str = "h", database: str = "d", more: str = "") -> str:
    return f"mysql://{quote(user, safe='')}:{quote(password, safe='')}@{host}/{quote(database, safe='')}{more}"


def said(text: str, values: dict[str, Any], path: str, shell: tuple[str, ...] = ("sh",)) -> str:
    script = Command(text, values=values).render()
    env = {"PATH": path, "LANG": "C.UTF-8"}
    done = subprocess.run(shell, input=script, env=env, capture_output=True, text=True, timeout=60)
    assert done.stderr == "", done.stderr
    return done.stdout


def test_the_engine_is_found_under_both_its_names() -> None:
    assert engines()["mysql"] is mysql.ENGINE is engines()["mariadb"]
    made = {"url": "env:X", "run_on": "local", "directory": "bk"}
    assert DatabaseSettings.model_validate({"engine": "mariadb", **made}).engine == "mariadb"


@given(ANY, ANY, ANY)
@example("a@b:c", AWKWARD, "d/e?f#g")
@example("%", "+ +", "%41")
@example(" ", " x ", "[::1]")
def test_any_user_password_and_database_round_trip(user: str, password: str, database: str) -> None:
    known = parse(url(user, password, "h:3307", database))
    assert known == {"user": user, "password": password, "host": "h", "port": "3307", "database": database}
    variables = login(Secret(url(user, password, "h:3307", database), "env:X"), "beside")
    secret = variables["password"]
    assert isinstance(secret, Secret) and (secret.reveal(), secret.source) == (password, "env:X")
    assert [name for name, value in variables.items() if isinstance(value, Secret)] == ["password"]
    assert (variables["database"], variables["beside"]) == (database, "beside")


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mysql+pymysql", "mysql+mysqldb", "mariadb+pymysql", "MySQL2"])
def test_what_libraries_write_is_understood(scheme: str) -> None:
    asked = "?charset=utf8mb4&serverVersion=8.0&connection_limit=5"
    assert parse(f"{scheme}://u:p@h/d{asked}") == {"user": "u", "password": "p", "host": "h", "database": "d"}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("mysql://u@h/d", ['user="u"', 'host="h"']),
        ("mysql://u@[::1]:3307/d", ['user="u"', 'host="::1"', 'port="3307"']),
        ("mysql://u@localhost/d", ['user="u"', 'host="localhost"']),
        ("mysql://u@localhost:3306/d", ['user="u"', 'host="localhost"', 'port="3306"', "protocol=TCP"]),
        ("mysql:///d?unix_socket=/run/a%20b", ['socket="/run/a b"']),
        ('mysql://a%22b%5Cc@h/d', ['user="a\\"b\\\\c"', 'host="h"']),
        ("mysql://u@h/d?ssl-mode=verify_ca&ssl_ca=/ca.pem", [
            'user="u"', 'host="h"', 'ssl-ca="/ca.pem"', "loose-ssl-mode=VERIFY_CA", "[client-mariadb]", "ssl",
            "ssl-verify-server-cert",
        ]),
    ],
)  # fmt: skip
def test_the_option_file_says_the_same(text: str, lines: list[str]) -> None:
    assert option_file(parse(text)).splitlines() == ["[client]", *lines]


REFUSED = [
    "",
    "shop",
    f"postgresql://u:{quote(PASSWORD, safe='')}@h/d",
    f"mysqlx://u:{quote(PASSWORD, safe='')}@h/d",
    f"mysql:u:{PASSWORD}@h/d",
    f"mysql://u:{quote(PASSWORD, safe='')}@h",
    f"mysql://u:{quote(PASSWORD, safe='')}@h/",
    f"mysql://u:{quote(PASSWORD, safe='')}@h:port/d",
    f"mysql://u:{quote(PASSWORD, safe='')}@a,b/d",
    f"mysql://u:{PASSWORD}@h/d",
    "mysql://u:12/s3'cr@h/d",
    "mysql://u:12@s3/cr@h/d",
    "mysql://u:12@s3?cr@h/d",
    f"mysql://u:{quote(PASSWORD, safe='')}@h/d?ssl_mode=perhaps",
    f"mysql://u:{quote(PASSWORD, safe='')}@h/d?sslaccept=strict",
    f"mysql://u:{quote(PASSWORD + chr(10), safe='')}@h/d",
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused_is_not_shown(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        login(Secret(text, "env:SHOP_URL"), "")
    told = str(raised.value)
    assert told.startswith("env:SHOP_URL: ") and "s3'cr" not in told and quote(PASSWORD, safe="") not in told


def test_only_sessions_that_stay_in_a_database_are_ended(local_mariadb: LocalMariaDB) -> None:
    """Not one that is shown in it for a moment, as MariaDB does while it reads information_schema.triggers, nor one of a
    database whose name differs in a letter's case."""
    local_mariadb.reset()
    for name in ("shop", "SHOP", "other"):
        local_mariadb.create(name)
    text = LOGIN + shell_text("lockstitch.databases.mysql", "beside.sh") + 'end_sessions "$beside"\n'
    assert text.count("0, 0.1)") == 1, "how long between its two looks"
    values = {**login(Secret(local_mariadb.url("shop"))), "beside": "shop"}
    script = Command(text.replace("0, 0.1)", "0, 5)"), values=values).render()
    sessions = {name: local_mariadb.connect(name, APP) for name in ("shop", "SHOP", "other")}
    passing = local_mariadb.connect("shop", APP)
    numbers = {name: session.execute("SELECT CONNECTION_ID()").fetchone() for name, session in sessions.items()}
    ending = subprocess.Popen(["sh"], stdin=subprocess.PIPE, env={**os.environ, "PATH": local_mariadb.path}, text=True)
    assert ending.stdin
    ending.stdin.write(script)
    ending.stdin.close()
    local_mariadb.until("SELECT count(*) FROM information_schema.processlist WHERE state = 'User sleep'")
    passing.execute("USE other")
    assert ending.wait(60) == 0
    passing.execute("SELECT 1")
    ids = "SELECT id FROM information_schema.processlist"
    assert {name for name, number in numbers.items() if number in local_mariadb.sql(ids)} == {"SHOP", "other"}
    for session in (*sessions.values(), passing):
        session.close()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("password", [AWKWARD, PASSWORD, " #x' ", '"', "\\", "\\n", "'", "ünïcödé", "$(id) `id`"])
def test_the_client_logs_in_with_any_password(
    local_mariadb: LocalMariaDB, password: str, shell: tuple[str, ...]
) -> None:
    local_mariadb.reset()
    local_mariadb.create("it's `odd`")
    with local_mariadb.connect() as session:
        session.execute(f"ALTER USER {APP} IDENTIFIED BY %s", (password,))
    values = dict(login(Secret(local_mariadb.url("it's `odd`", password=password))))
    text = LOGIN + "echo 'SELECT DATABASE(), @@sql_mode;' | sql \"$database\"\n"
    assert said(text, values, local_mariadb.path, shell) == "it's `odd`\t\n"
    local_mariadb.reset_roles()


def test_the_file_with_the_password_has_no_name_and_can_be_read_again(
    local_mariadb: LocalMariaDB, tmp_path: Path
) -> None:
    local_mariadb.reset()
    local_mariadb.create("shop")
    values = {**login(Secret(local_mariadb.url("shop"))), "tmp": str(tmp_path)}
    once = 'echo \'SELECT 1;\' | sql "$database"; ls -A "$tmp"\n'
    text = 'export TMPDIR="$tmp"\n' + LOGIN + once * 2 + "stat -L -c '%a %h' /dev/fd/7\n"
    assert said(text, values, local_mariadb.path) == "1\n1\n600 0\n"


ALL = "ALL PRIVILEGES ON `shop`.* TO `app`@`%`"


@pytest.mark.parametrize(
    ("lines", "database", "lacks"),
    [
        ([ALL], "shop", []),
        ([ALL], "shop__before_1", ["DROP", "EVENT"]),
        ([ALL, r"ALL PRIVILEGES ON `shop\_\_%`.* TO `app`@`%`"], "shop__before_1", []),
        ([r"ALL PRIVILEGES ON `shop\_\_%`.* TO `app`@`%`"], "shopxxbefore", ["DROP", "EVENT"]),
        (["ALL PRIVILEGES ON `shop__%`.* TO `app`@`%`"], "shopxxbefore", []),
        (["SELECT, EVENT ON *.* TO `app`@`%`", "DROP, INSERT (`a`, `b`) ON `sh%`.* TO `app`@`%`"], "shop", []),
        (["EVENT ON `shop`.* TO `app`@`%`"], "shop", ["DROP"]),
        (["EVENT, DROP ON `shop`.`orders` TO `app`@`%`"], "shop", ["DROP", "EVENT"]),
        (["EVENT, DROP ON `a``b`.* TO `app`@`%`"], "a`b", []),
        (["USAGE ON *.* TO `app`@`%`", "`operators`@`%` TO `app`@`%`"], "shop", []),
    ],
)
def test_grants_are_read_as_the_server_means_them(lines: list[str], database: str, lacks: list[str]) -> None:
    assert grants(lines).lacking(database, ["EVENT", "DROP"]) == lacks


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("shop", r"shop\_\_%"),
        ("my_shop%", r"my\_shop\%\_\_%"),
        ("é" * 30, "é" * 18 + "%"),
    ],
)
def test_what_is_made_beside_has_a_pattern(name: str, pattern: str) -> None:
    assert beside_pattern(name) == pattern


def facts_of(server: LocalMariaDB, user: str, database: str = "shop", shell: tuple[str, ...] = ("sh",)) -> Any:
    values = {**login(Secret(server.url(database, user))), "heads": mysql.ENGINE.heads, "applied": mysql.ENGINE.applied}
    return parse_facts(said(mysql.ENGINE.facts, values, server.path, shell), 0)


@pytest.mark.parametrize("shell", SHELLS)
def test_what_a_plan_is_made_from(local_mariadb: LocalMariaDB, shell: tuple[str, ...]) -> None:
    local_mariadb.reset()
    local_mariadb.create(
        "shop", "CREATE TABLE migrations (id int, migration text)", "INSERT INTO migrations VALUES (1, 'a')"
    )
    for other in ("shop__before_1", "shopx", "shop_x"):
        local_mariadb.create(other)
    facts = facts_of(local_mariadb, APP, shell=shell)
    assert facts.problem == "" and facts.server == local_mariadb.version and "MariaDB" in facts.tool
    assert facts.able == {"create", "own"} and facts.remedy == {} and facts.others == ("shop__before_1",)
    assert facts.size and facts.head == "a" and facts.text == {"encoding": "utf8mb4", "collate": "utf8mb4_general_ci"}


def test_a_right_that_is_missing_is_told_with_its_grant(local_mariadb: LocalMariaDB) -> None:
    local_mariadb.reset()
    local_mariadb.create("shop", "CREATE TABLE orders (id int)")
    local_mariadb.sql(f"GRANT SELECT, SHOW VIEW ON shop.* TO {LIMITED}")
    problem = facts_of(local_mariadb, LIMITED).problem
    grant = "GRANT EVENT, EXECUTE, LOCK TABLES, TRIGGER ON `shop`.* TO `limited`@`%`;"
    assert problem == f"limited@% may not dump all of shop, it lacks EVENT, EXECUTE, LOCK TABLES, TRIGGER: {grant}"
    local_mariadb.sql(grant)
    facts = facts_of(local_mariadb, LIMITED)
    assert facts.problem == "" and facts.able == frozenset()
    for remedy in facts.remedy.values():
        local_mariadb.sql(remedy)
    assert facts_of(local_mariadb, LIMITED).able == {"create", "own"}


def test_a_definer_of_another_name_is_told(local_mariadb: LocalMariaDB) -> None:
    local_mariadb.reset()
    local_mariadb.create("shop", "CREATE TABLE orders (id int)")
    local_mariadb.sql("CREATE VIEW shop.seen AS SELECT * FROM shop.orders")
    facts = facts_of(local_mariadb, APP)
    assert facts.able == {"create"} and "root@127.0.0.1: GRANT SET USER ON *.* TO `app`@`%`;" in facts.remedy["own"]
    local_mariadb.sql("GRANT SET USER ON *.* TO app")
    assert facts_of(local_mariadb, APP).able == {"create", "own"}


THEIRS = (
    "CREATE TABLE shop.orders (id int)",
    "CREATE SEQUENCE shop.numbers",
    "CREATE PROCEDURE shop.do_it() BEGIN SELECT 1; END",
    "CREATE FUNCTION shop.one() RETURNS int DETERMINISTIC RETURN 1",
    "CREATE VIEW shop.seen AS SELECT id, shop.one() AS one FROM shop.orders",
    "CREATE TRIGGER shop.before_it BEFORE INSERT ON shop.orders FOR EACH ROW SET NEW.id = 1",
    "CREATE EVENT shop.often ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM shop.orders",
)


def dumped(server: LocalMariaDB, user: str, tmp_path: Path) -> tuple[int, str]:
    """Return how the engine's own dump ends, and what of the text is in it."""
    tmp_path.mkdir()
    values = {**login(Secret(server.url("shop", user))), "heads": mysql.ENGINE.heads, "jobs": "1"}
    unpack = "gzip -dc database/*.gz\n"
    script = Command(f"set -eu\ncd {tmp_path}\n{DUMP}\n{unpack}", values=values).render()
    env = {"PATH": server.path, "LANG": "C.UTF-8"}
    done = subprocess.run("sh", input=script, env=env, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_a_login_with_the_documented_rights_dumps_what_others_have_made(
    local_mariadb: LocalMariaDB, tmp_path: Path
) -> None:
    """And one that could not dump all of it is refused with the GRANT: nothing is ever left out."""
    local_mariadb.reset()
    local_mariadb.create("shop")
    for line in THEIRS:
        local_mariadb.sql(line)
    docs = (Path(__file__).parents[2] / "docs/databases.md").read_text()
    (rights,) = re.findall(r"For dumps, `([A-Z, ]+)` are enough", docs)
    local_mariadb.sql(f"GRANT {rights} ON shop.* TO {LIMITED}")
    problem = facts_of(local_mariadb, LIMITED).problem
    assert "procedure do_it of root@127.0.0.1" in problem and "function one of root@127.0.0.1" in problem
    assert dumped(local_mariadb, LIMITED, tmp_path / "refused")[0] != 0, "so it would have ended"
    grant = problem.partition(": ")[2]
    assert grant == "GRANT SELECT ON mysql.proc TO `limited`@`%`;" and grant.partition(" TO ")[0] in docs
    local_mariadb.sql(grant)
    assert facts_of(local_mariadb, LIMITED).problem == ""
    code, text = dumped(local_mariadb, LIMITED, tmp_path / "made")
    assert code == 0, text
    for name in (
        "PROCEDURE `do_it`",
        "FUNCTION `one`",
        "VIEW `seen`",
        "TRIGGER shop.before_it",
        "EVENT `often`",
        "SEQUENCE",
    ):
        assert name in text.replace("TRIGGER `shop`.`before_it`", "TRIGGER shop.before_it"), name
    local_mariadb.sql(f"REVOKE EXECUTE ON shop.* FROM {LIMITED}")
    local_mariadb.sql(f"REVOKE SELECT ON mysql.proc FROM {LIMITED}")
    assert "it lacks EXECUTE" in facts_of(local_mariadb, LIMITED).problem


@pytest.mark.parametrize(
    "grants",
    [
        ("SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON *.*",),
        ("SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON shop.*", "SELECT ON mysql.*"),
        ("SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON shop.*", "SELECT ON mysql.proc"),
    ],
)
def test_a_login_that_sees_routines_without_execute_dumps_them(
    local_mariadb: LocalMariaDB, tmp_path: Path, grants: tuple[str, ...]
) -> None:
    local_mariadb.reset()
    local_mariadb.create("shop")
    calling = "CREATE VIEW shop.seen AS SELECT id, shop.one() AS one FROM shop.orders"
    for line in THEIRS:
        local_mariadb.sql("DO 0" if line == calling else line)
    for grant in grants:
        local_mariadb.sql(f"GRANT {grant} TO {LIMITED}")
    assert facts_of(local_mariadb, LIMITED).problem == ""
    code, text = dumped(local_mariadb, LIMITED, tmp_path / "made")
    assert code == 0 and "PROCEDURE `do_it`" in text and "FUNCTION `one`" in text, text
    local_mariadb.sql(calling)
    assert "it lacks EXECUTE" in facts_of(local_mariadb, LIMITED).problem, "which a view that calls a function needs"


def test_a_view_that_would_end_the_dump_is_refused_before_it(local_mariadb: LocalMariaDB, tmp_path: Path) -> None:
    local_mariadb.reset()
    local_mariadb.create("shop", "CREATE TABLE orders (id int)", "CREATE VIEW `s``een` AS SELECT id FROM orders")
    assert facts_of(local_mariadb, APP).problem == ""
    local_mariadb.sql("ALTER TABLE shop.orders CHANGE id number int")
    assert "a view of shop does not answer" in facts_of(local_mariadb, APP).problem
    assert "s`een" in facts_of(local_mariadb, APP).problem
    assert dumped(local_mariadb, APP, tmp_path / "refused")[0] != 0


def test_a_server_that_is_not_there_is_told(local_mariadb: LocalMariaDB) -> None:
    values = {**login(Secret(local_mariadb.url("shop", port=1))), "heads": "", "applied": ""}
    facts = parse_facts(said(mysql.ENGINE.facts, values, local_mariadb.path), 0)
    assert "Can't connect" in facts.problem and facts.able == frozenset()


@pytest.mark.parametrize(
    ("server", "tool", "told"),
    [
        ("10.11.19-MariaDB-0+deb12u1", "10.11.4-MariaDB", ""),
        ("8.0.36", "8.0.21", ""),
        ("10.6.2-MariaDB", "10.11.4-MariaDB", "the server is MariaDB 10.6, the client programs are MariaDB 10.11"),
        ("8.0.36", "10.11.4-MariaDB", "the server is MySQL 8.0, the client programs are MariaDB 10.11"),
    ],
)
def test_versions_that_differ_are_told(server: str, tool: str, told: str) -> None:
    assert versions(server, tool) == told


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)", "8.0.36"),
        ("mysqldump  Ver 10.13 Distrib 5.7.44, for linux-glibc2.12 (x86_64)", "5.7.44"),
        ("mariadb-dump  Ver 10.19 Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)", "10.11.6-MariaDB"),
        ("mariadb-dump from 11.4.2-MariaDB, client 10.19 for debian-linux-gnu (x86_64)", "11.4.2-MariaDB"),
    ],
)
def test_the_version_of_every_kind_of_program_is_read(tmp_path: Path, printed: str, version: str) -> None:
    program = tmp_path / "mysqldump"
    program.write_text(f"#!/bin/sh\necho '{printed}'\n")
    program.chmod(0o755)
    for name in ("mktemp", "rm", "sed", "cat"):
        (tmp_path / name).symlink_to(f"/bin/{name}" if name in ("rm", "sed", "cat") else "/usr/bin/mktemp")
    values = dict(login("mysql://u@h/d"))
    assert said(LOGIN + "tool_version\n", values, str(tmp_path), ("/bin/sh",)) == f"{version}\n"
