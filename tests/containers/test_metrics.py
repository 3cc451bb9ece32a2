"""`metrics` and `gates` by the access logs of a real nginx on two hosts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.desk import HOSTS, inventory
from tests.containers.fleet import Fleet
from tests.containers.machine import Machine
from tests.containers.project import Project

LOG = "/var/log/nginx/measured.log"
SITE = "/etc/nginx/sites-enabled/measured"
NGINX = """
log_format measured '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                    '"$http_referer" "$http_user_agent" rt=$request_time urt="$upstream_response_time"';
server {{
    listen 8085;
    access_log {log} {form};
    location /well {{ return 200; }}
    location /healthz {{ return 503; }}
    location /ill {{ return 502; }}
}}
"""
GATES = {
    "errors": {"source": "access", "status": "5xx", "max": "5%"},
    "p95": {"source": "access", "percentile": 95, "max": "300ms"},
}


@pytest.fixture
def project(php_fleet: Fleet, tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "project", php_fleet, "releases", inventory(php_fleet))
    project.inventory["metrics"] = {"access": {"kind": "access_log", "path": LOG, "ignore": ["/healthz"]}}
    project.app("desk")["gates"] = GATES
    project.variables["DESK_SECRET"] = "x"
    project.variables["DESK_DATABASE_URL"] = project.variables["SCRATCH_DATABASE_URL"] = "mariadb://x@localhost/x"
    yield project
    for name in HOSTS:
        php_fleet[name].check(f"rm -f {SITE} {LOG}*; systemctl reload nginx; gpasswd -d deploy adm || true")


def serve(machine: Machine, form: str = "measured") -> None:
    machine.put(SITE, NGINX.format(log=LOG, form=form).encode())
    # nginx has taken its new settings when its new worker answers; the log is root's and adm's, as Debian's are.
    machine.check(f"install -o www-data -g adm -m 640 /dev/null {LOG}; systemctl restart nginx; gpasswd -a deploy adm")


def ask(machine: Machine, path: str, times: int) -> None:
    machine.check(f"curl -s -o /dev/null 'http://127.0.0.1:8085/{path}?[1-{times}]'")


def settled(machine: Machine) -> None:
    """Let the seconds pass that a reading leaves out."""
    machine.check("sleep 3")


def test_a_real_nginx(project: Project, php_fleet: Fleet) -> None:
    php1, php2 = (php_fleet[name] for name in HOSTS)
    for machine in (php1, php2):
        serve(machine)
        ask(machine, "well", 60)
        ask(machine, "healthz", 60)
    settled(php2)
    read = project.fab("-H", "prod", "metrics", "--json")
    assert read.code == 0, read.said
    for name in HOSTS:
        found = read.json["sources"]["access"][name]
        assert (found["statuses"], found["untimed"], found["blind"]) == ({"200": 60}, 0, ""), found
    judged = project.fab("-H", "prod", "gates", "--json")
    verdicts = {name: gate["verdict"] for name, gate in judged.json["apps"]["desk"].items()}
    assert (judged.code, verdicts) == (0, {"errors": "pass", "p95": "pass"}), judged.said

    ask(php2, "ill", 30)
    settled(php2)
    judged = project.fab("-H", "prod", "gates")
    assert judged.code == 7, judged.said
    assert "fail     errors  30 of 150 requests" in judged.out

    # Turned over as logrotate does it: the older part still counts.
    php2.check(f"mv {LOG} {LOG}.1; install -o www-data -g adm -m 640 /dev/null {LOG}; nginx -s reopen")
    ask(php2, "well", 10)
    settled(php2)
    found = project.fab("-H", "prod", "metrics", "--json").json["sources"]["access"]["php2"]
    assert found["statuses"] == {"200": 70, "502": 30}


def test_what_nginx_can_do_to_be_blind(project: Project, php_fleet: Fleet) -> None:
    php1, php2 = (php_fleet[name] for name in HOSTS)
    serve(php1, "combined")
    serve(php2)
    for machine in (php1, php2):
        ask(machine, "well", 60)
    php2.check("gpasswd -d deploy adm")
    settled(php2)
    read = project.fab("-H", "prod", "metrics")
    assert read.code == 7, read.said
    assert "access on php1 tells no durations" in read.out and "rt=$request_time" in read.out
    assert f"{LOG} may not be read by deploy" in read.out
    judged = project.fab("-H", "prod:php1", "gates", "--json")
    gates = judged.json["apps"]["desk"]
    assert (judged.code, gates["errors"]["verdict"], gates["p95"]["verdict"]) == (7, "pass", "blind"), judged.said
