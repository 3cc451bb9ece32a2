"""Smoke steps in an inventory: what is wrong is told with its line and the nearest word."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockstitch.errors import InventoryError
from lockstitch.inventory.load import load

HEAD = """\
groups: {all: {hosts: [web1], apps: [api]}}
apps:
  api:
    repository: git@example.com:acme/api.git
    path: /app/api
    service: {kind: dummy, unit: u}
    smoke:
      url: https://api.example.com
"""
STEPS = """\
      steps:
        login: {post: /login, json: {password: "env:PW"}, save: {token: json.access_token}}
        upload: {needs: login, post: /files, file: t.pdf, save: {id: json.id}, clean: {delete: "/files/{id}"}}
        same: {needs: upload, get: "/files/{id}", expect: {sha256: file}}
"""


def said(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "prod.yml").write_text(text)
    with pytest.raises(InventoryError) as error:
        load(tmp_path, "prod")
    return [problem.removeprefix(f"{tmp_path}/prod.yml:") for problem in error.value.problems]


def test_good_steps_are_taken(tmp_path: Path) -> None:
    (tmp_path / "prod.yml").write_text(HEAD + STEPS + "      critical: [same]\n")
    smoke = load(tmp_path, "prod").app("api", "web1").smoke
    assert smoke is not None and smoke.steps["upload"].clean is not None and smoke.critical == ("same",)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("x: {gte: /}", "steps.x.gte: is not a key here: did you mean get?"),
        ("x: {get: me}", "steps.x.get: 'me' is no path: write /api/files, or a whole URL"),
        ("x: {get: //evil.example/}", "steps.x.get: '//evil.example/' is no path"),
        ("x: {get: 'https://{host}/x'}", "steps.x.get: 'https://{host}/x' is no path"),
        ("x: {}", "steps.x: give a command, a browser, or one request such as get: /healthz"),
        ("x: {get: /, post: /}", "steps.x.post: it is get as well: a step makes one request"),
        ("x: {get: /, json: {}}", "steps.x.json: get has no body"),
        ("x: {command: ls, expect: 200}", "steps.x.expect: a command is judged by its exit code alone"),
        ("x: {get: /, needs: logni}", "steps.x.needs: there is no step logni: did you mean login?"),
        ("x: {get: /, needs: y}\n        y: {get: /, needs: x}", "the steps need each other: x → y → x"),
        ('x: {get: /me, bearer: "{token}x"}', "{token} is saved by login, which x does not need: write needs: login"),
        ('x: {get: "/{tokne}", needs: login}', "no step saves {tokne}: did you mean token?"),
        ('x: {get: "/{a}", save: {a: json.a}}', "{a} is saved from its own answer, and is not known before"),
        ("x: {get: /, save: {a: jsn.a}}", "'jsn.a' is no place in an answer: write json.PATH"),
        ("x: {get: /, save: {a: 'match:x'}}", "put what is to be saved in one pair of parentheses"),
        ("x: {get: /, save: {run: json.a}}", "{run} is the id of the run: save it by another name"),
        ("x: {get: /, expect: {statsu: 200}}", "steps.x.expect.statsu: is not a key here: did you mean status?"),
        ("x: {get: /, expect: {json: {a: {type: txt}}}}", "a: type: 'txt' is not one of text, number"),
        ("x: {get: /, expect: {json: {'a[': 1}}}", "'a[' is no path of a JSON value"),
        ("x: {get: /, expect: {schema: {typ: object}}}", "typ is not a word of schemas that is judged here"),
        ("x: {get: /, expect: {sha256: file}}", "neither it nor a step that it needs sends a file"),
        ("x: {get: /, clean: {delete: /}}", "steps.x.clean: get makes nothing that could be taken away"),
        (
            'x: {post: /s, save: {key: json.key}, headers: {X: y}, clean: {delete: "/s/{key}", bearer: "{key}"}}',
            "{key} is a key, and would have to be written down for `smoke.clean`",
        ),
        ("x: {post: /, limit: {requests: 5, per: 1m}, clean: {delete: /}}", "steps.x.clean: a limit is tried with"),
        ("x: {post: /, wait: 3s}", "steps.x.wait: post is not sent twice"),
        (
            "a: {post: /, save: {token: json.t}}\n        x: {get: /, needs: [login, a], bearer: '{token}'}",
            "{token} is saved by login and a: give the two values different names",
        ),
        ("x: {post: /, limit: {requests: 5, per: 1m}}\n      critical: [x]", "x does harm, and cannot be critical"),
        ("x: {get: /}\n      critical: [y]", "smoke.critical: there is no step y"),
        ("x: {get: /}\n      canary: true", "smoke.canary: no step is critical"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, line: str, problem: str) -> None:
    problems = said(tmp_path, f"{HEAD}{STEPS}        {line}\n")
    assert any(problem in each and each.split(":")[0] in ("7", "8", "13", "14") for each in problems), problems


def test_steps_are_the_same_on_all_hosts(tmp_path: Path) -> None:
    hosts = "{hosts: [web1, {name: web2, override: {api: {smoke: {url: https://two.example.com}}}}], apps: [api]}"
    problems = said(tmp_path, HEAD.replace("{hosts: [web1], apps: [api]}", hosts) + STEPS)
    assert any("it differs on web2" in each for each in problems), problems
