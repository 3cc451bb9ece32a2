"""A first deploy as docs/getting-started.md has it: its inventory, its commands and its unit, on two hosts that have
nothing yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.containers import truth
from tests.containers.fleet import BACKUPS, Fleet
from tests.containers.machine import Machine
from tests.containers.postgres import Postgres
from tests.containers.project import ROOT, Project
from tests.containers.repos import Repository

PAGE = (ROOT / "docs" / "getting-started.md").read_text()
SUDOERS = "/etc/sudoers.d/deploy"
# The names of the page, and the hosts and sample apps that stand for them.
HOSTS = {"api1.example.com": "api1", "web1.example.com": "web1"}
SAMPLES = {"api": "notes", "webapp": "webapp"}
CLEAR = f"""\
systemctl disable -q --now api 2>/dev/null; systemctl reset-failed
rm -rf /srv/api /srv/webapp /srv/.lockstitch /etc/default/api /etc/systemd/system/api.service {BACKUPS}/..?* {BACKUPS}/* {BACKUPS}/.[!.]*
[ ! -e {BACKUPS} ] || chmod 750 {BACKUPS}
systemctl daemon-reload; gpasswd -d deploy systemd-journal 2>/dev/null || :
"""


def blocks(language: str) -> list[str]:
    """The fenced blocks of the page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def hosts(fleet: Fleet, postgres: Postgres) -> Iterator[tuple[Machine, Machine]]:
    """The host of the api and that of the web app without any right, folder or unit; afterwards as they were."""
    truth.reset(fleet)
    postgres.reset()
    postgres.create("app")
    machines = (fleet["api1"], fleet["web1"])
    rules = [machine.read(SUDOERS) for machine in machines]
    for machine in machines:
        machine.check(f"{CLEAR}rm {SUDOERS}")
    yield machines
    for machine, rule in zip(machines, rules, strict=True):
        machine.check(CLEAR)
        machine.put(SUDOERS, rule, mode=0o440)
    truth.reset(fleet)
    postgres.reset()


def inventory(fleet: Fleet) -> dict[str, Any]:
    """The inventory of the page, with the addresses of these hosts and repositories, and a web app that is built at
    once."""
    (text,) = blocks("yaml")
    made: dict[str, Any] = yaml.safe_load(text)
    made["ssh"] |= {"known_hosts": [str(fleet.known_hosts)], "identity_files": [str(fleet.key.private)]}
    for group in made["groups"].values():
        group["hosts"] = [
            {"name": name, "address": "127.0.0.1", "port": fleet[HOSTS[name]].ssh_port} for name in group["hosts"]
        ]
    for name, app in made["apps"].items():
        app["repository"] = fleet.clone_url(SAMPLES[name])
    made["apps"]["webapp"] |= {"build": ["sh build.sh"], "env": {"APP_DIR": "/srv/webapp/current"}}
    return made


def test_the_example_of_getting_started_deploys(
    fleet: Fleet,
    repositories: dict[str, Repository],
    postgres: Postgres,
    hosts: tuple[Machine, Machine],
    tmp_path: Path,
) -> None:
    """All that the hosts lack is found before anything is built, with the commands that the page has."""
    project = Project(tmp_path / "project", fleet, "releases", inventory(fleet))
    url = project.variables["PROD_DATABASE_URL"] = postgres.url("app")
    doctor = project.fab("-H", "prod", "doctor")
    assert doctor.code == 7, doctor.out
    for line in blocks("sh")[0].splitlines() + blocks("sh")[1].splitlines():
        if line.startswith("install -d -o deploy -g deploy /srv"):
            assert f"sudo {line}" in doctor.out, doctor.out
    assert "no unit api" in doctor.out and "deploy ALL=(root) NOPASSWD: /usr/bin/systemctl reload api, " in doctor.out
    refused = project.fab("-H", "prod", "deploy", "--yes")
    assert refused.code == 7 and "no unit api" in refused.err and "nothing was changed" in refused.err

    for machine, commands in zip(hosts, blocks("sh"), strict=True):
        machine.check(commands.replace("postgresql://app:PASSWORD@localhost:5432/app", url))
    doctor = project.fab("-H", "prod", "doctor")
    assert doctor.code == 0 and "WARN" not in doctor.out, doctor.out
    deployed = project.fab("-H", "prod", "deploy", "--yes")
    assert deployed.code == 0, deployed.out + deployed.err
    for machine, app in zip(hosts, SAMPLES.values(), strict=True):
        assert truth.served(machine) == repositories[app].revisions["v3"]
    assert postgres.counts("app")["public.notes"] == 0
    (backup,) = project.fab("-H", "prod", "backup.list", "--json").json["databases"]["main"]["backups"]
    assert backup["rows"] == 0
    logs = project.fab("-H", "prod:backend", "logs", "api", "--lines", "20")
    assert logs.code == 0 and "only entries of the user's own" not in logs.out + logs.err
