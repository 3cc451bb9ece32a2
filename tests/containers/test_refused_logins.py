"""Words of a host before a script of ours begins: each refusal is told in the host's own words, with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.fleet import Fleet
from tests.containers.project import Project

HOST, HOME = "api2", "/home/deploy"
KEYS = f"{HOME}/.ssh/authorized_keys"
# What is set up on the host, how that is taken back, and what is told.
CASES = {
    "expired password": ("chage -d 0 deploy", "chage -d 2020-01-01 deploy", "Your password has expired", "chage -M"),
    "expired account": ("usermod -e 2020-01-01 deploy", "usermod -e '' deploy", "account has expired", "locked or"),
    "nologin": ("echo closed until six >/etc/nologin", "rm /etc/nologin", "closed until six", "authorized_keys"),
    "too many logins": (
        "echo deploy - maxlogins 0 >/etc/security/limits.d/few.conf",
        "rm /etc/security/limits.d/few.conf",
        "There were too many logins for 'deploy'",
        "deploy@127.0.0.1 true",
    ),
    "forced command": (
        f"sed -i.old 's/^ssh/command=\"echo only backups here\" ssh/' {KEYS}",
        f"mv {KEYS}.old {KEYS}",
        "does not start a shell: only backups here",
        "a forced command",
    ),
    "no login shell": (
        "usermod -s /usr/sbin/nologin deploy",
        "usermod -s /bin/bash deploy",
        "This account is currently not available.",
        "its login shell",
    ),
    "silent shell": (
        "usermod -s /bin/false deploy",
        "usermod -s /bin/bash deploy",
        "does not start a shell: it ended with exit code 1",
        "its login shell",
    ),
    "profile": (
        f"cp -p {HOME}/.bashrc /root/bashrc; sed -i 1iexit\\ 4 {HOME}/.bashrc",
        f"mv /root/bashrc {HOME}/.bashrc",
        "does not start a shell: it ended with exit code 4",
        "~/.bashrc",
    ),
}


@pytest.fixture
def project(fleet: Fleet, tmp_path: Path) -> Iterator[Project]:
    fleet[HOST].put("/etc/sudoers.d/refused", b"deploy ALL=(ALL) NOPASSWD: ALL\n", mode=0o440)
    fleet[HOST].check("useradd --no-create-home homeless")
    yield Project(tmp_path / "project", fleet, "releases")
    fleet[HOST].check("rm /etc/sudoers.d/refused; userdel homeless")


def test_a_refusal_is_told_in_the_words_of_the_host(project: Project, fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    wrong = {}
    for name, (setup, undo, said, hint) in CASES.items():
        fleet[HOST].check(setup)
        try:
            # Two ways to a shell: one that waits for its script, and one that is given it as it starts.
            for words in (("put", str(tmp_path / "file"), "/tmp/file"), ("status",)):
                ran = project.fab("-H", f"prod:{HOST}", *words)
                if not (ran.code == 3 and said in ran.said and "killed" not in ran.said):
                    wrong[name, words[0]] = ran.said
            ran = project.fab("-H", f"prod:{HOST}", "plan")
            if hint not in ran.err:
                wrong[name, "hint"] = ran.said
        finally:
            fleet[HOST].check(undo)
    assert wrong == {}


def test_a_user_of_an_app_without_a_home_is_told(project: Project) -> None:
    project.inventory["apps"]["api"]["user"] = "homeless"
    ran = project.fab("-H", f"prod:{HOST}", "plan")
    assert ran.code == 3 and "the home of homeless, /home/homeless, cannot be entered" in ran.err, ran.said
    assert "getent passwd homeless" in ran.err
    ran = project.fab("-H", f"prod:{HOST}", "doctor")
    assert "the home of homeless, as whom an app is to run, cannot be entered" in ran.out, ran.said
    ran = project.fab("-H", f"prod:{HOST}", "run", "--user", "homeless", "--", "true")
    assert ran.code == 0, "by hand, a user without one may do things too"
