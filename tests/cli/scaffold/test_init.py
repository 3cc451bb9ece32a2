"""The real command lines, with the wheel and without the checkout: what `init` makes works, down to a deploy."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockstitch.inventory.load import load
from scripts.sandbox import Sandbox
from tests.cli.scaffold.newcomer import Newcomer, held

HOSTS = ("one", "two")
RELOAD = 'cp version "$HOME/served"'
STATUS = 'cmp -s version "$HOME/served"'


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("sandbox"), HOSTS) as sandbox:
        yield sandbox


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An app of one file."""
    folder = tmp_path / "app.git"
    nobody = {f"GIT_{role}_{what}": "ada@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {**os.environ, **nobody, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    folder.mkdir()
    (folder / "version").write_text("one\n")
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run(["git", *words], cwd=folder, env=env, check=True)
    return folder


def test_what_is_made_deploys(newcomer: Newcomer, sandbox: Sandbox, repository: Path) -> None:
    """A person with keys in ~/.ssh, as OpenSSH has them, and nothing but the wheel."""
    (newcomer.home / ".ssh" / "config").write_text(
        f"Host *\n  IdentityFile {sandbox.place.key}\n  UserKnownHostsFile {sandbox.place.known_hosts}\n"
    )
    hosts = ",".join(f"{name}={sandbox.host(name).address}:{sandbox.host(name).port}" for name in HOSTS)
    flags = ["--environment", "lab", "--hosts", hosts, "--app", "shop", "--path", "srv/shop", "--service", "command"]
    flags += ["--repository", str(repository), "--setting", f"reload={RELOAD}", "--setting", f"status={STATUS}"]
    made = newcomer.module("init", "ops", *flags, "--no-protect")
    assert made.code == 0, made.said
    assert [path.name for path in (newcomer.ops / "tasks").iterdir()] == ["__init__.py"]

    listed = newcomer.fab("--list")
    assert listed.code == 0, listed.said
    assert {"deploy", "init", "rollback", "status"} <= set(listed.said.split())
    shown = newcomer.fab("hosts")
    assert shown.code == 0, shown.said
    assert all(f"{sandbox.host(name).port}" in shown.said for name in HOSTS)

    deployed = newcomer.fab("-H", "lab", "deploy", "--message", "first")
    assert deployed.code == 0, deployed.said
    for name in HOSTS:
        assert (sandbox.host(name).home / "served").read_text() == "one\n"
        assert (sandbox.host(name).home / "srv" / "shop" / "current" / "version").read_text() == "one\n"
    status = newcomer.fab("-H", "lab", "status", "--json")
    assert status.code == 0, status.said
    assert {(site["host"], site["app"]) for site in status.json["sites"]} == {(h, "shop") for h in HOSTS}
    # What it worked with was what init wrote, and the wheel.
    assert not (newcomer.ops / "lockstitch").exists()
    assert (newcomer.ops / ".lockstitch").is_dir()


def test_both_forms_make_the_same_and_what_is_made_can_make_another(newcomer: Newcomer) -> None:
    flags = ["--hosts", "web1,web2", "--gateway", "bastion", "--app", "shop", "--health", "http://localhost/"]
    made = newcomer.module("init", "ops", *flags)
    assert made.code == 0, made.said
    again = newcomer.fab("init", "../again", *flags)
    assert again.code == 0, again.said
    assert held(newcomer.folder / "again") == held(newcomer.ops)
    assert newcomer.fab("--dry", "init", "../third", *flags).code == 0
    assert not (newcomer.folder / "third").exists()


def test_what_nobody_said_is_told(newcomer: Newcomer) -> None:
    made = newcomer.module("init", "ops", "--app", "shop")
    assert made.code == 0, made.said
    assert "--repository git@example.com:acme/shop.git" in made.out
    assert "--app" not in made.out
    assert "fab -H prod deploy" in made.out
    assert "lockstitch==" in (newcomer.ops / "requirements.txt").read_text()
    for said in ("doctor", "trust", "check", "plan", "deploy"):
        assert f" {said}" in (newcomer.ops / "README.md").read_text()
    schema = (newcomer.ops / "hosts" / "inventory.schema.json").read_text()
    assert schema == newcomer.module("schema").out
    inventory = (newcomer.ops / "hosts" / "prod.yml").read_text()
    assert inventory.startswith("# yaml-language-server: $schema=inventory.schema.json\n")


def test_what_cannot_be_ends_with_2_and_without_a_traceback(newcomer: Newcomer) -> None:
    kept = newcomer.folder / "kept"
    kept.mkdir()
    (kept / "fabfile.py").write_text("mine")
    assert newcomer.module("init", "ops").code == 0
    for init, words, says in [
        (newcomer.module, ["init", str(kept)], "holds already: fabfile.py"),
        (newcomer.module, ["init", str(kept / "fabfile.py")], "is no folder"),
        (newcomer.module, ["init", str(kept / "fabfile.py" / "x")], "not a directory"),
        (newcomer.module, ["init", str(kept / "new"), "--hosts", "a b"], "--hosts: 'a b' is not a host"),
        (newcomer.module, ["init", str(kept / "new"), "--service", "gunicorn"], "hosts/prod.yml:"),
        (newcomer.module, ["init", "/proc/ops"], "/proc/"),
        (newcomer.fab, ["init", str(kept)], "holds already: fabfile.py"),
        (newcomer.fab, ["-H", "prod", "init", str(kept / "new")], "on no host"),
    ]:
        ran = init(*words)
        assert (ran.code, "Traceback" in ran.said) == (2, False), ran.said
        assert says in ran.said, ran.said
    assert held(kept) == {"fabfile.py": b"mine"}


def test_on_a_terminal_it_asks(newcomer: Newcomer) -> None:
    answers = "blue\nweb1,root@web2:2222\n" + "\n" * 12
    code, seen = newcomer.at_terminal(answers, "init", "ops")
    assert code == 0, seen
    assert "taken because" not in seen
    inventory = load(newcomer.ops / "hosts", "blue")
    assert [(host.name, host.address.user) for host in inventory.hosts] == [("web1", "deploy"), ("web2", "root")]
    assert 'environment: "blue"' in (newcomer.ops / "fabric.yaml").read_text()


@pytest.mark.parametrize(("typed", "code"), [("blue\n\x03", 130), ("blue\n\x04", 2)], ids=["ctrl-c", "ctrl-d"])
@pytest.mark.parametrize("form", ["module", "fab"])
def test_who_goes_away_leaves_nothing(newcomer: Newcomer, form: str, typed: str, code: int) -> None:
    if form == "fab":
        assert newcomer.module("init", "ops").code == 0
    ended, seen = newcomer.at_terminal(typed, "init", str(newcomer.folder / "gone"), form=form)
    assert ended == code, seen
    assert ("interrupted" if code == 130 else "nothing was written") in seen
    assert "Traceback" not in seen
    assert not (newcomer.folder / "gone").exists()
