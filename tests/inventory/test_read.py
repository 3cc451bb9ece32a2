"""Reading a folder of inventories, and what `_all.yml` does."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockstitch.errors import InventoryError, UsageError
from lockstitch.inventory.load import environments, load

from .conftest import SMALL, Refused, Write

COMMON = """
ssh: {user: deploy, timeouts: {connect: 3s}}
apps:
  api:
    repository: git@example.com:acme/api.git
    path: /app/api
    build: [make, make check]
    service: {kind: dummy, unit: api, workers: 4}
    health: {url: "http://localhost/"}
"""
PROD = """
ssh: {port: 2222, timeouts: {auth: 4s}}
groups: {backend: {hosts: [api1], apps: [api]}}
"""


def test_environments_are_the_yml_files(write: Write) -> None:
    folder = write(prod=SMALL, staging=SMALL, _all="")
    Path("hosts/.prod.yml").write_text("")
    Path("hosts/notes.md").write_text("")
    assert environments("hosts") == folder.names() == ["prod", "staging"]


def test_a_name_that_no_selection_could_hold_is_refused(write: Write) -> None:
    write(prod=SMALL)
    Path("hosts/a,b.yml").write_text("")
    with pytest.raises(InventoryError, match=r"hosts/a,b\.yml:1: the name of an environment is made of letters"):
        environments("hosts")


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: no such file") as caught:
        environments(tmp_path / "nope")
    assert "hosts/prod.yml is prod" in caught.value.hint


@pytest.mark.parametrize("name", ["prdo", "Prod"])
def test_an_unknown_environment_names_the_nearest(name: str, write: Write) -> None:
    write(prod=SMALL, staging=SMALL)
    with pytest.raises(InventoryError) as caught:
        load("hosts", name)
    assert caught.value.problems == [
        f"hosts/{name}.yml: no such file: there is no environment {name}: did you mean prod?"
    ]


@pytest.mark.parametrize("name", ["_all", "../hosts/prod", "", "zzz"])
def test_what_is_no_environment_is_not_read(name: str, write: Write) -> None:
    write(prod=SMALL, _all="")
    with pytest.raises(InventoryError, match="no such file"):
        load("hosts", name)


def test_all_is_merged_under_an_environment(write: Write) -> None:
    more = PROD + "apps: {api: {ref: stable, build: [make all], service: {workers: 8}, health: null}}\n"
    inventory = write(prod=more, _all=COMMON).load("prod")
    app, (host,) = inventory.app("api", "api1"), inventory.hosts
    assert (app.ref, app.path, app.build, app.health) == ("stable", "/app/api", ("make all",), None)
    assert app.service.model_dump() == {"kind": "dummy", "unit": "api", "workers": 8, "reload_with": "hup"}
    assert (host.address.user, host.address.port) == ("deploy", 2222)
    assert (host.limits.connect_timeout, host.limits.auth_timeout, host.limits.banner_timeout) == (3, 4, 10)


def test_a_service_of_another_kind_replaces_the_one_under_it(write: Write) -> None:
    more = PROD + "apps: {api: {service: {kind: other, name: x}}}\n"
    app = write(prod=more, _all=COMMON).load("prod").app("api", "api1")
    assert app.service.model_dump() == {"kind": "other", "name": "x"}


def test_groups_go_in_the_order_of_the_environment_then_the_rest(write: Write) -> None:
    common = COMMON + "groups: {backend: {apps: [api]}, first: {hosts: [x]}, last: {hosts: [y]}}\n"
    prod = "groups: {last: {hosts: [z]}, backend: {hosts: [api1]}}\n"
    groups = write(prod=prod, _all=common).load("prod").groups
    assert [group.name for group in groups] == ["last", "backend", "first"]
    assert [host.name for host in groups[0].hosts] == ["z"]


def test_a_problem_of_all_names_all(refused: Refused) -> None:
    bad = COMMON.replace("path: /app/api", "paht: /app/api").replace("3s", "soon")
    assert refused(PROD, _all=bad) == [
        "hosts/_all.yml:1: ssh.timeouts.connect: 'soon' is not a duration: "
        "write it like 30s, 10m, 1h30m, or as a number of seconds",
        "hosts/_all.yml:3: apps.api.path: is missing",
        "hosts/_all.yml:5: apps.api.paht: is not a key here: did you mean path?",
    ]


def test_problems_of_both_files_are_said_together(refused: Refused) -> None:
    problems = refused("a: 1\na: 2\n" + PROD.lstrip(), _all="b: [\n")
    assert [problem.split(": ")[0] for problem in problems] == ["hosts/_all.yml:2", "hosts/prod.yml:1"]


def test_a_file_that_is_no_text(write: Write) -> None:
    write(prod=SMALL)
    Path("hosts/prod.yml").write_bytes(b"a: \xff\n")
    with pytest.raises(InventoryError, match=r"hosts/prod\.yml:1: is not UTF-8 text"):
        load("hosts", "prod")


def test_a_file_that_is_a_folder(write: Write) -> None:
    write(prod=SMALL)
    Path("hosts/x.yml").mkdir()
    with pytest.raises(InventoryError, match=r"hosts/x\.yml:1: cannot be read: is a directory"):
        load("hosts", "x")


def test_a_byte_order_mark_is_no_problem(write: Write) -> None:
    write(prod="\ufeff" + SMALL.lstrip())
    assert load("hosts", "prod").name == "prod"


def test_elsewhere_the_whole_path_is_named(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(prod="groups: 5\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    with pytest.raises(InventoryError) as caught:
        load(tmp_path / "hosts", "prod")
    assert caught.value.problems[0].startswith(f"{tmp_path}/hosts/prod.yml:1: groups: ")
