"""What a person reads when an inventory is wrong: file, line, key, and the nearest right word."""

from __future__ import annotations

import pytest

from .conftest import SMALL, Refused

APP = "  api:\n    repository: r\n    path: /app/api\n    service: {kind: dummy, unit: api}\n"
GROUPS = "groups:\n  backend: {hosts: [api1], apps: [api]}\n"


def app(lines: str) -> str:
    """An inventory whose app has more lines, which begin at line 7."""
    return GROUPS + "apps:\n" + APP + "".join(f"    {line}\n" for line in lines.splitlines())


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("layuot: releases", "hosts/prod.yml:8: apps.api.layuot: is not a key here: did you mean layout?"),
        ("zzz: 1", "hosts/prod.yml:8: apps.api.zzz: is not a key here (known: repository, ref, layout, path, state, "),
        (
            "layout: release",
            "hosts/prod.yml:8: apps.api.layout: 'release' is not one of in_place, releases: did you mean releases?",
        ),
        (
            "migrate_timeouts: {lock: 5s}",
            "hosts/prod.yml:8: apps.api.migrate_timeouts: without a migrate line there is ",
        ),
        (
            "migrate: m\nmigrate_timeouts: {lock: 5s}",
            "hosts/prod.yml:9: apps.api.migrate_timeouts: it names no database: write database: NAME",
        ),
        (
            "migrate: m\nmigrate_timeouts: {tries: 2}",
            "hosts/prod.yml:9: apps.api.migrate_timeouts: it limits nothing: ",
        ),
        ("layout: 5", "hosts/prod.yml:8: apps.api.layout: 5 is not one of in_place, releases"),
        ("build: make", "hosts/prod.yml:8: apps.api.build: it should be a list"),
        ("build: [make, 5]", "hosts/prod.yml:8: apps.api.build[1]: it should be text: write it in quotes: '5'"),
        ("build:\n  - make\n  - ''", "hosts/prod.yml:10: apps.api.build[1]: it is empty"),
        ("keep: 0", "hosts/prod.yml:8: apps.api.keep: it should be 1 or more"),
        ("keep: many", "hosts/prod.yml:8: apps.api.keep: it should be a whole number"),
        ("keep: '3'", "hosts/prod.yml:8: apps.api.keep: it should be a whole number"),
        ("keep: true", "hosts/prod.yml:8: apps.api.keep: it should be a whole number"),
        ("keep: 1.5", "hosts/prod.yml:8: apps.api.keep: it should be a whole number"),
        (
            "timeout: 30x",
            "hosts/prod.yml:8: apps.api.timeout: '30x' is not a duration: write it like 30s, 10m, 1h30m, ",
        ),
        ("min_free: lots", "hosts/prod.yml:8: apps.api.min_free: 'lots' is not a size: write it like 200M or 2G, "),
        ("env: {A-B: x}", "hosts/prod.yml:8: apps.api.env.A-B: 'A-B' cannot be the name of an environment variable"),
        ("env: {A: true}", "hosts/prod.yml:8: apps.api.env.A: it should be text: write it in quotes, such as 'true'"),
        ("env: 5", "hosts/prod.yml:8: apps.api.env: it should be a mapping of keys to values"),
        ("secrets:\n  A: hunter2", "hosts/prod.yml:9: apps.api.secrets.A: an inventory holds no secrets, only where "),
        ("secrets: {A: env:A}\nenv: {A: b}", "hosts/prod.yml:8: apps.api.secrets: A is in env as well: keep one of "),
        ("shared: [.env]", "hosts/prod.yml:8: apps.api.shared: shared paths need layout: releases"),
        *(
            (
                f"layout: releases\nshared: [{paths}]",
                f"hosts/prod.yml:9: apps.api.shared: {says} overlap: each file can ",
            )
            for paths, says in (
                ("storage, storage/logs", "'storage' and 'storage/logs'"),
                ("a, ./b//c/, b", "'./b//c/' and 'b'"),
                ("storage/, storage", "'storage/' and 'storage'"),
                ("a/b/c, d, a/./b", "'a/b/c' and 'a/./b'"),
            )
        ),
        *(
            (f"layout: releases\nshared: [{path}]", f"hosts/prod.yml:9: apps.api.shared[0]: '{path}' {says}")
            for path, says in (
                (".git", "is no file of the app, and cannot be shared"),
                ("./.git/hooks", "is no file of the app, and cannot be shared"),
                ("REVISION", "is no file of the app, and cannot be shared"),
                ("a/../storage", "goes up with '..': write the path itself"),
                ("./", "names no folder"),
            )
        ),
        (
            "shared: [/etc]",
            "hosts/prod.yml:8: apps.api.shared[0]: '/etc' is absolute: write it relative to the release",
        ),
        ("health: {}", "hosts/prod.yml:8: apps.api.health.url: is missing"),
        ("health: {url: 'ftp://x'}", "hosts/prod.yml:8: apps.api.health.url: 'ftp://x' is not an http(s) URL"),
        (
            "health: {url: 'http://x', ulr: y}",
            "hosts/prod.yml:8: apps.api.health.ulr: is not a key here: did you mean url?",
        ),
        ("health: {url: 'http://x', status: 99}", "hosts/prod.yml:8: apps.api.health.status: it should be 100 or more"),
        (
            "logs: [-x]",
            "hosts/prod.yml:8: apps.api.logs[0]: '-x' begins with a dash, which a command takes for an option",
        ),
    ],
)
def test_problems_of_an_app(lines: str, says: str, refused: Refused) -> None:
    (problem,) = refused(app(lines))
    assert problem.startswith(says)


@pytest.mark.parametrize(
    ("service", "says"),
    [
        ("{kind: dumy, unit: a}", "apps.api.service.kind: 'dumy' is not one of dummy, other: did you mean dummy?"),
        ("{unit: a}", "apps.api.service.kind: is missing"),
        ("{kind: dummy}", "apps.api.service.unit: is missing"),
        ("{kind: dummy, unit: a, wokers: 3}", "apps.api.service.wokers: is not a key here: did you mean workers?"),
        ("{kind: other, name: a, workers: 3}", "apps.api.service.workers: is not a key here (known: kind, name)"),
        ("{kind: dummy, unit: a, reload_with: term}", "apps.api.service.reload_with: 'term' is not one of hup, usr2"),
        ("dummy", "apps.api.service: it should be a mapping of keys to values"),
    ],
)
def test_problems_of_a_service(service: str, says: str, refused: Refused) -> None:
    text = GROUPS + f"apps:\n  api:\n    repository: r\n    path: /a\n    service: {service}\n"
    assert refused(text) == [f"hosts/prod.yml:7: {says}"]


@pytest.mark.parametrize(
    ("top", "says"),
    [
        ("protect: yes", "hosts/prod.yml:1: protect: it should be true or false"),
        ("protcet: true", "hosts/prod.yml:1: protcet: is not a key here: did you mean protect?"),
        ("ssh: {prot: 22}", "hosts/prod.yml:1: ssh.prot: is not a key here: did you mean port?"),
        ("ssh: {port: 70000}", "hosts/prod.yml:1: ssh.port: it should be 65535 or less"),
        ("ssh: {host_keys: none}", "hosts/prod.yml:1: ssh.host_keys: 'none' is not one of strict, accept-new"),
        (
            "ssh: {gateway: 'a b'}",
            "hosts/prod.yml:1: ssh.gateway: 'a b' is not a gateway: write it like user@host:port",
        ),
        ("ssh: {gateway: '-x'}", "hosts/prod.yml:1: ssh.gateway: '-x' is not a host name or IP address"),
        ("ssh: {gateway: [{adress: a}]}", "hosts/prod.yml:1: ssh.gateway[0].address: is missing"),
        ("ssh: {timeouts: {connect: 0}}", "hosts/prod.yml:1: ssh.timeouts.connect: it must be longer than 0"),
        ("ssh: {parallel: {in_all: 0}}", "hosts/prod.yml:1: ssh.parallel.in_all: it should be 1 or more"),
        ("rollout: {batch: 0}", "hosts/prod.yml:1: rollout.batch: a batch of no hosts never ends: write 1 or more"),
        ("rollout: {canary: some}", "hosts/prod.yml:1: rollout.canary: 'some' is not a number of hosts: write a count"),
    ],
)
def test_problems_of_an_environment(top: str, says: str, refused: Refused) -> None:
    problems = refused(top + SMALL)
    assert any(problem.startswith(says) for problem in problems), problems


@pytest.mark.parametrize(
    ("groups", "says"),
    [
        ("{}", "hosts/prod.yml:1: groups: it should have at least 1"),
        ("{a: {hosts: []}}", "hosts/prod.yml:1: groups.a.hosts: it should have at least 1"),
        ("{a: {}}", "hosts/prod.yml:1: groups.a.hosts: is missing"),
        (
            "{a: {hosts: ['x:22']}}",
            "hosts/prod.yml:1: groups.a.hosts[0]: 'x:22' cannot be the name of a host: write {name",
        ),
        ("{a: {hosts: [5]}}", "hosts/prod.yml:1: groups.a.hosts[0]: it should be a mapping of keys to values"),
        ("{'a:b': {hosts: [x]}}", "hosts/prod.yml:1: groups.a:b: 'a:b' cannot be a name: use letters, digits"),
        (
            "{a: {hosts: [{name: x, prot: 2}]}}",
            "hosts/prod.yml:1: groups.a.hosts[0].prot: is not a key here: did you mean port?",
        ),
        ("{a: {hosts: [{address: x}]}}", "hosts/prod.yml:1: groups.a.hosts[0].name: is missing"),
    ],
)
def test_problems_of_groups(groups: str, says: str, refused: Refused) -> None:
    (problem,) = refused(f"groups: {groups}\n")
    assert problem.startswith(says)


def test_nothing_at_all(refused: Refused) -> None:
    assert refused("") == ["hosts/prod.yml:1: groups: is missing"]
    assert refused("- a\n") == ["hosts/prod.yml:1: it should be a mapping of keys to values"]


def test_everything_is_said_at_once(refused: Refused) -> None:
    problems = refused(
        """
        protect: maybe
        groups:
          backend: {hosts: [api1], apps: [ap]}
        apps:
          api:
            repository: r
            layout: relases
            service: {kind: dummy, unit: a}
        """
    )
    assert problems == [
        "hosts/prod.yml:1: protect: it should be true or false",
        "hosts/prod.yml:3: groups.backend.apps[0]: there is no app ap: did you mean api?",
        "hosts/prod.yml:5: apps.api.path: is missing",
        "hosts/prod.yml:7: apps.api.layout: 'relases' is not one of in_place, releases: did you mean releases?",
    ]


def test_limits_for_a_database_that_takes_none_are_refused(refused: Refused) -> None:
    text = app("migrate: m\ndatabase: main\nmigrate_timeouts: {lock: 5s}")
    text += "databases: {main: {engine: mysql, url: 'env:U', run_on: backend, directory: /b}}\n"
    (problem,) = refused(text)
    assert "hosts/prod.yml:10: apps.api.migrate_timeouts: mysql takes no limits from outside" in problem
    assert refused(text.replace("mysql", "postgre"))[0].endswith("did you mean postgres?")
