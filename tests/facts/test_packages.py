"""What hosts say of their boot and their packages, read; and their packages' texts in a real shell."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.facts.host import reboot_probe
from lockstitch.facts.packages import (
    Boot,
    Update,
    boot_probe,
    judge_new_boot,
    packages_probe,
    parse_boot,
    parse_packages,
)
from lockstitch.model.host import Address, Host
from lockstitch.model.plan import Script, Step
from tests.local import LocalRemote

SAID = """\
refreshed 1700000000
Inst libssl3 [3.0.11-1] (3.0.13-1~deb12u1 Debian-Security:12/stable-security [amd64])
Inst base-files [12.4] (12.4+deb12u5 Debian:12.5/stable [amd64]) []
Inst linux-image-6.1.0-18-amd64 (6.1.76-1 Debian:12.5/stable, Debian-Security:12/stable-security [amd64])
Inst libc6:i386 [2.36-9] (2.36-10 Debian:12.5/stable [i386]) [libc6:amd64 ]
Inst $(reboot) [1] (2 x [amd64])
kept docker-ce
pending
for linux-image-6.1.0-18-amd64
"""


def test_what_apt_says_is_read() -> None:
    packages = parse_packages(SAID, 0)
    assert [str(update) for update in packages.updates] == [
        "libssl3 3.0.11-1 -> 3.0.13-1~deb12u1",
        "base-files 12.4 -> 12.4+deb12u5",
        "linux-image-6.1.0-18-amd64 new -> 6.1.76-1",
        "libc6:i386 2.36-9 -> 2.36-10",
    ]
    assert [update.security for update in packages.updates] == [True, False, True, False]
    assert (packages.refreshed, packages.kept, packages.pending) == (1700000000, ("docker-ce",), True)
    assert packages.because == ("linux-image-6.1.0-18-amd64",)
    assert [update.name for update in packages.chosen(security=True, only=())] == [
        "libssl3",
        "linux-image-6.1.0-18-amd64",
    ]
    assert [update.name for update in packages.chosen(security=False, only=["libc6", "nothing"])] == ["libc6:i386"]


def test_a_host_without_apt_says_what_it_is() -> None:
    assert parse_packages("foreign no apt-get\n", 0).problem == "it is not Debian-like: no apt-get"
    assert parse_packages("problem E: broken\n", 0).problem == "E: broken"
    assert parse_packages("", 127).problem == "exit code 127"


@given(st.text(), st.integers(0, 255))
def test_whatever_a_host_says_is_an_answer(text: str, code: int) -> None:
    parse_boot(text, code)
    for update in parse_packages(text, code).updates:
        assert not set(update.name) - set("abcdefghijklmnopqrstuvwxyz0123456789+.-:")


@pytest.mark.parametrize(
    ("boot", "said"),
    [
        (Boot(""), None),
        (Boot("one 5"), None),
        (Boot("one 6"), "it is back, with a new boot"),
        (Boot("two 5"), "it is back, with a new boot"),
        (Boot("two 5", settled=False), None),
    ],
)
def test_only_another_boot_that_has_come_up_is_back(boot: Boot, said: str | None) -> None:
    verdict = judge_new_boot(boot, "one 5")
    assert verdict.passed == (said is not None)
    assert said is None or verdict.reason == said


def test_this_machine_tells_its_boot(tmp_path: Path) -> None:
    boot = ask(tmp_path, boot_probe().command)
    kernel = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert parse_boot(*boot).identity.startswith(f"{kernel} ")
    assert parse_boot(*boot) == parse_boot(*ask(tmp_path, boot_probe().command)), "it stays the same"


def test_apt_is_asked_and_nothing_changes(tmp_path: Path) -> None:
    """A host whose apt-get is this one: what it would do, and a package it keeps back."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "apt-get").write_text(
        "#!/bin/sh\n"
        'echo "$@" >>"$HOME/asked"\n'
        'echo "Reading package lists..."\n'
        'echo "The following packages have been kept back:"\necho "  docker-ce docker-cli"\n'
        'echo "The following packages will be upgraded:"\necho "  libssl3"\n'
        'echo "Inst libssl3 [1] (2 Debian-Security:12/stable-security [amd64])"\n'
        'echo "Conf libssl3 (2 Debian-Security:12/stable-security [amd64])"\n'
    )
    (programs / "dpkg-query").write_text("#!/bin/sh\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    packages = parse_packages(*ask(tmp_path, packages_probe().command, programs))
    assert packages.updates == (Update("libssl3", "1", "2", "Debian-Security:12/stable-security"),)
    assert packages.kept == ("docker-ce", "docker-cli")
    asked = (tmp_path / "homes" / "a" / "asked").read_text()
    assert asked.startswith("-s ")
    assert "update" not in asked.split()


@pytest.mark.skipif(Path("/run/reboot-required").exists(), reason="this machine waits for a reboot")
def test_a_reboot_is_pending_for_all_commands_alike(tmp_path: Path) -> None:
    """Red Hat's hosts have no file: what `check` warns of, `reboot --only-pending` must see."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "needs-restarting").write_text("#!/bin/sh\nexit 1\n")
    (programs / "needs-restarting").chmod(0o755)
    assert parse_boot(*ask(tmp_path, boot_probe().command, programs)).pending
    assert reboot_probe().parse(*ask(tmp_path, reboot_probe().command, programs)) == "no word for what"
    (programs / "needs-restarting").write_text("#!/bin/sh\nexit 0\n")
    assert not parse_boot(*ask(tmp_path, boot_probe().command, programs)).pending
    assert reboot_probe().parse(*ask(tmp_path, reboot_probe().command, programs)) == ""


def ask(tmp_path: Path, command: object, programs: Path | None = None) -> tuple[str, int]:
    import os

    path = f"{programs}:{os.environ['PATH']}" if programs else os.environ["PATH"]
    remote = LocalRemote(tmp_path / "homes", env={"PATH": path})
    (result,) = remote.run(Host("a", Address("a")), Script((Step("ask", "", command),)))  # type: ignore[arg-type]
    return result.output, result.code
