"""`metrics` and `gates` by the access logs of a real nginx on two hosts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.desk import HOSTS, PATH, inventory
from tests.containers.fleet import Fleet
from tests.containers.machine import Machine
from tests.containers.project import Project

LOG = "/var/log/nginx/measured.log"
RELEASE = f"{PATH}/releases/1"
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
    for name in HOSTS:
        # Only hosts whose release is known are judged.
        php_fleet[name].check(
            f"install -d {RELEASE}; echo {'a1' * 20} >{RELEASE}/REVISION; ln -sfn {RELEASE} {PATH}/current"
        )
        php_fleet[name].check(f"chown -R deploy {PATH}")
    yield project
    for name in HOSTS:
        php_fleet[name].check(f"rm -rf {RELEASE} {PATH}/current")
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


def test_other_sources_on_real_hosts(project: Project, php_fleet: Fleet) -> None:
    """Logs and a journal, a command, a metrics page and the hosts' own values, as the login user reads them."""
    php1, php2 = (php_fleet[name] for name in HOSTS)
    page = 'http_requests_total{{status=\\"{status}\\"}} {count}'
    for machine in (php1, php2):
        machine.check("install -d -o deploy /var/log/measured /srv/page; rm -f /var/log/measured/*")
        machine.check("date '+%F %T,000 INFO fine' >>/var/log/measured/app.log")
        lines = [
            page.format(status=200, count=95),
            page.format(status=500, count=5),
            "process_start_time_seconds $(date +%s)",
        ]
        machine.check("; ".join(f'echo "{line}" >>/srv/page/metrics.new' for line in lines))
        machine.check("mv /srv/page/metrics.new /srv/page/metrics; echo 3 of 200 >/srv/page/orders")
        machine.put(SITE, b"server { listen 8085; root /srv/page; access_log off; }\n")
        machine.check("systemctl restart nginx")
    project.inventory["metrics"] = {
        "log": {"kind": "logs", "paths": ["/var/log/measured/*.log"]},
        "orders": {"kind": "command", "run": "cat /srv/page/orders"},
        "page": {"kind": "endpoint", "url": "http://127.0.0.1:8085/metrics", "durations": ""},
    }
    project.app("desk")["gates"] = {
        "log": {"source": "log", "match": "ERROR", "max": 0},
        "orders": {"source": "orders", "max": "5%"},
        "page": {"source": "page", "status": "5xx", "max": "15%"},
        "memory": {"source": "host", "value": "memory", "max": "99%"},
    }
    settled(php2)
    read = project.fab("-H", "prod", "metrics", "--json")
    assert read.code == 0, read.said
    sources = read.json["sources"]
    assert {source: list(hosts) for source, hosts in sources.items()} == {
        "host": ["php1", "php2"],
        "log": ["php1 (desk)", "php2 (desk)"],
        "orders": ["php1", "php2"],
        "page": ["php1", "php2"],
    }
    assert sources["log"]["php1 (desk)"]["records"] == {"ERROR": [0, 1]}
    assert sources["orders"]["php2"]["share"] == [3, 200]
    assert sources["page"]["php1"]["statuses"] == {"200": 95, "500": 5}
    assert 0 < sources["host"]["php1"]["values"]["memory"] < 1

    php2.check("date '+%F %T,000 ERROR no' >>/var/log/measured/app.log; rm /srv/page/orders")
    settled(php2)
    read = project.fab("-H", "prod", "metrics", "--json")
    assert read.code == 7, read.said
    assert read.json["sources"]["log"]["php2 (desk)"]["records"] == {"ERROR": [1, 2]}
    assert "No such file" in read.json["sources"]["orders"]["php2"]["blind"]
    for machine in (php1, php2):
        machine.check("rm -rf /var/log/measured /srv/page")


def test_the_journal_of_a_unit_is_read_by_its_group_alone(project: Project, php_fleet: Fleet) -> None:
    php1 = php_fleet["php1"]
    app = project.app("desk")
    app["service"] = {"kind": "systemd", "unit": "measured"}
    project.inventory["metrics"] = {}
    app["gates"] = {"log": {"source": "logs", "match": "ERROR|Traceback", "max": 0}}
    for key in ("migrate", "maintenance_page", "shared"):
        app.pop(key, None)
    text = "fine\\nTraceback (most recent call last):\\n  File 1\\nERROR: it ends\\nfine again\\n"
    php1.put("/usr/local/bin/measured", f"printf '{text}'; sleep 1\n".encode())
    php1.check("systemd-run -q --wait --unit=measured sh /usr/local/bin/measured; rm /usr/local/bin/measured")
    settled(php1)
    read = project.fab("-H", "prod:php1", "metrics", "--json")
    assert read.code == 7, read.said
    assert "add that user to the group systemd-journal" in read.json["sources"]["logs"]["php1 (desk)"]["blind"]
    php1.check("gpasswd -a deploy systemd-journal")
    try:
        read = project.fab("-H", "prod:php1", "metrics", "--json")
        assert read.code == 0, read.said
        (count,) = read.json["sources"]["logs"]["php1 (desk)"]["records"].values()
        # `fine` with its traceback, `fine again`, and what systemd says of the unit.
        assert count[0] == 1 and 2 <= count[1] <= 8, read.json
    finally:
        php1.check("gpasswd -d deploy systemd-journal")


def test_measure_on_real_hosts(project: Project, php_fleet: Fleet) -> None:
    """Requests to nginx by each host's own curl, and a bundle in the release; one host has a secret in it."""
    value = "desk-5ecret-of-the-bundle"
    project.variables["DESK_SECRET"] = value
    project.app("desk")["secrets"] = {"DESK_SECRET": "env:DESK_SECRET"}
    project.app("desk")["measure"] = {
        "well": {"url": "http://127.0.0.1:8085/well", "p95": "5s", "rate": 100},
        "bundle": {"path": "dist", "never": ["DESK_SECRET"], "max_chunk": "500kB"},
    }
    for name in HOSTS:
        serve(php_fleet[name])
        php_fleet[name].check(f"install -d {RELEASE}/dist; echo 'let a = 1' >{RELEASE}/dist/app-1a2b3c4d5e.js")
    php_fleet[HOSTS[1]].check(f"printf '%s' 'x{value}' | base64 -w 0 >{RELEASE}/dist/app.js.map")
    ran = project.fab("-H", "prod", "measure", "--only", "desk", "--json", "--really")
    assert ran.code == 7, ran.said
    verdicts = {(each["name"], each["host"]): each for each in ran.json["measures"]}
    for name in HOSTS:
        asked = verdicts["well", name]
        assert (asked["verdict"], asked["numbers"]["requests"], asked["numbers"]["failed"]) == ("pass", 100, 0), asked
    assert [verdicts["bundle", name]["verdict"] for name in HOSTS] == ["pass", "fail"], ran.said
    assert "DESK_SECRET is in app.js.map" in verdicts["bundle", HOSTS[1]]["says"] and value not in ran.said
