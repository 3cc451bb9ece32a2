"""`fab app.run`: in the code that serves, with the app's environment and secrets; captured, and at a terminal."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.cli.conftest import HOSTS
from tests.cli.operator import Operator
from tests.cli.test_shell import Terminal

SECRET = "s3cr3t-of-the-app"


@pytest.fixture
def shop(operator: Operator) -> Operator:
    """Three hosts with an app `shop` of layout releases, and `bare`, which is nowhere deployed."""
    app = {
        "repository": "git@example.com:acme/shop.git",
        "layout": "releases",
        "path": "shop",
        "env": {"MODE": "production"},
        "secrets": {"SHOP_KEY": "env:SHOP_KEY"},
        "service": {"kind": "command", "reload": "true", "status": "true"},
    }
    operator.inventory["apps"] = {"shop": app, "bare": {**app, "path": "bare", "secrets": {}}}
    operator.inventory["groups"]["all"]["apps"] = ["shop", "bare"]
    operator.env["SHOP_KEY"] = SECRET
    for host in HOSTS:
        release = operator.home(host) / "shop" / "releases" / "1"
        tool = release / ".venv" / "bin" / "shop-tool"
        tool.parent.mkdir(parents=True, exist_ok=True)
        tool.write_text('#!/bin/sh\necho "tool of ${0%/.venv*} $*"\n')
        tool.chmod(0o755)
        (release / ".venv" / "pyvenv.cfg").touch()
        current = release.parents[1] / "current"
        current.unlink(missing_ok=True)
        current.symlink_to(release)
    return operator


def test_it_runs_in_the_release_with_what_the_app_has(shop: Operator) -> None:
    line = 'pwd; shop-tool "a  b"; echo $MODE ${#SHOP_KEY} ${VIRTUAL_ENV##*/}; test -z "$line$folders$current"'
    ran = shop.fab("app.run", "shop", "--json", "--", line)
    assert ran.code == 0, ran.said
    for host in HOSTS:
        release = shop.home(host) / "shop" / "releases" / "1"
        said = ran.json["hosts"][host]["output"].splitlines()
        assert said == [str(release), f"tool of {release} a  b", f"production {len(SECRET)} .venv"]


def test_secrets_are_masked_in_what_is_captured_and_in_the_record(shop: Operator) -> None:
    ran = shop.fab("app.run", "shop", "--once", "--", f"echo $SHOP_KEY {SECRET}; exit 4")
    assert ran.code == 7 and "one          | *** ***" in ran.out, ran.said
    assert "two" not in ran.out and SECRET not in ran.said
    (line,) = shop.noted()
    assert line["codes"] == {"one": 4} and line["what"] == "app.run shop --once -- echo $SHOP_KEY ***; exit 4"


def test_what_cannot_be_is_refused(shop: Operator) -> None:
    for words, code, said in (
        (("app.run", "shop"), 2, "no command to run"),
        (("app.run", "--", "true"), 2, "in one app, not in shop, bare"),
        (("app.run", "bare", "--", "true"), 7, "nothing is deployed at bare/current"),
    ):
        ran = shop.fab(*words)
        assert ran.code == code and said in ran.said, ran.said
    shop.inventory["protect"] = True
    ran = shop.fab("app.run", "shop", "--", "echo here")
    assert ran.code == 2 and "protected" in ran.err and "here" not in ran.out, ran.said
    ran = shop.fab("app.run", "shop", "--yes", "--", "echo here")
    assert ran.code == 0 and ran.out.count("here") == 3, ran.said
    ran = shop.fab("--dry", "app.run", "shop", "--", "echo here")
    assert ran.code == 0 and "in shop on one, two, three: echo here" in ran.out, ran.said


def test_at_a_terminal_it_has_the_terminal(shop: Operator) -> None:
    # The sandbox has no terminals of its own: tests/containers/ has hosts that do.
    command = "echo begun; read -r x && shop-tool $x; exit 3"
    terminal = Terminal(shop, "-H", "lab", "app.run", "shop", "--once", "--", command)
    terminal.until("begun")
    terminal.type("typed\n")
    assert terminal.end() == 7, terminal.said
    assert f"tool of {shop.home('one')}/shop/releases/1 typed" in terminal.said and "exit code 3" in terminal.said
    (line,) = shop.noted()
    assert line["codes"] == {"one": 3} and line["where"] == ["lab"]


def test_no_secret_is_left_on_the_host_while_it_goes_on_and_when_the_terminal_is_closed(shop: Operator) -> None:
    terminal = Terminal(shop, "-H", "lab:one", "app.run", "shop", "--", "echo ${#SHOP_KEY}=begun; cat")
    terminal.until(f"{len(SECRET)}=begun")
    assert not list(Path(tempfile.gettempdir()).glob("tmp*/start"))
    assert terminal.close() == 130
    (line,) = shop.noted()
    assert line["codes"] == {"one": "interrupted"}
    shop.until_quiet()
