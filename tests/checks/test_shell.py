"""The shell texts of the checks against this machine, in every shell that is here."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockstitch.checks import host, network, redis, tls
from lockstitch.checks.check import Context
from lockstitch.checks.variables import _ASK, _READER, VariableValue
from lockstitch.checks.variables import parse as parse_variables
from lockstitch.facts.clock import READ_CLOCK, parse_clock
from lockstitch.facts.host import fact_probes
from lockstitch.inventory.checks import DiskChecks, LoadChecks, MemoryChecks, RedisChecks, TlsChecks
from lockstitch.model.command import Command, Secret
from lockstitch.model.probe import Probe
from tests.shells import SHELLS

NOW = datetime.now(UTC)


def ask(probe: Probe[Any], shell: tuple[str, ...] = ("sh",), **env: str) -> Any:
    ended = subprocess.run(
        shell,
        input=probe.command.render(),
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **env},
    )
    return probe.parse(ended.stdout + ended.stderr, ended.returncode)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_this_machine(shell: tuple[str, ...], tmp_path: Path) -> None:
    disk = host.disk(DiskChecks(), ["/", str(tmp_path / "not" / "there yet"), "/"])
    used = ask(disk.probe, shell)
    assert {usage.what for usage in used} <= {"space", "inodes"}
    assert any(usage.what == "space" and usage.mount == "/" and 0 <= usage.percent <= 100 for usage in used)
    stat = os.statvfs("/")
    (root,) = [usage for usage in used if usage.what == "space" and usage.mount == "/"]
    assert abs(root.free * 1024 - stat.f_bavail * stat.f_frsize) < 2 << 30
    total, available = ask(host.memory(MemoryChecks()).probe, shell)
    assert 0 < available <= total == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    use = ask(host.load(LoadChecks()).probe, shell)
    assert use.load >= 0 and 0 <= use.busy <= 100
    assert use.cpus == len(os.sched_getaffinity(0))


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_facts(shell: tuple[str, ...]) -> None:
    clock, facts, _ = fact_probes(["/tmp"])
    before = time.time()
    measured = ask(clock, shell).seen(before, time.time())
    offset, unsure = measured.offset
    assert abs(offset) <= unsure + 1e-3, "this machine's clock is this machine's"
    report = ask(facts, shell)
    assert report.kernel == f"{platform.system()} {platform.release()}"
    assert report.hostname == platform.node()
    assert report.cpus == len(os.sched_getaffinity(0))
    assert report.memory == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert report.disks[0].mount == "/"
    assert report.programs["python3"].startswith("3.")
    assert abs(report.uptime - float(Path("/proc/uptime").read_text().split()[0])) < 60
    assert report.booted == pytest.approx(time.time() - report.uptime, abs=60)
    assert parse_clock(subprocess.run(["sh", "-c", READ_CLOCK], capture_output=True, text=True).stdout, 0).grain == 0.0


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_tools(shell: tuple[str, ...], tmp_path: Path) -> None:
    old = tmp_path / "shy"
    # One that tells its version by nothing but its third word, and fails for the others.
    old.write_text('#!/bin/sh\n[ "$1" = version ] && { echo "shy 1.4.2"; exit; }\necho "unknown option"; exit 2\n')
    old.chmod(0o755)
    mute = tmp_path / "bin" / "mute"
    mute.parent.mkdir()
    mute.write_text("#!/bin/sh\nexec cat\n")
    mute.chmod(0o755)
    ranges = {"git": ">=2", "shy": "*", "no-such-tool": "*", "bin/mute": ">=1", "python3": ">=99"}
    check = host.tools(ranges, str(tmp_path))
    versions = ask(check.probe, shell, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert versions.printed["shy"] == "shy 1.4.2"
    assert versions.printed["no-such-tool"] is None
    assert versions.printed["bin/mute"] == ""
    assert [f.level for f in check.judge(versions)] == ["pass", "pass", "fail", "warn", "fail"]


@contextmanager
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_ports() -> None:
    with listening() as port:
        assert port in ask(network.ports([], []).probe)
    assert port not in ask(network.ports([], []).probe)


def variables(files: dict[Path, str], required: dict[str, str], shell: tuple[str, ...] = ("sh",)) -> Any:
    """Return what the check finds in files, each with its dialect, of variables with the values that they must not have."""
    values = {
        "files": "\n".join(f"{dialect} {path}" for path, dialect in files.items()),
        "required": "\n".join(f"{name}\x1f\x1f\x1f{refused}" for name, refused in required.items()),
        "env_names": " ".join(required),
        "env_awk": _READER,
    }
    return ask(Probe("variables", Command(_ASK, values=values), parse_variables), shell)


def test_variables_of_a_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# SECRET_KEY=commented\n"
        "SECRET_KEY='changeMe'\n"
        'JWT="a long one # not a comment"\n'
        "PLAIN=value   # a comment\n"
        "EMPTY=\n"
        "TWICE=changeme\n"
        "TWICE=better é\n"
        " SPACED = x y \r\n"
        "NOT_WANTED=1\n"
        "MULTI=a=b\n"
        "QUERY=a&b\n"
    )
    names = ["SECRET_KEY", "JWT", "PLAIN", "EMPTY", "TWICE", "SPACED", "MULTI", "QUERY", "ABSENT"]
    for shell in SHELLS:
        facts = variables({tmp_path / ".env": "any", tmp_path / "none": "any"}, dict.fromkeys(names, "changeme"), shell)
        known = {name: (held[0].length, held[0].refused) for name, held in facts.places.items() if not held[0].unclear}
        assert known == {
            "SECRET_KEY": (8, True),
            "JWT": (len("a long one # not a comment"), False),
            "PLAIN": (5, False),
            "EMPTY": (0, False),
            "TWICE": (8, False),
            "SPACED": (3, False),
            "MULTI": (3, False),
            "QUERY": (3, False),
        }
        assert not facts.unread


@pytest.mark.parametrize(
    ("dialect", "text", "unread"),
    [
        ("any", "export B=1\nif false; then\nA=secret\nfi\n", True),
        ("any", "if false; then\nA=secret\nfi\n", True),
        ("any", "cat <<END\nA=secret\nEND\n", True),
        ("any", 'B="one\nA=secret\ntwo"\n', False),
        ("any", "export A=$B\n", False),
        ("any", 'A="not closed\n', True),
        ("shell", "A=b;C=1\n", False),
        ("dotenv", 'A="a\\tb"\n', False),
        ("systemd", "export A=b\n", False),
    ],
)
def test_what_a_file_does_not_say_for_certain_is_not_set(dialect: str, text: str, unread: bool, tmp_path: Path) -> None:
    (tmp_path / "file").write_text(text)
    facts = variables({tmp_path / "file": dialect}, {"A": "x"})
    assert all(held.unclear for held in facts.places.get("A", ()))
    assert bool(facts.unread) is unread and "secret" not in str(facts)


def test_what_may_not_be_read_is_not_absent(tmp_path: Path) -> None:
    (tmp_path / "nul").write_bytes(b"A=1\0\n")
    (tmp_path / "link").symlink_to("nowhere")
    places = dict.fromkeys((tmp_path, tmp_path / "nul", tmp_path / "link"), "any")
    assert len(variables(places, {"A": "x"}).unread) == 3


@settings(max_examples=30, deadline=None)
@given(
    value=st.text(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="'#$\\"), min_size=1, max_size=40
    )
)
def test_any_value_in_quotes_is_as_long_as_it_is_and_is_not_told(value: str, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("env") / ".env"
    path.write_text(f"KEY='{value}'\n")
    facts = variables({path: "any"}, {"KEY": value.lower()})
    assert facts.places == {"KEY": (VariableValue(str(path), len(value), refused=True),)} and not facts.unread


# TLS, by a real server of this machine.


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "c.pem", folder / "k.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "5", "-subj", "/CN=web.example"]
    words += ["-addext", "subjectAltName=DNS:web.example", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(words, check=True, capture_output=True)
    return certificate, key


@contextmanager
def served(pair: tuple[Path, Path]) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            try:
                line, _ = server.accept()
                with context.wrap_socket(line, server_side=True) as tls:
                    tls.recv(1)
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.close()
        thread.join(10)


@pytest.mark.parametrize("by", ["openssl", "python3"])
def test_a_server_s_certificate(by: str, pair: tuple[Path, Path], tmp_path: Path) -> None:
    tool = tmp_path / "bin"
    tool.mkdir()
    for name in ("sh", "timeout", "tail", by):
        (tool / name).symlink_to(sys.executable if name == "python3" else str(shutil.which(name)))
    with served(pair) as port:
        settings = TlsChecks(host="127.0.0.1", port=port, name="web.example")
        check = tls.certificate(settings, NOW)
        offered = ask(check.probe, ("/bin/sh",), PATH=str(tool))
    assert offered.names == ("web.example",), offered
    says = [f.says for f in check.judge(offered)]
    assert says[0].startswith(f"127.0.0.1:{port} for web.example: good for "), says
    assert offered.ends is not None
    assert 4 < (offered.ends - NOW).total_seconds() / 86400 < 6
    assert ("does not trust it" in "".join(says)) == (by == "openssl")


def test_a_server_that_is_not_there(pair: tuple[Path, Path]) -> None:
    with listening() as port:
        pass
    check = tls.certificate(TlsChecks(host="127.0.0.1", port=port), NOW)
    (finding,) = check.judge(ask(check.probe))
    assert finding.level == "fail"
    assert "refused" in finding.says.lower() or "errno=111" in finding.says


def test_a_certificate_file(pair: tuple[Path, Path], tmp_path: Path) -> None:
    check = tls.certificate(TlsChecks(file=str(pair[0])), NOW)
    assert [f.level for f in check.judge(ask(check.probe))] == ["warn"]
    missing = tls.certificate(TlsChecks(file=str(tmp_path / "none.pem")), NOW)
    assert [f.level for f in missing.judge(ask(missing.probe))] == ["fail"]


# Redis: the words of its protocol, by a server of ours; the real one is in tests/containers.


@contextmanager
def pretended(info: str, password: str = "") -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            try:
                line, _ = server.accept()
            except OSError:
                return
            with line, line.makefile("rwb") as stream:
                trusted = not password
                while head := stream.readline():
                    words = []
                    for _ in range(int(head[1:])):
                        size = int(stream.readline()[1:])
                        words.append(stream.read(size + 2)[:-2].decode())
                    if words[0] == "AUTH":
                        trusted = words[-1] == password
                        stream.write(b"+OK\r\n" if trusted else b"-WRONGPASS no\r\n")
                    elif trusted:
                        stream.write(b"$%d\r\n%s\r\n" % (len(info), info.encode()))
                    else:
                        stream.write(b"-NOAUTH Authentication required.\r\n")
                    stream.flush()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.close()
        thread.join(10)


INFO = "# Memory\r\nused_memory:900\r\nmaxmemory:1000\r\nloading:0\r\n"


@pytest.mark.skipif(shutil.which("redis-cli") is not None, reason="redis-cli would be asked")
@pytest.mark.parametrize(("typed", "says"), [("hunter2", "warn"), ("wrong", "fail"), ("", "fail")])
def test_redis_by_python(typed: str, says: str) -> None:
    with pretended(INFO, "hunter2") as port:
        secret = Secret(f"redis://:{typed}@127.0.0.1:{port}/0" if typed else f"redis://127.0.0.1:{port}")
        check = redis.redis(RedisChecks(url="env:REDIS"), Context(NOW, {"env:REDIS": secret}))
        (finding,) = check.judge(ask(check.probe))
    assert finding.level == says, finding
    assert "hunter2" not in finding.says
