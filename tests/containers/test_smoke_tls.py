"""Smoke steps through SSH to one host: a real nginx with TLS that no other machine can reach, asked by its public name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.containers.desk import HOSTS
from tests.containers.fleet import Fleet
from tests.containers.machine import Machine
from tests.containers.project import Project

SITE, TLS = "/etc/nginx/sites-enabled/smoke", "/etc/tls-smoke"
REVISIONS = {name: letter * 40 for name, letter in zip(HOSTS, "ab", strict=True)}
# Another name is the default: who asks without the name in TLS gets its certificate. On the loopback of the host alone.
SERVER = """
server {{
  listen 127.0.0.1:8443 ssl{default};
  server_name {name};
  ssl_certificate {tls}/{name}.pem; ssl_certificate_key {tls}/{name}.key;
  access_log /var/log/nginx/smoke-{name}.log;
  location = /healthz {{ add_header X-Revision {revision}; return 200 "{name}"; }}
  location / {{ add_header X-Revision {revision}; return 404; }}
}}
"""
MAKE = (
    "install -d {tls}; openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} -addext subjectAltName=DNS:{name} "
    "-keyout {tls}/{name}.key -out {tls}/{name}.pem 2>/dev/null"
)


@pytest.fixture
def project(php_fleet: Fleet, tmp_path: Path) -> Iterator[Project]:
    hosts = [{"name": name, "address": "127.0.0.1", "port": php_fleet[name].ssh_port} for name in HOSTS]
    smoke = {
        "url": "https://web.test:8443",
        "ca": "ca.pem",
        "revision": "header.X-Revision",
        "steps": {
            "health": {"get": "/healthz", "expect": {"text": "web.test"}},
            "none": {"get": "/none", "expect": 404},
        },
    }
    app = {"repository": php_fleet.clone_url("desk"), "path": "/app/web", "service": {"kind": "nginx"}, "smoke": smoke}
    inventory = {
        "ssh": {
            "user": "deploy",
            "known_hosts": [str(php_fleet.known_hosts)],
            "identity_files": [str(php_fleet.key.private)],
        },
        "groups": {"webs": {"hosts": hosts, "apps": ["web"]}},
        "apps": {"web": app},
    }
    project = Project(tmp_path / "project", php_fleet, "releases", inventory)
    authorities = ""
    for name in HOSTS:
        for server in ("other.test", "web.test"):
            php_fleet[name].check(MAKE.format(tls=TLS, name=server))
        site = [
            SERVER.format(name=server, tls=TLS, default=default, revision=REVISIONS[name])
            for server, default in (("other.test", " default_server"), ("web.test", ""))
        ]
        php_fleet[name].put(SITE, "".join(site).encode())
        php_fleet[name].check("systemctl restart nginx")
        authorities += php_fleet[name].check(f"cat {TLS}/web.test.pem")
    (project.folder / "ca.pem").write_text(authorities)
    yield project
    for name in HOSTS:
        php_fleet[name].check(f"rm -rf {SITE} {TLS} /var/log/nginx/smoke-*; systemctl restart nginx")


def requests_of(machine: Machine, name: str) -> int:
    return len(machine.check(f"cat /var/log/nginx/smoke-{name}.log").splitlines())


def answers(document: Any) -> dict[tuple[str, str], tuple[str, str | None]]:
    return {(step["host"], step["step"]): (step["result"], step["revision"]) for step in document["steps"]}


def test_each_host_answers_for_itself_under_the_public_name(project: Project, php_fleet: Fleet) -> None:
    ran = project.fab("-H", "prod", "smoke", "--on", "php1,php2", "--json")
    assert ran.code == 0, ran.said
    assert answers(ran.json) == {
        (host, step): ("passed", REVISIONS[host]) for host in HOSTS for step in ("health", "none")
    }
    assert [requests_of(php_fleet[name], "web.test") for name in HOSTS] == [2, 2]
    assert [requests_of(php_fleet[name], "other.test") for name in HOSTS] == [0, 0]

    # From here the name means nothing: who does not go through SSH gets no answer.
    alone = project.fab("-H", "prod", "smoke", "--json")
    assert alone.code == 7 and {step["result"] for step in alone.json["steps"]} >= {"failed"}, alone.said

    # A certificate of somebody else, and one for another name.
    (project.folder / "ca.pem").write_text(php_fleet["php1"].check(f"cat {TLS}/other.test.pem"))
    ran = project.fab("-H", "prod", "smoke", "health", "--on", "php1")
    assert ran.code == 7 and "its certificate is not valid: self-signed certificate" in ran.out, ran.said
    project.inventory["apps"]["web"]["smoke"]["url"] = "https://nobody.test:8443"
    ran = project.fab("-H", "prod", "smoke", "health", "--on", "php1")
    assert ran.code == 7 and "certificate is not valid for 'nobody.test'" in ran.out, ran.said
    assert requests_of(php_fleet["php1"], "other.test") == 0, "no request went out over it"


def test_a_host_that_listens_nowhere_or_forbids_it_says_so(project: Project, php_fleet: Fleet) -> None:
    project.inventory["apps"]["web"]["smoke"]["on"] = {"port": 8444}
    ran = project.fab("-H", "prod", "smoke", "health", "--on", "php1")
    assert ran.code == 7 and "127.0.0.1:8444 cannot be reached from the host: nothing listens there" in ran.out, (
        ran.said
    )
    project.inventory["apps"]["web"]["smoke"].pop("on")
    rule = "/etc/ssh/sshd_config.d/smoke.conf"
    machine = php_fleet["php1"]
    machine.put(rule, b"AllowTcpForwarding no\n")
    machine.check("systemctl reload ssh")
    try:
        ran = project.fab("-H", "prod", "smoke", "health", "--on", "php1")
        assert ran.code == 7 and "AllowTcpForwarding" in ran.out, ran.said
    finally:
        machine.check(f"rm {rule}; systemctl reload ssh")
    assert project.fab("-H", "prod", "smoke", "--on", "php1").code == 0
