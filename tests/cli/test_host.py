"""What is asked of hosts by hand, and who may log in: every command at hosts that are well, away and frozen."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import MakeOperator
from tests.cli.operator import Operator

ASKS = (
    ("processes",),
    ("processes", "python", "--by", "memory", "--top", "0"),
    ("disk.usage",),
    ("disk.usage", "/etc"),
    ("users.list",),
    ("keys.list",),
)


def test_all_hosts_answer_though_one_is_away_and_one_is_frozen(make_operator: MakeOperator) -> None:
    """Every question at once: each waits for the frozen host as long as the others."""
    operator = make_operator("one", "two", gone=("away",))
    with operator.sandbox.broken("two", "freeze"):
        asked = [(words, operator.start(*words)) for words in ASKS]
        ended = [(words, running.finish()) for words, running in asked]
    for words, ran in ended:
        assert ran.code == 3, (words, ran.said)
        assert "away  " in ran.err and "two  " in ran.err and "Traceback" not in ran.err, (words, ran.said)
        assert ran.out.startswith("HOST"), (words, ran.said)
    noted = operator.noted()
    assert sorted(line["what"].split()[0] for line in noted) == sorted(words[0] for words in ASKS)
    assert {line["exit"] for line in noted} == {3}


def test_what_they_answer(operator: Operator) -> None:
    found = operator.fab("processes", "--json", "--by", "age", "--top", "3", where="lab:one").json
    assert [len(answer["answer"]) for answer in found["hosts"].values()] == [3]
    ages = [process["age"] for process in found["hosts"]["one"]["answer"]]
    assert ages == sorted(ages, reverse=True) and found["hosts"]["one"]["answer"][0]["pid"] > 0
    usage = operator.fab("disk.usage", "--json", where="lab:one").json["hosts"]["one"]["answer"]
    assert any(disk["at"] == "/" and disk["size"] > disk["used"] > 0 for disk in usage), usage
    users = operator.fab("users.list", "--json", where="lab:one").json["hosts"]["one"]["answer"]
    assert next(user for user in users if user["name"] == "root")["uid"] == 0


def test_a_host_that_cannot_answer(operator: Operator) -> None:
    ran = operator.fab("disk.usage", "/no/such/folder")
    assert ran.code == 7 and "one: /no/such/folder is not there" in ran.err, ran.said
    assert operator.fab("processes", "--by", "luck").code == 2


@pytest.fixture
def keys(operator: Operator, tmp_path: Path) -> dict[str, Path]:
    """Public keys: ours, which every host has, and one of a colleague."""
    made = {"ours": Path(f"{operator.sandbox.place.key}.pub")}
    if not made["ours"].exists():
        made["ours"] = tmp_path / "ours.pub"
        said = subprocess.run(
            ["ssh-keygen", "-y", "-f", str(operator.sandbox.place.key)], capture_output=True, text=True, check=True
        )
        made["ours"].write_text(said.stdout)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bob@desk", "-f", str(tmp_path / "bob")], check=True
    )
    made["bob"] = tmp_path / "bob.pub"
    for host in operator.hosts:
        authorized(operator, host).parent.mkdir(mode=0o700, exist_ok=True)
        authorized(operator, host).write_text(made["ours"].read_text())
    return made


def authorized(operator: Operator, host: str) -> Path:
    return operator.home(host) / ".ssh" / "authorized_keys"


def test_keys_are_added_listed_and_removed(operator: Operator, keys: dict[str, Path]) -> None:
    before = authorized(operator, "one").read_text()
    assert operator.fab("--dry", "keys.add", str(keys["bob"])).code == 0
    assert authorized(operator, "one").read_text() == before
    for _ in range(2):
        added = operator.fab("keys.add", str(keys["bob"]))
        assert added.code == 0 and "SHA256:" in added.out, added.said
        assert {authorized(operator, h).read_text() for h in operator.hosts} == {before + keys["bob"].read_text()}
    listed = operator.fab("keys.list", "--json")
    assert [(k["host"], k["comment"] == "bob@desk", k["logged_in_with"]) for k in listed.json["keys"]] == [
        (host, bob, not bob) for host in operator.hosts for bob in (False, True)
    ]
    removed = operator.fab("keys.remove", "bob@desk")
    assert removed.code == 0, removed.said
    assert {authorized(operator, host).read_text() for host in operator.hosts} == {before}
    assert operator.noted()[-1]["what"] == "keys.remove bob@desk"


def test_the_key_that_lets_us_in_stays(operator: Operator, keys: dict[str, Path]) -> None:
    operator.fab("keys.add", str(keys["bob"]))
    before = authorized(operator, "one").read_text()
    ours = operator.fab("keys.list", "--json").json["keys"][0]["fingerprint"]
    ran = operator.fab("keys.remove", ours)
    assert ran.code == 7 and ran.err.count("it is the key that lets us in") == 3, ran.said
    assert authorized(operator, "one").read_text() == before


def test_keys_of_hosts_that_are_away_or_cannot_be_written(
    make_operator: MakeOperator, operator: Operator, keys: dict[str, Path]
) -> None:
    unreadable = authorized(operator, "two")
    unreadable.unlink()
    unreadable.mkdir()
    try:
        ran = operator.fab("keys.add", str(keys["bob"]))
        assert ran.code == 7 and "bob@desk" in authorized(operator, "one").read_text(), ran.said
        with operator.sandbox.broken("three", "down"):
            assert operator.fab("keys.add", str(keys["bob"])).code == 3
    finally:
        unreadable.rmdir()
    assert operator.fab("keys.add", str(operator.sandbox.place.key)).code == 2
    assert operator.fab("keys.add", "no/such.pub").code == 2
