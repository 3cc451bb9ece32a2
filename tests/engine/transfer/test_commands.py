"""`fab put` and `fab get` as they are typed, on healthy, failing, frozen and unreachable hosts."""

from __future__ import annotations

import os
import pty
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lockstitch.cli.transfers import TransferLines
from lockstitch.engine.fanout import FanoutOptions
from lockstitch.engine.transfer import DownloadRequest, LocalSource, TransferProgress, UploadRequest, carry
from lockstitch.errors import ExitCode
from scripts.sandbox import Sandbox
from tests.cli.operator import Operator
from tests.containers.project import FAB
from tests.engine.transfer.carried import HOST, Place, parts, things
from tests.engine.transfer.conftest import HOSTS
from tests.remote.scripts import HASTY

SIZE = 100 << 20
ALL = "lab:" + ",lab:".join(HOSTS)


@pytest.fixture(autouse=True)
def empty_homes(operator: Operator) -> None:
    for host in HOSTS:
        for thing in operator.home(host).iterdir():
            subprocess.run(["rm", "-rf", "--", str(thing)], check=True)


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A folder with a file in it whose name is no UTF-8."""
    (tmp_path / "conf" / "a b").mkdir(parents=True)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/conf/a b/it's \xff\n")).write_text("content")
    return tmp_path / "conf"


def test_to_several_hosts_and_back(operator: Operator, conf: Path, tmp_path: Path) -> None:
    ran = operator.fab("put", str(conf), "there", where=ALL)
    assert ran.code == 0, ran.said
    assert "3 hosts: 3 ok" in ran.err and "1 file, 7 B, sent to ./there" in ran.err
    for host in HOSTS:
        assert things(operator.home(host) / "there") == things(conf)
    ran = operator.fab("get", "there", "--to", str(tmp_path / "logs"), where=ALL)
    assert ran.code == 0, ran.said
    assert {path.name for path in (tmp_path / "logs").iterdir()} == set(HOSTS)
    assert all(things(tmp_path / "logs" / host / "there") == things(conf) for host in HOSTS)
    ran = operator.fab("get", "there", "--to", str(tmp_path / "one"), "--json", where="lab:api2")
    assert things(tmp_path / "one" / "there") == things(conf)
    told = ran.json
    assert told["exit_code"] == 0 and told["hosts"]["api2"]["files"] == 1 and told["hosts"]["api2"]["bytes"] == 7
    noted = operator.noted()
    assert [line["codes"] for line in noted] == [dict.fromkeys(HOSTS, 0), dict.fromkeys(HOSTS, 0), {"api2": 0}]
    assert noted[0]["what"] == f"put {conf} there" and noted[0]["exit"] == 0 and noted[0]["by"].startswith("ada")


def test_one_fails_one_is_away_and_the_others_are_done(operator: Operator, conf: Path) -> None:
    (operator.home("api2") / "there").write_text("a file")
    ran = operator.fab("put", str(conf), "there", "--json")
    assert ran.code == 3, ran.said
    hosts = ran.json["hosts"]
    assert {name: one["result"] for name, one in hosts.items()} == {
        "api1": "ok",
        "api2": "failed",
        "api3": "ok",
        "gone": "unreachable",
    }
    assert hosts["api2"]["words"] == "api2: ./there is a file there, and not a folder"
    (line,) = operator.noted()
    assert line["codes"] == {"api1": 0, "api2": "failed", "api3": 0, "gone": "unreachable"}
    ran = operator.fab("get", "there/a b", where=ALL)
    assert ran.code == 7 and "3 hosts: 2 ok, 1 failed" in ran.err
    assert {path.name for path in operator.folder.iterdir()} >= {"api1", "api3"}
    assert not (operator.folder / "api2" / "a b").exists()


def test_dry_changes_nothing_and_says_what_there_is_to_do(operator: Operator, conf: Path, tmp_path: Path) -> None:
    (operator.home("api2") / "there").mkdir()
    before = {host: things(operator.home(host)) for host in HOSTS}
    ran = operator.fab("--dry", "put", str(conf), "there", where=ALL)
    assert ran.code == 0, ran.said
    assert ran.out.count("would send 1 file, 7 B, to ./there ") == 2
    assert ran.out.count("would send 1 file, 7 B, to ./there/conf ") == 1
    assert {host: things(operator.home(host)) for host in HOSTS} == before
    (operator.home("api1") / "log").write_text("line")
    ran = operator.fab("--dry", "get", "log", "--to", str(tmp_path / "to"), where="lab:api1")
    assert ran.code == 0 and "would fetch 1 file, 4 B, to" in ran.out and not (tmp_path / "to").exists()
    assert operator.noted() == []


def test_a_host_that_is_frozen(operator: Operator, sandbox: Sandbox, conf: Path) -> None:
    with sandbox.broken("api2", "freeze"):
        ran = operator.fab("put", str(conf), "there", where=ALL)
    assert ran.code == 3, ran.said
    assert "3 hosts: 2 ok, 1 unreachable" in ran.err
    assert things(operator.home("api1") / "there") == things(conf)


def test_a_host_that_freezes_in_the_middle(over_ssh: Place, sandbox: Sandbox, tmp_path: Path) -> None:
    (over_ssh.home / "big").write_bytes(bytes(20 << 20))
    hasty = replace(HOST, limits=HASTY)

    def told(progress: TransferProgress) -> None:
        if sandbox.status("api1") == "up" and progress.transferred > progress.of // 3:
            sandbox.do("api1", "freeze")

    try:
        done, _ = carry(
            over_ssh.remote, [hasty], DownloadRequest("big", tmp_path), over_ssh.names, FanoutOptions(), told
        )
    finally:
        sandbox.do("api1", "thaw")
    assert done["api1"].code is ExitCode.UNREACHABLE and "froze" in done["api1"].words
    assert not (tmp_path / "big").exists()


@pytest.mark.parametrize("way", ["put", "get"])
def test_ctrl_c_leaves_nothing_that_looks_whole(operator: Operator, tmp_path: Path, way: str) -> None:
    near, far = tmp_path / "near", operator.home("api1")
    near.mkdir()
    source, target = (near, far) if way == "put" else (far, near)
    with (source / "big").open("wb") as file:
        file.truncate(SIZE)
    words = ("put", str(near / "big"), "big") if way == "put" else ("get", "big", "--to", str(near))
    running = operator.start(*words, where="lab:api1")
    until = time.monotonic() + 30
    while not any(part.stat().st_size > 1 << 20 for part in parts(target)):
        assert time.monotonic() < until and running.process.poll() is None, running.finish().said
        time.sleep(0.002)
    ran = operator.ctrl_c(running)
    assert ran.code == 130, ran.said
    assert not (target / "big").exists() and "interrupted" in ran.err
    operator.until_quiet()
    (part,) = parts(target)
    there = part.stat().st_size
    ran = operator.fab(*words, "--json", where="lab:api1")
    assert ran.code == 0, ran.said
    assert ran.json["hosts"]["api1"]["resumed"] == 1
    assert ran.json["hosts"]["api1"]["bytes"] == (SIZE) - there
    assert (target / "big").stat().st_size == SIZE and not parts(target)
    assert [line["exit"] for line in operator.noted()] == [130, 0]


def test_what_is_typed_wrongly(operator: Operator, conf: Path) -> None:
    for words, said in (
        (("put", str(conf / "none"), "x"), "no such file or directory"),
        (("put", str(conf), ""), "put takes what is sent and where to"),
        (("put", str(conf), "x", "--mode", "rw"), "rw is no mode of a file"),
        (("put", str(conf), "x", "--sudo", "--user", "ada"), "--sudo is root, --user another"),
        (("get", ""), "get takes what is fetched"),
    ):
        ran = operator.fab(*words)
        assert ran.code == 2 and said in ran.err, ran.said
        assert "Traceback" not in ran.err
    assert operator.noted() == []


def test_a_protected_environment_asks(operator: Operator, conf: Path) -> None:
    operator.inventory["protect"] = True
    ran = operator.fab("put", str(conf), "there", where="lab:api1")
    assert ran.code == 2 and "protected" in ran.err
    assert not (operator.home("api1") / "there").exists()
    ran = operator.fab("put", str(conf), "there", "--yes", where="lab:api1")
    assert ran.code == 0, ran.said


def test_a_terminal_has_bars(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(5 << 20))
    operator.fab("hosts")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(FAB), "-H", "lab:api1,lab:api3", "put", str(tmp_path / "file"), "file"],
        cwd=operator.folder,
        env={**operator.env, "PYTHONPATH": str(Path(__file__).parents[3]), "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    try:
        while data := os.read(ours, 65536):
            said += data
    except OSError:
        pass
    assert process.wait(30) == 0, said.decode()
    assert b"api1" in said and b"MB" in said and "━".encode() in said
    os.close(ours)


def test_elsewhere_a_line_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter([100.0, 101.0, 105.0, 106.0, 111.0])
    lines = TransferLines(5, lambda: next(clock))
    for done in (10, 20, 30, 95):
        lines(TransferProgress("web\x1b1", done, 100))
    assert capsys.readouterr().err == "web␛1: 20 % of 100 B\nweb␛1: 95 % of 100 B\n"


def test_it_takes_no_longer_than_it_may(place: Place, conf: Path) -> None:
    done, _ = carry(
        place.remote, [HOST], UploadRequest(LocalSource(str(conf)), "there"), place.names, FanoutOptions(timeout=1e-6)
    )
    assert done["api1"].code is ExitCode.CHECK_SAID_NO and "took longer than 1e-06 s" in done["api1"].words


def test_what_does_not_fit_is_told_before_anything_is_sent(place: Place, tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as file:
        file.truncate(1 << 20)
    source = LocalSource(str(tmp_path / "big"))
    df = place.home / "bin" / "df"
    df.parent.mkdir()
    df.write_text("#!/bin/sh\necho head; echo 1023\n")
    df.chmod(0o755)
    place.local.env["PATH"] = f"{df.parent}:{os.environ['PATH']}"
    done, _ = carry(place.remote, [HOST], UploadRequest(source, "big"), place.names, FanoutOptions())
    assert done["api1"].code is ExitCode.CHECK_SAID_NO
    assert ". has 1023.0 KiB free and 1.0 MiB are needed; nothing was sent" in done["api1"].words
    assert os.listdir(place.home) == ["bin"] and place.local.opened == []
