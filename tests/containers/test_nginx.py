"""A real nginx as an app's service, and a real php-fpm: an invalid configuration is refused before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.containers.desk import HOSTS, Desk
from tests.containers.desk_expect import went
from tests.containers.fleet import Fleet
from tests.containers.machine import Machine
from tests.containers.project import Project
from tests.containers.repos import Repository

SITE, SUDOERS = "/etc/nginx/sites-enabled/web", "/etc/sudoers.d/web"
SAYS = "server {{ listen 80; server_name web.test; location / {{ return 200 {word}; }} }}\n"
RULES = """
deploy ALL=(root) NOPASSWD: /usr/sbin/nginx -t, /usr/bin/systemctl reload nginx, /usr/bin/systemctl start nginx
deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart nginx, /usr/bin/systemctl stop nginx
"""
BROKEN = 'unknown directive "servr" in /etc/nginx/sites-enabled/web:1'


@pytest.fixture
def project(php_fleet: Fleet, desk_repository: Repository, tmp_path: Path) -> Iterator[Project]:
    hosts = [{"name": name, "address": "127.0.0.1", "port": php_fleet[name].ssh_port} for name in HOSTS]
    inventory = {
        "ssh": {
            "user": "deploy",
            "known_hosts": [str(php_fleet.known_hosts)],
            "identity_files": [str(php_fleet.key.private)],
        },
        "groups": {"webs": {"hosts": hosts, "apps": ["web"]}},
        "apps": {
            "web": {
                "repository": php_fleet.clone_url("desk"),
                "layout": "releases",
                "path": "/app/web",
                "service": {"kind": "nginx"},
                "min_free": "2M",
            }
        },
    }
    for machine in machines(php_fleet):
        machine.put(SITE, SAYS.format(word="one").encode())
        machine.put(SUDOERS, RULES.encode(), mode=0o440)
        machine.check("install -d -o deploy -g deploy -m 2775 /app/web; systemctl restart nginx")
    yield Project(tmp_path / "project", php_fleet, "releases", inventory)
    for machine in machines(php_fleet):
        machine.check(f"rm -rf {SITE} {SUDOERS} /app/web /app/.lockstitch/web; systemctl restart nginx")


def machines(fleet: Fleet) -> list[Machine]:
    return [fleet[name] for name in HOSTS]


def masters(fleet: Fleet) -> list[str]:
    return [machine.check("systemctl show -P MainPID nginx").strip() for machine in machines(fleet)]


def word(machine: Machine) -> str:
    return requests.get(f"http://127.0.0.1:{machine.http_port}/", headers={"Host": "web.test"}, timeout=15).text


def test_an_invalid_configuration_is_never_given_to_nginx(project: Project, php_fleet: Fleet) -> None:
    php1, php2 = machines(php_fleet)
    went(project.deploy("v1"))
    before = masters(php_fleet)
    ran = went(project.fab("-H", "prod", "service.restart", "web"))
    assert "test the configuration of nginx" in ran.out
    assert not set(before) & set(masters(php_fleet)), "each was restarted"

    # On the second host alone: the first is not touched either, and both serve what they did.
    before = masters(php_fleet)
    php1.put(SITE, SAYS.format(word="two").encode())
    php2.put(SITE, SAYS.format(word="two").replace("server ", "servr ", 1).encode())
    for verb in ("restart", "reload"):
        ran = went(project.fab("-H", "prod", f"service.{verb}", "web"), 7)
        assert BROKEN in ran.said, ran.said
        assert masters(php_fleet) == before and [word(php1), word(php2)] == ["one", "one"]
    ran = went(project.deploy("v2"), 5)
    assert BROKEN in ran.said and "nothing that users can see was changed" in ran.said
    assert php1.check("cat /app/web/current/REVISION") == php2.check("cat /app/web/current/REVISION")

    php2.put(SITE, SAYS.format(word="two").encode())
    went(project.fab("-H", "prod", "service.reload", "web"))
    assert masters(php_fleet) == before and [word(php1), word(php2)] == ["two", "two"]

    # Who may not test it is told the line for sudoers, before anything is touched.
    for machine in (php1, php2):
        machine.put(SUDOERS, RULES.replace("/usr/sbin/nginx -t, ", "").encode(), mode=0o440)
    ran = went(project.fab("-H", "prod", "service.restart", "web"), 7)
    assert "deploy ALL=(root) NOPASSWD: /usr/sbin/nginx -t" in ran.said
    assert masters(php_fleet) == before


def test_an_invalid_configuration_is_never_given_to_php_fpm(desk: Desk) -> None:
    """A reload of it would end php-fpm, and with it the app."""
    pool = "/etc/php/8.2/fpm/pool.d/broken.conf"
    rule = b"deploy ALL=(root) NOPASSWD: /usr/sbin/php-fpm8.2 -t\n"
    desk.everywhere(lambda machine: machine.put(SUDOERS, rule, mode=0o440))
    desk.service["fpm"]["test"] = "sudo -n php-fpm8.2 -t"
    try:
        desk.begin_on("v1")
        went(desk.fab("service.reload"))
        before, masters = desk.stands(), fpm_masters(desk)
        desk.machines[1].put(pool, b"[broken]\nuser = nobody\nlisten = /run/php/broken.sock\npm = sometimes\n")
        for verb in ("restart", "reload"):
            ran = went(desk.fab(f"service.{verb}"), 7)
            assert "invalid process manager" in ran.said, ran.said
        ran = went(desk.deploy("v2"), 5)
        assert "nothing that users can see was changed" in ran.said
        assert (desk.stands(), fpm_masters(desk)) == (before, masters)
    finally:
        desk.everywhere(lambda machine: machine.check(f"rm -f {pool} {SUDOERS}"))


def fpm_masters(desk: Desk) -> list[str]:
    """Return the main process of php-fpm on each host, and since when it runs."""
    return desk.everywhere(
        lambda machine: machine.check("systemctl show -P MainPID -P ActiveEnterTimestamp php8.2-fpm")
    )
