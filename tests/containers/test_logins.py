"""Hosts whose login shells are not bash, with profiles that export all that can do harm: everything works, and nothing
is touched that the profile points to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.fleet import BACKUPS, Fleet
from tests.containers.machine import Machine
from tests.containers.postgres import Postgres
from tests.containers.tiny import SERVED, Tiny, make_repository
from tests.containers.units import LAYOUTS, Layout

SHELLS = {"api1": "/usr/bin/tcsh", "api2": "/usr/bin/fish", "web1": "/usr/bin/zsh", "web2": "/bin/bash"}
HOME, STRANGE = "/home/deploy", "/home/deploy/strange"
# In ~/.ssh/environment, which every login shell gets; and what only bash takes over, in its own file.
EXPORTED = f"""\
CDPATH={STRANGE}
GIT_DIR={STRANGE}/srv/tiny/.git
GIT_WORK_TREE={STRANGE}/srv/tiny
GIT_INDEX_FILE={STRANGE}/srv/tiny/.git/index
GIT_SSH_COMMAND=false
GIT_TRACE=1
LC_ALL=tr_TR.UTF-8
LANG=de_DE.UTF-8
TZ=Asia/Tokyo
TMOUT=1
TMPDIR=nowhere
TAR_OPTIONS=--exclude=VERSION
GREP_OPTIONS=-v
QUOTING_STYLE=c
TIME_STYLE=+%s
BLOCK_SIZE=1T
DF_BLOCK_SIZE=1T
COLUMNS=10
PS_FORMAT=comm
PGOPTIONS=--nonsense
PGSSLMODE=verify-full
PGTZ=Nowhere/Nowhere
http_proxy=http://127.0.0.1:9
revision=noise
owner=nobody
"""
BASHRC = """\
cd /tmp; readonly TMOUT; export POSIXLY_CORRECT=1 BASH_ENV=/etc/hostname ENV=/etc/hostname
cd() { echo FUNCTION; }; git() { echo FUNCTION; }; export -f cd git
set -o noclobber -o allexport; export SHELLOPTS
"""
SUDOERS, ENVIRONMENT = "/etc/sudoers.d/logins", "/etc/ssh/sshd_config.d/logins.conf"


def hostile(machine: Machine) -> None:
    """The login shell, its environment, and a clone of somebody else's where that leads."""
    machine.put(SUDOERS, b"deploy ALL=(ops) NOPASSWD: ALL\n", 0o440)
    machine.put(ENVIRONMENT, b"PermitUserEnvironment yes\n")
    machine.check(f"""usermod -s {SHELLS[machine.name]} deploy; usermod -s /usr/sbin/nologin ops
        cp -p {HOME}/.bashrc /root/bashrc; ln -sfn $([ {machine.name} = web2 ] && echo bash || echo dash) /bin/sh
        systemctl reload ssh""")
    machine.check(
        f"""mkdir -p {STRANGE}/srv && cd {STRANGE}/srv && git init -q tiny && cd tiny && echo theirs >file && git add file
        git -c user.name=x -c user.email=x@y commit -qm theirs
        mkdir -p {STRANGE}/releases {STRANGE}/shared; cp -r {STRANGE}/srv/tiny {STRANGE}/srv/.lockstitch""",
        "deploy",
    )
    machine.put(f"{HOME}/.ssh/environment", EXPORTED.encode(), owner="deploy")
    if machine.name == "web2":
        machine.put(f"{HOME}/.bashrc", BASHRC.encode(), owner="deploy")


def harmless(machine: Machine) -> None:
    machine.check(f"""rm -rf {SUDOERS} {ENVIRONMENT} {HOME}/.ssh/environment {STRANGE} {HOME}/srv {HOME}/here {SERVED}
        rm -rf {HOME}/tiny.log; mv /root/bashrc {HOME}/.bashrc; ln -sfn dash /bin/sh; usermod -s /bin/bash deploy
        usermod -s /bin/bash ops; systemctl reload ssh""")


def print_of(machine: Machine) -> str:
    return machine.check(f"cd {STRANGE} && find . -type f -exec sha256sum {{}} + | sort | sha256sum")


@pytest.fixture(scope="module")
def repository(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> None:
    make_repository(fleet, tmp_path_factory.mktemp("repository"))


@pytest.fixture(params=LAYOUTS)
def tiny(
    request: pytest.FixtureRequest, fleet: Fleet, repository: None, postgres: Postgres, tmp_path: Path
) -> Iterator[Tiny]:
    """The tiny app at a path that is relative to the home of its user, and a database."""
    layout: Layout = request.param
    app = Tiny(fleet, tmp_path / "project", layout, tuple(SHELLS), path="srv/tiny", logs=[f"{HOME}/tiny.log"])
    # Longer than the profile lets a shell be idle.
    app.app["build"] = ["sleep 2; test ! $GIT_DIR; printf '%s %s\\n' $TZ $LANG", "cat VERSION"]
    app.app["env"] = {"TZ": "Europe/Rome"}
    postgres.create("tiny")
    app.inventory["databases"] = {
        "main": {"engine": "postgres", "url": "env:DATABASE_URL", "run_on": "all", "directory": BACKUPS}
    }
    app.inventory["rollout"] = {"batch": "all"}
    app.project.variables["DATABASE_URL"] = postgres.url("tiny")
    app.everywhere(hostile)
    yield app
    app.everywhere(harmless)
    postgres.drop("tiny")
    fleet["api1"].check(f"rm -rf {BACKUPS}/* {BACKUPS}/.lockstitch")


def test_no_profile_and_no_login_shell_changes_what_is_done(tiny: Tiny, tmp_path: Path) -> None:
    strange = tiny.everywhere(print_of)
    lies = f"cat {HOME}/srv/tiny/{'current/' if tiny.layout == 'releases' else ''}VERSION {SERVED}"
    for ref in ("v1", "v2"):
        ran = tiny.deploy(ref)
        assert ran.code == 0, ran.said
        assert tiny.everywhere(lambda machine: machine.check(lies)) == [f"{ref}\n{ref}\n" for _ in tiny.hosts]
    ran = tiny.project.rollback()
    assert ran.code == 0, ran.said
    assert tiny.everywhere(lambda machine: machine.check(lies)) == ["v1\nv1\n" for _ in tiny.hosts]
    assert {site["revision"] for site in tiny.project.status().values()} == {
        tiny.fleet["git"].check("git -C /srv/git/tiny.git rev-parse v1", "git").strip()
    }
    if tiny.layout == "releases":
        by_hand(tiny, tmp_path)
    assert tiny.everywhere(print_of) == strange, "what the profile points to was touched"


def by_hand(tiny: Tiny, tmp_path: Path) -> None:
    """Walk what no layout changes: run, also as a user who may not log in, logs, put, get and backups."""
    ran = tiny.fab("run", "--json", "--", 'echo "$LANG $LC_ALL $TZ it\'s !me"; date +%Z; cd srv; ls')
    assert ran.code == 0, ran.said
    assert {host["output"] for host in ran.json["hosts"].values()} == {"C.UTF-8   it's !me\nUTC\ntiny\n"}
    ran = tiny.fab("run", "--json", "--user", "ops", "--", "id -un")
    assert {host["output"] for host in ran.json["hosts"].values()} == {"ops\n"}, ran.said
    tiny.everywhere(lambda machine: machine.put(f"{HOME}/tiny.log", f"said by {machine.name}\n".encode()))
    ran = tiny.fab("logs", "--lines", "1")
    assert ran.code == 0 and all(f"said by {name}" in ran.out for name in tiny.hosts), ran.said
    (tmp_path / "here").write_text("put\n")
    ran = tiny.fab("put", str(tmp_path / "here"), "here")
    assert ran.code == 0, ran.said
    ran = tiny.fab("get", "here", "--to", str(tmp_path / "back"))
    assert ran.code == 0, ran.said
    assert {(tmp_path / "back" / name / "here").read_text() for name in tiny.hosts} == {"put\n"}
    for words in (("backup",), ("backup.verify",)):
        ran = tiny.fab(*words)
        assert ran.code == 0, ran.said
