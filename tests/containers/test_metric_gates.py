"""Deploys that metric gates judge, by the access logs of a real nginx in front of a real gunicorn under load."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.containers.data import Data
from tests.containers.desk import HOSTS, inventory
from tests.containers.fleet import Fleet
from tests.containers.machine import Machine
from tests.containers.project import Project
from tests.containers.tiny import git

APP, PATH, SITE = "gated", "/app/gated", "/etc/nginx/sites-enabled/gated"
LOG = "/var/log/nginx/gated.log"
NGINX = f"""
log_format gated '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                 '"$http_referer" "$http_user_agent" rt=$request_time';
server {{
    listen 8086;
    access_log {LOG} gated;
    location / {{ proxy_pass http://127.0.0.1:8001; }}
}}
"""
UNIT = f"""
[Unit]
Description=The gated app
[Service]
Type=notify
User=deploy
WorkingDirectory={PATH}
ExecStart=/opt/venv/bin/gunicorn --chdir {PATH}/current --workers 2 --bind 127.0.0.1:8001 main:app
ExecReload=/bin/kill -s HUP $MAINPID
KillMode=mixed
TimeoutStopSec=10
"""
# Each version answers so many of 20 requests with 500, and so many after half a second; all need a database.
MAIN = """
import itertools, json, socket, time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REVISION = (HERE / "REVISION").read_text().strip()
ERRORS, SLOW = json.loads((HERE / "behaviour.json").read_text())
number = itertools.count()


def database():
    try:
        with socket.create_connection(("data1", 6379), timeout=1) as connection:
            connection.sendall(b"PING\\r\\n")
            return bool(connection.recv(64))
    except OSError:
        return False


def app(environ, start_response):
    status = "200 OK"
    if environ["PATH_INFO"] != "/healthz":
        place = next(number) % 20
        if place < SLOW:
            time.sleep(0.5)
        if place >= 20 - ERRORS or not database():
            status = "500 Internal Server Error"
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps({"revision": REVISION}).encode()]
"""
VERSIONS = {
    "v1": (0, 0),
    "good": (0, 0),
    "errors": (3, 0),
    "slow": (0, 6),
    "broken": (8, 0),
    "fix": (0, 0),
    "v2": (0, 0),
}
GATES = {
    "errors": {"source": "access", "status": "5xx", "max": "5%"},
    "p95": {"source": "access", "percentile": 95, "max": "300ms"},
}
PAUSE = "8s"
# So many requests a second on each host, one after the other, for at most three minutes.
RATE, MOST = 25, 4500


@pytest.fixture(scope="module")
def repository(php_fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gated")
    git(path, "init", "-q", "-b", "main")
    (path / "main.py").write_text(MAIN)
    for name, behaviour in VERSIONS.items():
        (path / "behaviour.json").write_text(f"{json.dumps(behaviour)}\n")
        (path / "VERSION").write_text(f"{name}\n")
        git(path, "add", "-A")
        git(path, "commit", "-qm", f"release {name}")
        git(path, "tag", name)
    php_fleet.make_bare_repository(APP)
    git(path, "push", "-q", php_fleet.push_url(APP), "main", "--tags", **php_fleet.git_environment())
    return path


@pytest.fixture
def project(php_fleet: Fleet, data: Data, repository: Path, tmp_path: Path) -> Iterator[Project]:
    """An operations project whose hosts serve v1, under load."""
    project = Project(tmp_path / "project", php_fleet, "releases", inventory(php_fleet))
    project.inventory["apps"] = {APP: app(php_fleet)}
    project.inventory["groups"]["desks"]["apps"] = [APP]
    project.inventory["metrics"] = {"access": {"kind": "access_log", "path": LOG, "ignore": ["/ping"]}}
    project.inventory["rollout"] = {"canary": 1, "batch": "all", "pause": PAUSE, "warm_up": "1s"}
    for name in HOSTS:
        serve(php_fleet[name])
    deployed = project.deploy("v1", "--pause", "0s")
    assert deployed.code == 0, deployed.said
    for name in HOSTS:
        load(php_fleet[name])
    yield project
    for name in HOSTS:
        php_fleet[name].exec("pkill curl")
        php_fleet[name].check(f"systemctl stop gunicorn-gated; rm -rf {SITE} {LOG}* {PATH} /app/.lockstitch/{APP}")
        php_fleet[name].check("systemctl reload nginx; gpasswd -d deploy adm || true")


def app(fleet: Fleet) -> dict[str, Any]:
    return {
        "repository": fleet.clone_url(APP),
        "layout": "releases",
        "path": PATH,
        "service": {"kind": "gunicorn", "unit": "gunicorn-gated", "app": "main:app", "python": "/opt/venv/bin/python"},
        "health": {"url": "http://127.0.0.1:8001/healthz", "revision": "revision", "interval": "200ms"},
        "min_free": "2M",
        "gates": GATES,
    }


def serve(machine: Machine) -> None:
    machine.put(SITE, NGINX.encode())
    machine.put("/etc/systemd/system/gunicorn-gated.service", UNIT.encode())
    machine.check(f"install -o www-data -g adm -m 640 /dev/null {LOG}; gpasswd -a deploy adm; systemctl daemon-reload")
    machine.check("systemctl restart nginx")


def load(machine: Machine, path: str = "page", rate: int = RATE) -> None:
    """Begin to ask for a page, over loopback and bounded in number and rate, in place of what was asked for before."""
    asking = f"curl -s -o /dev/null --rate {rate}/s 'http://127.0.0.1:8086/{path}?[1-{MOST}]'"
    machine.exec("pkill curl")
    machine.check(f"systemd-run -q --collect --property=RuntimeMaxSec=180 sh -c {json.dumps(asking)}")


def readings(project: Project) -> list[dict[str, Any]]:
    return [event for event in project.events() if event["event"] == "reading"]


def verdicts(project: Project) -> dict[str, str]:
    return {event["gate"]: event["answer"] for event in readings(project) if event["last"]}


def served(project: Project) -> set[str]:
    """The revisions that the hosts run, in the words of `status`."""
    return {str(site["revision"]) for site in project.status().values()}


def test_releases_are_judged_by_what_users_meet(
    project: Project, php_fleet: Fleet, data: Data, repository: Path
) -> None:
    def revision(tag: str) -> str:
        return git(repository, "rev-parse", f"{tag}^{{commit}}")

    php_fleet[HOSTS[0]].check("sleep 6")
    good = project.deploy("good")
    assert good.code == 0, good.said
    assert "gate errors needs" in good.out and "came in a minute on" in good.out
    assert verdicts(project) == {"errors": "pass", "p95": "pass"}
    last = [event for event in readings(project) if event["last"] and event["gate"] == "errors"]
    assert [round(event["end"] - event["begin"]) for event in last] == [8, 8]
    assert all(event["total"] > 8 * RATE / 2 for event in last), last

    for version, gate in (("errors", "errors"), ("slow", "p95")):
        bad = project.deploy(version)
        assert bad.code == 5, bad.said
        assert f"gate {gate} of {APP} fails" in bad.out and "1/2" in bad.out and f"{APP} 2/2" not in after_plan(bad.out)
        assert served(project) == {revision("good")}

    with project.start_fab("-H", "prod", "deploy", "--ref", "v2") as running:
        running.until("watching")
        data.machine.check("systemctl stop redis-server")
        stopped = running.finish()
    data.machine.check("systemctl start redis-server")
    assert stopped.code == 6, stopped.said
    assert "with the old release too: this release is not to blame" in stopped.out
    assert served(project) == {revision("good"), revision("v2")}
    run = readings(project)[0]
    back = project.rollback()
    assert back.code == 0, back.said
    shown = project.fab("-H", "prod", "history", str(next(iter(runs(project, run)))))
    assert "this release is not to blame" in shown.out and "GATE" in shown.out, shown.said


def after_plan(out: str) -> str:
    return out.partition("record, prune, unlock")[2]


def runs(project: Project, reading: dict[str, Any]) -> Iterator[str]:
    """The runs whose record has a reading."""
    for file in (project.folder / ".lockstitch" / "runs").glob("*/events.jsonl"):
        if json.dumps(reading["at"]) in file.read_text():
            yield file.parent.name


def test_the_fix_of_a_broken_version_goes_out_and_a_host_without_traffic_says_little(
    project: Project, php_fleet: Fleet
) -> None:
    canary, other = (php_fleet[name] for name in HOSTS)
    broken = project.deploy("broken", "--pause", "0s")
    assert broken.code == 0, broken.said
    # Only checks of a balancer, which do not count.
    load(canary, "ping", 5)
    other.check("sleep 6")
    fixed = project.deploy("fix", "--json")
    assert fixed.code == 0, fixed.said
    notes = "\n".join(next(project.events())["notes"])
    assert "gate errors fails before the change already, and is judged not worse than that" in notes
    first, second = (
        {event["answer"] for event in readings(project) if event["last"] and round(event["begin"]) == begin}
        for begin in sorted({round(event["begin"]) for event in readings(project)})
    )
    assert (first, second) == ({"few"}, {"pass"})
    assert [gate["answer"] for gate in fixed.json["gates"]] == ["few", "few", "pass", "pass"]


def test_a_log_that_cannot_be_read_refuses_before_anything_changes(project: Project, php_fleet: Fleet) -> None:
    php_fleet[HOSTS[1]].check("gpasswd -d deploy adm")
    refused = project.deploy("good")
    assert refused.code == 7, refused.said
    assert f"{LOG} may not be read by deploy" in refused.err and "--blind-gates" in refused.err
    waived = project.deploy("good", "--blind-gates", "errors,p95", "--pause", "2s")
    assert waived.code == 0, waived.said
    assert set(verdicts(project).values()) <= {"blind", "few", "pass"}
    assert any("waived by --blind-gates" in note for note in next(project.events())["notes"])
