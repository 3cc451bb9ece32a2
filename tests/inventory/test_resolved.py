"""What comes out: hosts as the engine reaches them, apps as they are on each host."""

from __future__ import annotations

import dataclasses

import pytest

from lockstitch.errors import UsageError
from lockstitch.inventory.app import AppSettings
from lockstitch.inventory.model import App
from lockstitch.inventory.resolve import limits
from lockstitch.inventory.ssh import SshSettings
from lockstitch.model.host import Address, Limits

from .conftest import FLEET, SMALL, Write

LAYERS = """
groups:
  backend:
    hosts:
      - api1
      - name: api2
        env: {B: host, C: host}
        override: {api: {keep: 9, env: {C: override}, service: {workers: 7}}}
    apps: [api]
    env: {A: group, B: group}
    override: {api: {ref: stable, build: [group build], env: {D: group override}}}
  other: {hosts: [api3], apps: [api]}
apps:
  api:
    repository: r
    path: /app/api
    build: [a, b]
    env: {A: app, B: app, C: app, D: app, PORT: 8000}
    service: {kind: dummy, unit: api}
"""


def test_defaults(write: Write) -> None:
    inventory = write(prod=SMALL).load("prod")
    app, group = inventory.app("api", "api1"), inventory.groups[0]
    assert (inventory.name, inventory.protect) == ("prod", False)
    assert (app.name, app.ref, app.layout, app.keep, app.timeout) == ("api", "main", "in_place", 5, 1800.0)
    assert (app.min_free, app.env, app.secrets, app.health, app.user) == (200 * 1024**2, {}, {}, None, None)
    assert (group.rollout.canary, group.rollout.batch, group.rollout.pause) == (0, "50%", 0.0)
    assert (inventory.hosts[0].host_keys, inventory.hosts[0].gateways) == ("strict", None)
    assert limits(SshSettings()) == inventory.hosts[0].limits == Limits()


def test_an_app_carries_every_setting() -> None:
    # `settings` has what these two are short for.
    carried = {*AppSettings.model_fields, "name", "layout_paths"} - {"env", "secrets"}
    assert {field.name for field in dataclasses.fields(App)} == carried


def test_paths_of_an_app(write: Write) -> None:
    text = SMALL.replace("path: /app/api", "path: apps/api/\n    layout: releases\n    shared: [.env]")
    app = write(prod=text).load("prod").app("api", "api2")
    assert app.layout_paths.current == "apps/api/current"
    assert app.layout_paths.state == "apps/.lockstitch/api"


def test_a_host_goes_before_its_group_and_that_before_the_app(write: Write) -> None:
    inventory = write(prod=LAYERS).load("prod")
    one, two, three = (inventory.app("api", name) for name in ("api1", "api2", "api3"))
    assert one.env == {"A": "group", "B": "group", "C": "app", "D": "group override", "PORT": "8000"}
    assert two.env == {"A": "group", "B": "host", "C": "override", "D": "group override", "PORT": "8000"}
    assert three.env == {"A": "app", "B": "app", "C": "app", "D": "app", "PORT": "8000"}
    assert (one.ref, one.build, one.keep, two.keep, three.build) == ("stable", ("group build",), 5, 9, ("a", "b"))
    assert [app.service.model_dump()["workers"] for app in (one, two, three)] == [2, 7, 2]


def test_how_hosts_are_reached(write: Write) -> None:
    inventory = write(
        prod="""
        ssh:
          user: deploy
          gateway: [jump@bastion.example.com:2200, {address: inner, user: root}, "[2001:db8::1]:22"]
          tries: 5
          parallel: {per_gateway: 4}
          known_hosts: [hosts/known_hosts]
          identity_files: [~/.ssh/deploy]
        groups:
          a:
            hosts:
              - one
              - {name: two, address: "2001:db8::2", port: 2222, user: admin, ssh: {gateway: [], host_keys: accept-new}}
              - {name: three, ssh: {gateway: null, parallel: {in_all: 2}}}
            ssh: {user: group, keepalive: {interval: 1s}}
          b: {hosts: [four]}
        """
    ).load("prod")
    one, two, three, four = inventory.hosts
    assert one.address == Address("one", None, None, "group")
    assert one.gateways == (
        Address("bastion.example.com", None, 2200, "jump"),
        Address("inner", None, None, "root"),
        Address("2001:db8::1", None, 22, None),
    )
    assert (one.group, one.known_hosts, one.identity_files) == ("a", ("hosts/known_hosts",), ("~/.ssh/deploy",))
    assert two.address == Address("two", "2001:db8::2", 2222, "admin")
    assert (two.gateways, two.host_keys, one.host_keys) == ((), "accept-new", "strict")
    assert three.gateways is None
    assert three.limits == Limits(connect_tries=5, per_gateway=4, in_all=2, keepalive_interval=1.0)
    assert (four.address.user, four.group, four.limits.keepalive_interval) == ("deploy", "b", 5.0)


def test_a_host_in_two_groups_is_one_host(write: Write) -> None:
    text = """
    groups:
      a: {hosts: [x, y]}
      b: {hosts: [{name: x, address: 192.0.2.1}, z], rollout: {batch: all}}
      c: {hosts: [{name: x, address: 192.0.2.1}]}
    rollout: {canary: 1, pause: 30s}
    """
    inventory = write(prod=text).load("prod")
    a, b, c = inventory.groups
    assert a.hosts[0] == b.hosts[0] == c.hosts[0]
    assert (a.hosts[0].group, a.hosts[0].address.hostname) == ("a", "192.0.2.1")
    assert [host.name for host in inventory.hosts] == ["x", "y", "z"]
    assert (b.rollout.canary, b.rollout.batch, b.rollout.pause) == (1, "all", 30.0)
    assert a.rollout.batch == "50%"


def test_asking_for_what_is_not_there(write: Write) -> None:
    inventory = write(prod=FLEET).load("prod")
    assert inventory.apps == ("api", "worker", "web", "cron")
    with pytest.raises(UsageError, match=r"no app apii runs on api2\.example\.com: did you mean api"):
        inventory.app("apii", "api2.example.com")
    with pytest.raises(UsageError, match="prod has no group backen: did you mean backend"):
        inventory.group("backen")
    assert inventory.group("backend").apps == ("api", "worker")
