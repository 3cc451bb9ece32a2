"""Settings on real hosts: gunicorn behind a unit that reads an environment file, PM2, and the readers of each dialect."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.containers import expect, truth
from tests.containers.env_files import file_of, shared_env
from tests.containers.fleet import Fleet
from tests.containers.machine import Machine
from tests.containers.project import PATHS, Project
from tests.model.test_env_file import VALUES, text_of, written

BY_HAND = "# kept as it is\nOTHER='a b'\n"
# What an environment file may do to a value.
HARD = 'it\'s "hard" # $HOME \\ `id`\nsecond line \\n é'


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """The file on the controller that has the key."""
    file = tmp_path / "secret"
    file.write_text("first")
    return file


@pytest.fixture
def settled(project: Project, fleet: Fleet, secret: Path) -> Iterator[Project]:
    """A project whose two apps have settings in their shared `.env`, which the unit of gunicorn reads."""
    for app in sorted(set(truth.APP_OF.values())):
        settings = project.app(app)
        settings["settings"] = {"LS_KEY": {"from": f"file:{secret}"}, "LS_MODE": {"is": "on"}}
        settings["env_file"] = {"format": "systemd", "mode": "0640"}
    with shared_env(project, fleet, BY_HAND):
        yield project


def environments(machine: Machine) -> set[str]:
    """The key in the environment of the master and of each worker of gunicorn."""
    (master,) = [process.pid for process in truth.masters_of(machine)]
    read = (
        "import sys; print([e.split(b'=', 1)[1].decode() for p in sys.argv[1:] for e in open(f'/proc/{p}/environ', 'rb').read()"
        ".split(b'\\0') if e.startswith(b'LS_KEY=')])"
    )
    machine.put("/tmp/read.py", read.encode())
    return set(eval(machine.check(f"python3 /tmp/read.py {master} $(pgrep -P {master})")))


@pytest.mark.parametrize("layout", ["releases"])
def test_a_hard_value_reaches_every_worker_of_gunicorn_through_its_unit(
    settled: Project, fleet: Fleet, secret: Path
) -> None:
    expect.done(settled.deploy("v1", on="prod:backend"))
    ran = settled.fab("-H", "prod:backend", "env.check")
    assert ran.code == 7 and "it is not in" in ran.out, ran.said
    secret.write_text(HARD)
    expect.done(settled.fab("-H", "prod:backend", "env.push"))
    for machine in fleet.backends:
        assert file_of(machine, "api").startswith(BY_HAND)
        assert environments(machine) == {HARD}
    told = settled.fab("-H", "prod:backend", "env.check", "--json")
    assert (told.code, {row["evidence"] for row in told.json["settings"]}) == (0, {"environment"}), told.said
    assert "second line" not in told.said
    # A new file that nobody has restarted for is told, and so it is for the next deploy.
    secret.write_text("second")
    fleet.backends[1].check(f"sleep 2; sed -i 's/^LS_MODE=.*/LS_MODE=off/' {PATHS['api']}/shared/.env")
    told = settled.fab("-H", "prod:backend", "env.diff")
    assert told.code == 7 and told.out.count("LS_KEY") >= 2 and "LS_MODE" in told.out, told.said
    expect.done(settled.fab("-H", "prod:backend", "env.push"))
    assert [environments(machine) for machine in fleet.backends] == [{"second"}] * 2
    expect.done(settled.fab("-H", "prod:backend", "env.undo"))
    expect.done(settled.fab("-H", "prod:backend", "env.undo"))
    assert [file_of(machine, "api") for machine in fleet.backends] == [BY_HAND] * 2


@pytest.mark.parametrize("layout", ["releases"])
def test_a_value_reaches_every_instance_of_pm2_and_goes_back(settled: Project, fleet: Fleet, secret: Path) -> None:
    webs = [fleet[name] for name, app in truth.APP_OF.items() if app == "webapp"]
    expect.done(settled.deploy("v1", on="prod:frontend"))
    expect.done(settled.fab("-H", "prod:frontend", "env.push"))
    secret.write_text('it\'s the "second" $one')
    told = settled.fab("-H", "prod:frontend", "env.check")
    assert (told.code == 7 and "was started with other values of LS_KEY" in told.out) or "differs (service)" in told.out
    expect.done(settled.fab("-H", "prod:frontend", "env.push"))
    assert [instances(machine) for machine in webs] == [{secret.read_text()}] * 2
    told = settled.fab("-H", "prod:frontend", "env.check", "--json")
    assert (told.code, {row["runs"] for row in told.json["settings"]}) == (0, {"same"}), told.said
    # What is put back is what runs, whatever the caller has in its environment.
    expect.done(settled.fab("-H", "prod:frontend", "env.undo"))
    assert [instances(machine) for machine in webs] == [{"first"}] * 2


def instances(machine: Machine) -> set[str]:
    """The key that each instance of PM2 was started with."""
    ask = """
        su deploy -c 'pm2 jlist' | grep '^\\[{' | node -e 'let t = ""; process.stdin.on("data", (d) => t += d)
            .on("end", () => console.log(JSON.stringify(JSON.parse(t).map((p) => p.pm2_env.LS_KEY))))'"""
    return set(json.loads(machine.check(ask)))


@hypothesis.settings(max_examples=8, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(values=VALUES)
def test_readers_of_the_hosts_read_what_was_written(fleet: Fleet, values: list[str]) -> None:
    """systemd and dotenv of npm; those of Python and of shells are asked in tests/model."""
    machine = fleet["web1"]
    kept = written("systemd", values)
    machine.put("/tmp/systemd.env", text_of("systemd", kept).encode())
    said = machine.check(
        "systemd-run --quiet --pipe --wait -p EnvironmentFile=/tmp/systemd.env sh -c 'env -0 | base64 -w 0'"
    )
    pairs = dict(entry.split("=", 1) for entry in base64.b64decode(said).decode().split("\0") if entry)
    assert {name: pairs.get(name) for name in kept} == kept
    kept = written("dotenv", values)
    machine.put("/tmp/npm.env", text_of("dotenv", kept).encode())
    said = machine.check(
        'node -e \'process.stdout.write(JSON.stringify(require("/opt/pm2/node_modules/dotenv").parse('
        'require("fs").readFileSync("/tmp/npm.env"))))\''
    )
    assert json.loads(said) == kept
