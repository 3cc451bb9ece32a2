"""`checks` of an environment, a group and an app: how they are merged, and what is refused, with its line."""

from __future__ import annotations

import pytest

from lockstitch.inventory.checks import AppChecks
from lockstitch.inventory.load import load
from tests.inventory.conftest import Refused, Write

APP = "{repository: r, path: /app, service: {kind: dummy, unit: u}, checks: {tools: {git: '>=2'}, ports: [80]}}"


def test_a_group_s_go_over_the_environment_s(write: Write) -> None:
    folder = write(
        prod="""
        checks: {disk: {warn: 50, fail: 60}, ports: [1, 2], tools: {git: ">=2"}}
        groups:
          a: {hosts: [x], checks: {disk: {fail: 90}, ports: [3], tools: {node: "*"}}}
          b: {hosts: [y]}
        """
    )
    a, b = load(folder.directory, "prod").groups
    assert a.checks.disk is not None
    assert (a.checks.disk.warn, a.checks.disk.fail) == (50, 90)
    assert a.checks.ports == (3,), "lists are replaced"
    assert a.checks.tools == {"git": ">=2", "node": "*"}, "mappings are merged"
    assert b.checks.ports == (1, 2)
    assert b.checks.clock is None, "what is left out is not asked"


def test_an_app_s_differ_on_a_host(write: Write) -> None:
    folder = write(
        prod=f"""
        apps: {{api: {APP}}}
        groups:
          a:
            hosts: [x, {{name: y, override: {{api: {{checks: {{ports: [81]}}}}}}}}]
            apps: [api]
        """
    )
    inventory = load(folder.directory, "prod")
    assert inventory.app("api", "x").checks.ports == (80,)
    assert inventory.app("api", "y").checks.ports == (81,)
    assert inventory.app("api", "y").checks.tools == {"git": ">=2"}


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("disk: {warn: 96}", "a warning after the failure is never seen"),
        ("disk: {warn: 0}", "warn"),
        ("prots: [1]", "did you mean ports"),
        ("ports: [70000]", "ports"),
        ("tools: {git: 2}", "it should be text"),
        ("tools: {'git; reboot': '*'}", "is no name of a program"),
        ("tls: [{host: a, file: /b}]", "give either host or file"),
        ("tls: [{host: a, warn: 1d, fail: 2d}]", "write it above `fail`"),
        ("tls: ['x y']", "host name or IP address"),
        ("urls: ['ftp://a/']", "is not an http(s) URL"),
        ("redis: {url: 'redis://:hunter2@a'}", "env:NAME"),
        ("at_boot: ['--now']", "is no name of a unit"),
        ("reboot: never", "reboot"),
        ("variables: {A: {}}", "variables"),
    ],
)
def test_what_is_refused(refused: Refused, written: str, says: str) -> None:
    (problem,) = refused(
        prod=f"""
        groups: {{a: {{hosts: [x]}}}}
        checks:
          {written}
        """
    )
    assert says in problem
    assert "prod.yml:4" in problem or "prod.yml:3" in problem
    assert "hunter2" not in problem


def test_short_forms() -> None:
    made = AppChecks.model_validate(
        {"tls": ["a.example", "a.example:8443", "[::1]:443", "/x.pem"], "urls": ["http://a/"], "variables": ["A", "B"]}
    )
    assert [(one.host, one.port, one.file) for one in made.tls] == [
        ("a.example", 443, None),
        ("a.example", 8443, None),
        ("::1", 443, None),
        (None, 443, "/x.pem"),
    ]
    assert made.urls[0].status == 200
    assert list(made.variables) == ["A", "B"]
