"""Problems between the parts of an inventory."""

from __future__ import annotations

import pytest

from .conftest import Refused, Write

APPS = """
apps:
  api: {repository: r, path: /app/api, service: {kind: dummy, unit: api}}
  web: {repository: r, path: /app/web, service: {kind: dummy, unit: web}}
"""


@pytest.mark.parametrize(
    ("groups", "says"),
    [
        ("a: {hosts: [x], apps: [wbe]}", "groups.a.apps[0]: there is no app wbe: did you mean web?"),
        ("a: {hosts: [x], apps: [zzzz]}", "groups.a.apps[0]: there is no app zzzz (known: api, web)"),
        ("a: {hosts: [x, x]}", "groups.a.hosts[1]: the host x is in this group twice"),
        ("a: {hosts: [x], apps: [api, api]}", "groups.a.apps[1]: the app api is in this group twice"),
        (
            "a: {hosts: [a]}",
            "groups.a.hosts[0]: a is the name of a group as well: a selection could not tell them apart",
        ),
        (
            "a: {hosts: [x], apps: [api], override: {web: {keep: 2}}}",
            "groups.a.override.web: no app web runs here (known: api)",
        ),
        (
            "a: {hosts: [{name: x, override: {apii: {keep: 2}}}], apps: [api]}",
            "groups.a.hosts[0].override.apii: no app apii runs here: did you mean api?",
        ),
        (
            "a: {hosts: [{name: x, port: 1}]}, b: {hosts: [{name: x, port: 2}]}",
            "groups.b.hosts[0]: x is described differently on line 1 of hosts/prod.yml: "
            "describe it once, elsewhere write its name",
        ),
        (
            "a: {hosts: [x], ssh: {user: one}}, b: {hosts: [x], ssh: {user: two}}",
            "groups.b.hosts[0]: x is in a with other ssh settings",
        ),
        (
            "a: {hosts: [x], apps: [api]}, b: {hosts: [x], apps: [api]}",
            "apps.api: two groups bring it to x: keep it in one of them",
        ),
        (
            "a: {hosts: [x], apps: [api, web], override: {web: {path: /app//api/}}}",
            "groups.a.override.web.path: api has the same path on x: each app needs its own",
        ),
        (
            "a: {hosts: [x], apps: [api, web], override: {web: {state: /app/.lockstitch/api}}}",
            "groups.a.override.web.state: api has the same state on x: each app needs its own",
        ),
        (
            "a: {hosts: [x], apps: [api], override: {api: {keep: 0}}}",
            "groups.a.override.api.keep: it should be 1 or more",
        ),
        (
            "a: {hosts: [x], apps: [api], override: {api: 5}}",
            "groups.a.override.api: it should be a mapping of keys to values",
        ),
        (
            "a: {hosts: [x], apps: [api], override: {api: {pth: a}}}",
            "groups.a.override.api.pth: is not a key here: did you mean path?",
        ),
        (
            "a: {hosts: [{name: x, override: {api: {service: {wokers: 1}}}}], apps: [api]}",
            "groups.a.hosts[0].override.api.service.wokers: is not a key here: did you mean workers?",
        ),
    ],
)
def test_problems_between_parts(groups: str, says: str, refused: Refused) -> None:
    problems = refused("groups: {" + groups + "}" + APPS)
    assert [problem.split(": ", 1)[1] for problem in problems] == [says]
    assert problems[0].startswith(("hosts/prod.yml:1:", "hosts/prod.yml:3:"))


def test_the_same_path_on_different_hosts_is_fine(write: Write) -> None:
    folder = write(
        prod="groups: {a: {hosts: [x], apps: [api]}, b: {hosts: [y], apps: [web], override: {web: {path: /app/api}}}}"
        + APPS
    )
    assert folder.load("prod").app("web", "y").path == "/app/api"
