"""`env.check` and its relatives as they are typed, for an app behind a real gunicorn, on hosts over SSH."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.sandbox import Sandbox
from tests.cli.conftest import commit
from tests.cli.env_app import serving_app
from tests.cli.operator import Operator

MAIN = """import os
if os.environ.get("KEY") == "a-key-that-is-revoked":
    raise SystemExit("the key is revoked")
def app(environ, start_response):
    start_response("200 OK", [])
    return [os.environ.get("KEY", "").encode()]
"""
KEY = "a-key-that-nobody-may-see"


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory, lab: Sandbox) -> Iterator[Operator]:
    """An operator whose app serves on two hosts, with two workers each, from an environment file."""
    settings = {"KEY": {"from": "env:LAB_KEY", "min_length": 8}, "DEBUG": {"is": "False"}}
    text = f"KEY='{KEY}'\nDEBUG=False\nOTHER=1\n"
    with serving_app(tmp_path_factory.mktemp("env"), lab, "env", MAIN, KEY, settings, text) as operator:
        yield operator


@pytest.fixture
def operator(serving: Operator) -> Iterator[Operator]:
    before = {host: file_of(serving, host).read_text() for host in serving.hosts}
    settings = dict(serving.inventory["apps"]["app"]["settings"])
    env = dict(serving.env)
    yield serving
    serving.inventory["apps"]["app"]["settings"] = settings
    serving.env = env
    for host, text in before.items():
        write(serving, host, text)


def file_of(operator: Operator, host: str) -> Path:
    return operator.home(host) / "env/app/shared/.env"


def write(operator: Operator, host: str, text: str) -> None:
    file_of(operator, host).parent.mkdir(parents=True, exist_ok=True)
    file_of(operator, host).write_text(text)


def test_what_is_declared_stands_in_the_file_and_runs(operator: Operator) -> None:
    ran = operator.fab("env.check", "--json")
    assert ran.code == 0, ran.said
    assert {(row["name"], row["host"], row["file"], row["runs"], row["evidence"]) for row in ran.json["settings"]} == {
        (name, host, "same", "same", "environment") for name in ("KEY", "DEBUG") for host in operator.hosts
    }
    assert {(each["host"], each["name"]) for each in ran.json["undeclared"]} == {("one", "OTHER"), ("two", "OTHER")}
    ran = operator.fab("env.check")
    assert ran.code == 0 and "env:LAB_KEY" in ran.out and KEY not in ran.said, ran.said
    ran = operator.fab("env.diff")
    assert ran.code == 0 and "\nno setting differs\n" in ran.out and "NAME" not in ran.out, ran.said


def test_a_value_that_is_declared_and_not_in_the_file_differs(operator: Operator) -> None:
    operator.env["LAB_KEY"] = "another-key-than-that"
    ran = operator.fab("env.check", "--json")
    assert ran.code == 7
    assert {(row["name"], row["file"], row["runs"]) for row in ran.json["settings"]} == {
        ("KEY", "differs", "differs"),
        ("DEBUG", "same", "same"),
    }
    assert "another-key" not in ran.said
    ran = operator.fab("env.diff")
    assert ran.code == 7 and "KEY" in ran.out and "DEBUG" not in ran.out, ran.said


def test_a_value_that_is_in_the_file_and_does_not_run_differs(operator: Operator) -> None:
    write(operator, "two", f"KEY='{KEY}'\nDEBUG=True\n")
    operator.inventory["apps"]["app"]["settings"]["DEBUG"] = {"is": "True"}
    ran = operator.fab("env.check", "--json")
    assert ran.code == 7
    assert {(row["host"], row["file"], row["runs"]) for row in ran.json["settings"] if row["name"] == "DEBUG"} == {
        ("one", "differs", "differs"),
        ("two", "same", "differs"),
    }


def test_what_cannot_be_told_is_no_pass(operator: Operator) -> None:
    write(operator, "one", f"KEY='{KEY}'\nDEBUG=$(cat debug)\n")
    write(operator, "two", f"KEY='{KEY}\nDEBUG=False\n")
    del operator.env["LAB_KEY"]
    ran = operator.fab("env.check", "--json")
    assert ran.code == 7
    rows = {(row["host"], row["name"]): row for row in ran.json["settings"]}
    assert rows["one", "DEBUG"]["file"] == "unclear"
    assert (
        rows["two", "DEBUG"]["file"] == "unread"
        and "the quote in line 1 is not closed" in rows["two", "DEBUG"]["problem"]
    )
    assert rows["one", "KEY"]["unknown"] and "it is not set on this machine" in rows["one", "KEY"]["problem"]


def test_hosts_that_should_have_one_value_by_hand_are_compared(operator: Operator) -> None:
    operator.inventory["apps"]["app"]["settings"] = {"OTHER": {"same": "fleet"}}
    ran = operator.fab("env.check", "--json")
    assert (ran.code, {row["file"] for row in ran.json["settings"]}) == (0, {"set"}), ran.said
    write(operator, "two", "OTHER=2\n")
    ran = operator.fab("env.check", "--json")
    problems = {row["host"]: row["problem"] for row in ran.json["settings"]}
    assert ran.code == 7 and problems["one"] == "the hosts differ", ran.said
    assert "process" in problems["two"], "it has the one before"


def served(operator: Operator, host: str) -> str:
    """The key that the app of a host answers with."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(str(operator.home(host) / "env.sock"))
        asked.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return asked.makefile("rb").read().rpartition(b"\r\n\r\n")[2].decode()


def texts(operator: Operator) -> list[str]:
    return [file_of(operator, host).read_text() for host in operator.hosts]


def test_a_pushed_value_runs_in_every_worker_and_goes_back(operator: Operator) -> None:
    before = texts(operator)
    operator.env["LAB_KEY"] = 'it\'s a "key" with $signs # and more'
    ran = operator.fab("--dry", "env.push")
    assert ran.code == 0 and "anew: KEY" in ran.out and "OTHER" in ran.out and "$signs" not in ran.said, ran.said
    assert texts(operator) == before
    ran = operator.fab("env.push", "--only", "KEY", "--message", "rotated", "--json")
    assert (ran.code, ran.json["result"], ran.json["kind"]) == (0, "done", "settings"), ran.said
    assert [served(operator, host) for host in operator.hosts] == [operator.env["LAB_KEY"]] * 2
    assert all("OTHER=1" in text for text in texts(operator))
    assert operator.fab("env.check").code == 0
    ran = operator.fab("env.push")
    assert ran.code == 0 and "nothing to do in lab: every file has its settings, and they run" in ran.out, ran.said
    ran = operator.fab("env.undo")
    assert ran.code == 0, ran.said
    assert texts(operator) == before and [served(operator, host) for host in operator.hosts] == [KEY] * 2
    history = operator.fab("history")
    assert history.code == 0 and "settings" in history.out and "rotated" in history.out, history.said
    records = "".join(path.read_text() for path in operator.folder.glob(".lockstitch/runs/*/events.jsonl"))
    assert records and "$signs" not in records and KEY not in records


def test_a_value_with_which_the_app_does_not_start_goes_back_on_every_host(operator: Operator) -> None:
    before = texts(operator)
    operator.env["LAB_KEY"] = "a-key-that-is-revoked"
    operator.inventory["apps"]["app"]["service"]["settle"] = 3
    ran = operator.fab("env.push")
    assert ran.code == 5, ran.said
    assert texts(operator) == before
    assert [served(operator, host) for host in operator.hosts] == [KEY] * 2


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("env.push", "--only", "KYE"), 2, "there is no setting KYE with a value: did you mean KEY?"),
        (("env.undo",), 7, "no former file of env.push is kept"),
    ],
)
def test_what_cannot_be_done_changes_nothing(operator: Operator, words: tuple[str, ...], code: int, says: str) -> None:
    before = texts(operator)
    ran = operator.fab(*words)
    assert ran.code == code and says in ran.said and "Traceback" not in ran.said, ran.said
    assert texts(operator) == before


def test_what_is_built_in_is_built_again_or_not_set(operator: Operator) -> None:
    app = operator.inventory["apps"]["app"]
    app["build"] = ['printf %s "$PUBLIC_API" >built']
    app["settings"]["PUBLIC_API"] = {"is": "https://api.example.com", "when": "build"}
    before = texts(operator)
    try:
        ran = operator.fab("--dry", "env.push", "--only", "PUBLIC_API")
        assert ran.code == 0 and "PUBLIC_API: built into the code, so this builds a new release of" in ran.out, ran.said
        operator.env["LAB_KEY"] = "another-key-than-that"
        ran = operator.fab("env.push")
        assert ran.code == 2 and "a build does not restart what has the others" in ran.said, ran.said
        assert texts(operator) == before
        operator.env["LAB_KEY"] = KEY
        app["test"] = ["false"]
        ran = operator.fab("env.push", "--only", "PUBLIC_API")
        assert ran.code == 5 and texts(operator) == before, ran.said
        del app["test"]
        ran = operator.fab("env.push", "--only", "PUBLIC_API", "--json")
        assert (ran.code, ran.json["kind"], ran.json["result"]) == (0, "deploy", "done"), ran.said
        for host in operator.hosts:
            assert (operator.home(host) / "env/app/current/built").read_text() == "https://api.example.com"
            assert "PUBLIC_API=" in file_of(operator, host).read_text()
    finally:
        del app["build"]
        app.pop("test", None)


def test_a_rollback_tells_which_settings_have_changed_and_puts_them_back(operator: Operator) -> None:
    before = texts(operator)
    commit(operator, "second")
    assert operator.fab("deploy").code == 0
    operator.env["LAB_KEY"] = "a-third-key-of-all"
    operator.inventory["apps"]["app"]["settings"]["DEBUG"] = {"is": "True"}
    assert operator.fab("env.push").code == 0
    after = texts(operator)
    ran = operator.fab("rollback")
    assert ran.code == 2 and "give --settings keep or --settings back" in ran.said, ran.said
    assert "settings that have changed since that release: DEBUG, KEY" in ran.said, ran.said
    ran = operator.fab("rollback", "--settings", "kepe")
    assert ran.code == 2 and "did you mean keep?" in ran.said, ran.said
    assert operator.fab("rollback", "--settings", "keep").code == 0
    assert texts(operator) == after and served(operator, "one") == "a-third-key-of-all"
    assert operator.fab("deploy").code == 0
    assert operator.fab("env.undo").code == 0
    assert texts(operator) == before
    # The first release was kept with the settings that are gone now.
    ran = operator.fab("--dry", "rollback")
    assert ran.code == 0 and "DEBUG, KEY" in ran.out, ran.said
    ran = operator.fab("rollback", "--settings", "back")
    assert ran.code == 7 and "is not kept any more" in ran.said, ran.said
    assert operator.fab("rollback", "--settings", "keep").code == 0
    operator.env["LAB_KEY"], operator.inventory["apps"]["app"]["settings"]["DEBUG"] = KEY, {"is": "False"}
    commit(operator, "third")
    assert operator.fab("deploy").code == 0
    operator.env["LAB_KEY"] = "a-fourth-key-of-all"
    assert operator.fab("env.push").code == 0
    ran = operator.fab("rollback", "--settings", "back", "--json")
    assert (ran.code, ran.json["result"]) == (0, "done"), ran.said
    assert texts(operator) == before and [served(operator, host) for host in operator.hosts] == [KEY] * 2
    for host in operator.hosts:
        recorded = operator.home(host) / "env/.lockstitch/app"
        text = "".join(path.read_text() for path in (recorded / "released-settings").iterdir())
        assert "KEY " in text and KEY not in text
        assert (recorded / "settings-key").stat().st_mode & 0o777 == 0o600
