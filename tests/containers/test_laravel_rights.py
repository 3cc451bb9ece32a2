"""The files of a Laravel on a real host: the check `writable` fails with the command to type, and passes once that was typed;
and what Laravel's own parser makes of environment files."""

from __future__ import annotations

import base64
import json
import re

import hypothesis
import pytest

from tests.containers.desk import CURRENT, SHARED, Desk
from tests.containers.fleet import Fleet
from tests.containers.machine import Machine
from tests.containers.project import ROOT
from tests.model.test_env_file import VALUES, text_of, written

STORAGE, CACHE = f"{SHARED}/storage", f"{CURRENT}/bootstrap/cache"
# What is done to a host, and who may not write to what then.
FAULTS = {
    "the owner is root, and its group may only read": (
        f"chown root:root {STORAGE}; chmod 0755 {STORAGE}",
        {("deploy", "storage"), ("www-data", "storage")},
    ),
    "who serves may only read": (
        f"chgrp root $(readlink -f {CACHE}); chmod 2755 {CACHE}",
        {("www-data", "cache")},
    ),
    "the web server's umask": (
        f"chown -R www-data:www-data {STORAGE}/app; chmod 0755 {STORAGE}/app",
        {("deploy", "app")},
    ),
    "who deploys lacks the group": (
        f"chown -R deploy:www-data {STORAGE}; chown root:www-data {STORAGE}/framework; chmod 2775 {STORAGE}/framework; "
        "gpasswd -d deploy www-data",
        {("deploy", "framework")},
    ),
}


def unwritable(desk: Desk, machine: Machine) -> list[dict[str, str]]:
    found = desk.fab("check", "--json").json["hosts"][machine.name]["findings"]
    return [each for each in found if each["check"] == "writable" and each["level"] != "pass"]


@pytest.fixture
def deployed(desk: Desk) -> Desk:
    desk.begin_on("v1")
    return desk


def test_it_fails_with_the_command_that_mends_it(deployed: Desk) -> None:
    php1 = deployed.machines[0]
    assert unwritable(deployed, php1) == []
    for what, (breaks, who) in FAULTS.items():
        php1.check(breaks)
        found = unwritable(deployed, php1)
        told = {(each["says"].split()[0], each["says"].split(" (")[0].rpartition("/")[2]) for each in found}
        assert told == who and {each["level"] for each in found} == {"fail"}, f"{what}: {found}"
        for each in found:
            (command,) = re.findall(r"on the host: ([^;,]*)", each["hint"])
            php1.check(command)
        # A session keeps the groups that it began with.
        deployed.everywhere(lambda machine: machine.exec("pkill -u deploy sshd"))
        assert unwritable(deployed, php1) == [], what
    assert deployed.fab("deploy", "--ref", "v2").code == 0


def test_phpdotenv_reads_what_was_written_or_takes_the_file_for_damaged(php_fleet: Fleet) -> None:
    """It never takes a value for another one, and loses none. One process reads what many examples have written."""
    values = [
        "",
        "two words",
        "it's",
        'say "x"',
        "a#b",
        "ab\ncd=",
        "-----BEGIN KEY-----\na+/=\n-----END KEY-----\n",
        "$A",
    ]

    @hypothesis.settings(max_examples=300, deadline=None, database=None)
    @hypothesis.given(VALUES)
    def gather(more: list[str]) -> None:
        values.extend(more)

    gather()
    cases = [kept for value in dict.fromkeys(values) if (kept := written("dotenv", [value]))]
    machine = php_fleet["php1"]
    machine.put("/tmp/dotenv.php", (ROOT / "tests/containers/dotenv.php").read_bytes())
    # A line below it is lost with a value that does not end where it should.
    texts = [f"{text_of('dotenv', kept)}LAST=1\n" for kept in cases]
    machine.put("/tmp/cases.json", json.dumps(texts).encode())
    read = json.loads(machine.check("php /tmp/dotenv.php </tmp/cases.json"))
    refused = 0
    for text, kept, said in zip(texts, cases, read, strict=True):
        if isinstance(said, str):
            (value,) = kept.values()
            refused += 1
            assert set(value) & {"\n", "\r", "'", "\t", " "} and set(value) & {'"', "\\"}, (text, said)
        else:
            have = {name: base64.b64decode(each).decode() for name, each in said.items()}
            assert have == {**kept, "LAST": "1"}, text
    assert refused < len(cases) / 5
