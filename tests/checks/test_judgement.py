"""What is judged of the answers, without any host: thresholds, certificates, variables, clocks, queues."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.checks import apps, host, network, redis, tls, variables
from lockstitch.checks.check import Check, CheckGroup, Context, findings
from lockstitch.checks.host import Used
from lockstitch.checks.variables import VariableFacts, VariableValue
from lockstitch.facts.clock import Clock, parse_clock
from lockstitch.facts.host import parse_reboot
from lockstitch.inventory.checks import (
    ClockChecks,
    DiskChecks,
    LoadChecks,
    MemoryChecks,
    QueueChecks,
    RedisChecks,
    TlsChecks,
    UrlChecks,
)
from lockstitch.inventory.variables import Setting
from lockstitch.model.command import Command, Secret
from lockstitch.model.finding import Finding
from lockstitch.model.gate import HttpAnswer
from lockstitch.model.host import Address, Host
from lockstitch.model.plan import Script, Step
from lockstitch.model.probe import Probe
from lockstitch.model.redis_client import login
from lockstitch.services.queues import QueueState
from tests.local import LocalRemote

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BADNESS = {"pass": 0, "note": 1, "warn": 2, "fail": 3}


def worst(judged: Iterable[Finding]) -> int:
    """The worst level; and every finding that is no pass says what to do."""
    judged = tuple(judged)
    assert judged
    assert all(finding.hint for finding in judged if finding.level != "pass"), judged
    return max(BADNESS[finding.level] for finding in judged)


def level(judged: Iterable[Finding]) -> str:
    badness = worst(judged)
    return next(word for word in BADNESS if BADNESS[word] == badness)


# Thresholds: what is better than something that passes, passes.


@given(st.integers(0, 100), st.integers(0, 100))
def test_an_emptier_disk_is_never_worse(first: int, other: int) -> None:
    def judged(percent: int) -> int:
        return worst(host.judge_disk(DiskChecks(), (Used("space", percent, 1, "/"),)))

    assert (first <= other) <= (judged(first) <= judged(other))
    assert [judged(84), judged(85), judged(95)] == [0, 2, 3]


@given(st.integers(1, 1 << 40), st.floats(0, 1), st.floats(0, 1))
def test_more_free_memory_is_never_worse(total: int, first: float, other: float) -> None:
    def judged(part: float) -> int:
        return worst(host.judge_memory(MemoryChecks(), (total, int(total * part))))

    assert (first >= other) <= (judged(first) <= judged(other))


@given(st.floats(0, 1000), st.floats(0, 1000), st.integers(1, 64))
def test_less_load_is_never_worse(first: float, other: float, cpus: int) -> None:
    def judged(load: float) -> int:
        return worst(host.judge_load(LoadChecks(), host.CpuUse(load, cpus)))

    assert (first <= other) <= (judged(first) <= judged(other))


@given(st.integers(0, 1 << 30), st.integers(0, 1 << 30), st.integers(1, 1 << 30))
def test_an_emptier_redis_is_never_worse(first: int, other: int, most: int) -> None:
    def judged(used: int) -> int:
        info = {"used_memory": str(used), "maxmemory": str(most)}
        return worst(redis.judge(RedisChecks(url="redis://a:1"), "", info))

    assert (first <= other) <= (judged(first) <= judged(other))


@given(st.integers(0, 20_000), st.integers(0, 20_000))
def test_fewer_waiting_jobs_are_never_worse(first: int, other: int) -> None:
    def judged(waiting: int) -> int:
        return worst(apps.judge_queue(QueueChecks(), QueueState(sizes={"default": waiting}, failed=0)))

    assert (first <= other) <= (judged(first) <= judged(other))
    assert [judged(100), judged(101), judged(10_001)] == [0, 2, 3]


@given(st.integers(-100, 400), st.integers(-100, 400))
def test_a_certificate_that_lasts_longer_is_never_worse(first: int, other: int) -> None:
    def judged(days: int) -> int:
        offered = tls.Certificate(NOW + timedelta(days=days, hours=1), ("a.example",))
        return worst(tls.judge(TlsChecks(host="a.example"), NOW, offered))

    assert (first >= other) <= (judged(first) <= judged(other))
    assert [judged(21), judged(20), judged(3), judged(2), judged(-1)] == [0, 2, 2, 3, 3]


# Clocks: only what is sure is said.


def at(offset: float, between: float, grain: float = 0.0) -> Clock:
    """A host's clock that is ahead, read in the middle of that time."""
    return Clock(1000.0 + between / 2 + offset - grain / 2, grain, 1000.0, 1000.0 + between)


@given(st.floats(-1e6, 1e6), st.floats(0, 100))
def test_the_true_offset_is_within_what_is_said(offset: float, between: float) -> None:
    measured = at(offset, between).offset
    assert measured is not None
    assert abs(measured[0] - offset) <= measured[1] + 1e-6


@given(st.floats(0, 1), st.floats(-100, 100), st.floats(0, 10))
def test_wherever_between_it_was_read(where: float, offset: float, between: float) -> None:
    measured = Clock(1000 + where * between + offset, 0.0, 1000.0, 1000 + between).offset
    assert measured is not None
    assert abs(measured[0] - offset) <= measured[1] + 1e-6


@given(st.floats(1000, 2000), st.floats(-100, 100), st.floats(0, 10))
def test_a_clock_of_whole_seconds_says_so(read: float, offset: float, between: float) -> None:
    measured = Clock(float(int(read + offset)), 1.0, read - between / 2, read + between / 2).offset
    assert measured is not None
    assert measured[1] == pytest.approx(between / 2 + 0.5)
    assert abs(measured[0] - offset) <= measured[1] + 1e-6


def test_every_file_system_is_told_once() -> None:
    used = host.parse_disk("space 10% 5 /\ninodes 9% 4 /\nspace 20% 5 /var/my files\nspace 10% 6 /\ninodes - - /x\n", 0)
    assert [(usage.what, usage.percent, usage.mount) for usage in used] == [
        ("space", 10, "/"),
        ("inodes", 9, "/"),
        ("space", 20, "/var/my files"),
    ]


@pytest.mark.parametrize(
    ("offset", "between", "says"),
    [
        (0.5, 0.1, "pass"),
        (-0.5, 0.1, "pass"),
        (5, 0.1, "warn"),
        (-5, 0.1, "warn"),
        (60, 1, "fail"),
        (-60, 1, "fail"),
        # An answer that took two minutes proves nothing, either way.
        (0, 120, "warn"),
        (40, 120, "warn"),
    ],
)
def test_clocks(offset: float, between: float, says: str) -> None:
    assert level(host.judge_clock(ClockChecks(), at(offset, between))) == says


@pytest.mark.parametrize(
    ("text", "grain"), [("1700000000.123456789\n", 0.0), ("1700000000.%N\n", 1.0), ("1700000000.", 1.0)]
)
def test_a_date_that_knows_no_parts_of_seconds(text: str, grain: float) -> None:
    assert parse_clock(text, 0).grain == grain


OF_A_HOST = (
    host.disk(DiskChecks(), ["/"]),
    host.memory(MemoryChecks()),
    host.load(LoadChecks()),
    host.reboot("warn"),
    host.clock(ClockChecks()),
    network.ports([80], [81]),
    host.tools({"python3": ">=3"}),
    apps.at_boot(["a"], "warn"),
)


@given(st.text())
def test_any_answer_can_be_read(text: str) -> None:
    a_host = Host("a", Address("a"))
    asked: list[Check] = [
        *OF_A_HOST,
        tls.certificate(TlsChecks(host="a.example"), NOW),
        network.url(UrlChecks(url="http://a/"), Context(NOW)),
    ]
    judged = findings(CheckGroup("a", a_host, tuple(asked)), [check.probe.parse(text, 0) for check in asked])
    assert {finding.check for finding in judged} == {check.name for check in asked}
    assert all(finding.hint for finding in judged if finding.level != "pass")


@pytest.mark.parametrize("text", ["", "command not found\n", "unknown\n"])
def test_what_cannot_be_judged_is_no_pass(text: str) -> None:
    for check in OF_A_HOST:
        assert level(check.judge(check.probe.parse(text, 127))) == "warn", check.name


def test_what_was_not_answered_is_a_no_and_told_once() -> None:
    """A check that hangs must not let a deploy through."""
    checks = [Check(n, Probe(n, Command(":"), lambda text, code: text), lambda answer: iter(())) for n in "abbc"]
    judged = findings(CheckGroup("a", Host("a", Address("a")), tuple(checks)), ["one"], "it took too long")
    assert [(f.check, f.level) for f in judged] == [("b", "fail"), ("c", "fail")]
    assert all("it took too long" in f.says for f in judged)


# Certificates.


def certificate(days: float, *names: str, common: str = "", plain: bool = False) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)] if common else [])
    made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(NOW - timedelta(days=900)).not_valid_after(NOW + timedelta(days=days))
    if not plain:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("names", "name", "says"),
    [
        (("a.example", "www.a.example"), "www.a.example", "pass"),
        (("*.a.example",), "www.a.example", "pass"),
        (("*.a.example",), "a.example", "fail"),
        (("*.a.example",), "b.www.a.example", "fail"),
        (("b.example",), "a.example", "fail"),
    ],
)
def test_whom_a_certificate_is_for(names: tuple[str, ...], name: str, says: str) -> None:
    offered = tls.parse(f"depth=0\n{certificate(90, *names)}Verify return code: 0 (ok)\n", 0)
    assert level(tls.judge(TlsChecks(host=name), NOW, offered)) == says
    (*_, finding) = tls.judge(TlsChecks(host="127.0.0.1", name=name), NOW, offered)
    assert f"127.0.0.1:443 for {name}: " in finding.says


def test_a_name_that_stands_only_in_the_subject() -> None:
    offered = tls.parse(certificate(90, common="a.example", plain=True), 0)
    assert offered.names == ("a.example",)


def test_the_first_of_a_chain_to_end_counts() -> None:
    offered = tls.parse(certificate(90, "a.example") + certificate(2, "issuer.example"), 0)
    assert offered.ends == NOW + timedelta(days=2)
    assert offered.names == ("a.example",)


def test_an_address_is_asked_for_no_name() -> None:
    offered = tls.parse(certificate(90, "a.example"), 0)
    assert level(tls.judge(TlsChecks(host="192.0.2.1"), NOW, offered)) == "pass"


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("connect: Connection refused\n", "fail"),
        ("there is no /etc/x.pem\n", "fail"),
        ("unknown ada may not read /etc/x.pem\n", "warn"),
        ("-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n", "fail"),
        ("", "fail"),
    ],
)
def test_no_certificate(said: str, says: str) -> None:
    assert level(tls.judge(TlsChecks(file="/etc/x.pem"), NOW, tls.parse(said, 0))) == says


def test_a_chain_that_the_host_does_not_trust_is_a_warning() -> None:
    said = f"{certificate(90, 'a.example')}Verify return code: 20 (unable to get local issuer certificate)\n"
    judged = list(tls.judge(TlsChecks(host="a.example"), NOW, tls.parse(said, 0)))
    assert [f.level for f in judged] == ["pass", "warn"]
    assert "unable to get local issuer" in judged[1].says


# Variables: what they are is never told.


@given(st.text(st.characters(categories=["L"]), min_size=30))
def test_no_value_is_told(value: str) -> None:
    how = Setting(min_length=1000)
    held = variables.known_value("env", Secret(value), how)
    (finding,) = variables.judge({"A": how}, {"A": held}, [".env"], VariableFacts({}))
    assert finding.level == "fail"
    assert str(len(value)) in finding.says
    assert value not in f"{finding}{held}"


HOW = Setting(refuse=("changeme",), min_length=8)


@pytest.mark.parametrize(
    ("given_", "held", "unread", "says"),
    [
        (None, (), (), "fail"),
        (None, (), (".env",), "warn"),
        (None, (VariableValue(".env", 9),), (), "pass"),
        (None, (VariableValue(".env", 7),), (), "fail"),
        (None, (VariableValue(".env", 0),), (), "fail"),
        (None, (VariableValue(".env", 8, refused=True),), (), "fail"),
        (VariableValue("env", 9), (), (), "pass"),
        # Each place counts: nobody knows here which one the app reads.
        (VariableValue("env", 9), (VariableValue(".env", 8, refused=True),), (), "fail"),
        ("it is not set on this machine", (), (), "fail"),
        ("", (), (), "warn"),
        ("", (VariableValue(".env", 9),), (), "pass"),
        (None, (VariableValue(".env", 9, unclear=True),), (), "warn"),
        (VariableValue("env", 9), (VariableValue(".env", 9, unclear=True),), (), "warn"),
    ],
)
def test_variables(
    given_: VariableValue | str | None, held: tuple[VariableValue, ...], unread: tuple[str, ...], says: str
) -> None:
    facts = VariableFacts({"KEY": held} if held else {}, unread)
    assert level(variables.judge({"KEY": HOW}, {"KEY": given_}, [".env"], facts)) == says


# The rest, by examples.


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (HttpAnswer(200, "fine"), "pass"),
        (HttpAnswer(200, "else"), "fail"),
        (HttpAnswer(503, "fine"), "fail"),
        (HttpAnswer(0, "curl: (7) Failed to connect"), "fail"),
        (HttpAnswer(0, "this host has none of curl, python3 and node to ask with"), "warn"),
    ],
)
def test_urls(answer: HttpAnswer, says: str) -> None:
    assert level(network.judge_url(UrlChecks(url="http://a/", contains="fine"), answer)) == says


@pytest.mark.parametrize(
    ("info", "says"),
    [
        ({"used_memory": "10", "maxmemory": "100", "loading": "0"}, "pass"),
        ({"used_memory": "80", "maxmemory": "100"}, "warn"),
        ({"used_memory": "95", "maxmemory": "100"}, "fail"),
        ({"used_memory": "10", "maxmemory": "100", "loading": "1"}, "fail"),
        ({"used_memory": "10", "maxmemory": "0"}, "warn"),
        ({"problem": "Could not connect to Redis"}, "fail"),
        ({"problem": "this host has neither redis-cli nor python3"}, "warn"),
    ],
)
def test_redis(info: dict[str, str], says: str) -> None:
    assert level(redis.judge(RedisChecks(url="redis://a:1"), "", info)) == says


def test_a_redis_whose_url_cannot_be_had_is_no_pass() -> None:
    assert level(redis.judge(RedisChecks(url="env:REDIS"), "it is not set", {})) == "warn"


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("redis://a:1/0", {"host": "a", "port": "1"}),
        ("redis://a", {"host": "a", "port": "6379"}),
        ("unix:///run/redis.sock", {"socket": "/run/redis.sock"}),
        (Secret("rediss://u:p%40ss@a:7/1"), {"user": "u", "password": Secret("p@ss"), "tls": "yes", "port": "7"}),
        (Secret("redis://a:not-a-port"), {"port": "0"}),
        (Secret("redis://:p@s3/cr@a:1/0"), {"host": "127.0.0.1", "port": "0", "password": ""}),
        (Secret("redis://:p@s3?cr@a"), {"port": "0"}),
        (Secret("redis://:p@s3#cr@a"), {"port": "0"}),
    ],
)
def test_redis_urls(url: str | Secret, known: dict[str, object]) -> None:
    assert login(url).items() >= known.items()


def test_a_redis_url_that_cannot_be_read_is_told_without_its_password() -> None:
    context = Context(datetime.now(UTC), known={"env:R": Secret("redis://:p@s3/cr@a:1/0", "env:R")})
    check = redis.redis(RedisChecks(url="env:R"), context)
    (finding,) = check.judge({})
    assert (
        finding.level == "warn" and "cannot be read" in finding.says and "s3" not in f"{finding} {check.probe.command}"
    )


@pytest.mark.parametrize("url", ["redis://:secret@a", "redis://u:p@a:1", "http://a", "unix:///../x y"])
def test_an_inventory_holds_no_password_of_redis(url: str) -> None:
    with pytest.raises(ValueError, match="reference|write redis"):
        RedisChecks.model_validate({"url": url})


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("enabled", "pass"),
        ("static", "pass"),
        ("disabled", "fail"),
        ("masked", "fail"),
        # What is not installed does not start; older systemd has no word for it.
        ("not-found", "fail"),
        ("", "fail"),
    ],
)
def test_units_at_boot(state: str, says: str) -> None:
    states = apps.parse_boot(f"unit web {state}\n", 0)
    assert level(apps.judge_boot(["web"], "fail", states)) == says


@pytest.mark.parametrize(
    ("text", "says"),
    [("settled\n", "pass"), ("pending\nfor linux-image\n", "warn"), ("pending\n", "warn"), ("", "warn")],
)
def test_reboots(text: str, says: str) -> None:
    (finding,) = host.judge_reboot("warn", parse_reboot(text, 0))
    assert finding.level == says
    assert ("fab -H ENV reboot --only-pending" in finding.hint) == text.startswith("pending")


def test_ports() -> None:
    judged = list(network.judge_ports([80, 81], [82, 83], network.parse_ports("told\nport 0050\nport 0052\n", 0)))
    assert [f.level for f in judged] == ["pass", "fail", "fail", "pass"]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (
            "cpu 100 0 100 800 0 0 0 0 0 0",
            "cpu 110 0 120 850 15 0 0 5 0 0",
            "; now 35 % busy, 15 % waiting for disks, 5 %",
        ),
        ("cpu 100 0 100 800 0 0 0 0", "cpu 100 0 100 900 0 0 0 0", "; now 0 % busy; fails from"),
        ("cpu 1 0 0 0 0 0 0 0", "cpu 101 0 0 0 0 0 0 0", "; now 100 % busy; fails from"),
        ("cpu 1 0 0 0 0 0 0 0", "cpu 1 0 0 0 0 0 0 0", "each; fails from"),
        ("cpu 1 0 0", "cpu 2 0 0", "each; fails from"),
        ("", "", "each; fails from"),
    ],
)
def test_how_busy_the_cpus_are_is_told_beside_the_load(before: str, after: str, says: str) -> None:
    use = host.parse_load(f"load 1.00\nfrom {before}\nto {after}\ncpus 2\n", 0)
    (told,) = host.judge_load(LoadChecks(), use)
    assert says in told.says and told.level == "pass"


def test_the_kernel_of_this_machine_tells_how_busy_its_cpus_are(tmp_path: Path) -> None:
    check = host.load(LoadChecks())
    (result,) = LocalRemote(tmp_path).run(Host("a", Address("a")), Script((Step("load", "", check.probe.command),)))
    use = check.probe.parse(result.output, result.code)
    assert use.cpus >= 1 and 0 <= use.busy <= 100
