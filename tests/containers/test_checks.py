"""`check`, `facts`, `doctor` and a deploy's own checks, on real hosts: what they say is what is so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.containers import desk as desks
from tests.containers.desk import HOSTS, PATH, Desk, database
from tests.containers.desk_expect import job
from tests.containers.machine import Machine
from tests.containers.project import Ran
from tests.containers.repos import Repository

NAME = "shop.example"


@pytest.fixture
def revisions(desk_repository: Repository) -> dict[str, str]:
    return dict(desk_repository.revisions)


def found(ran: Ran, host: str, check: str) -> list[dict[str, Any]]:
    data = ran.json.get("hosts") or ran.json["examined"]
    return [one for one in data[host]["findings"] if one["check"] == check]


def levels(ran: Ran, check: str) -> list[str]:
    """The levels of one check, on the first host and then the second."""
    return [one["level"] for host in HOSTS for one in found(ran, host, check)]


def certificate(machine: Machine, days: float) -> None:
    """A server of TLS on the host, whose certificate ends so many days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=90)).not_valid_after(now + timedelta(days=days))
    signed = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False).sign(
        key, hashes.SHA256()
    )
    machine.put("/etc/tls/c.pem", signed.public_bytes(Encoding.PEM))
    machine.put("/etc/tls/k.pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)
    serve = "openssl s_server -quiet -accept 8443 -cert /etc/tls/c.pem -key /etc/tls/k.pem -www"
    machine.exec("systemctl stop tls")
    machine.check(f"systemd-run --unit=tls --collect {serve}")
    machine.check("for n in $(seq 100); do ss -ltn | grep -q :8443 && exit 0; sleep 0.1; done; exit 1")


def values_are_those_of_the_checks(desk: Desk) -> None:
    """Gates may name what the checks ask for: the queue, Redis and the database of an app."""
    names = {
        "jobs_waiting": 100,
        "jobs_failed": 100,
        "redis_memory": "99%",
        "redis_clients": "50%",
        "connections": "90%",
    }
    desk.app["gates"] = {name: {"source": "host", "value": name, "max": limit} for name, limit in names.items()}
    read = desk.fab("metrics", "--json")
    assert read.code == 0, read.said
    for name in HOSTS:
        values = read.json["sources"]["host"][f"{name} (desk)"]["values"]
        assert (values["jobs_waiting"], values["jobs_failed"]) == (3, 0)
        assert 0.9 < values["redis_memory"] < 1.2
        assert 0 < values["redis_clients"] < 0.1 and 0 < values["connections"] < 0.5
    del desk.app["gates"]


def test_what_the_checks_say_is_what_is_so(desk: Desk, revisions: dict[str, str]) -> None:
    php1, php2 = desk.machines
    desk.begin_on("v1")
    desk.project.variables["REDIS_URL"] = f"redis://:{desk.data.redis_password}@{desks.TOPOLOGY[-1].name}:6379"
    desk.project.inventory["groups"] = {
        name: {**group, "checks": {"not_listening": [9999]}} for name, group in desk.project.inventory["groups"].items()
    }
    wanted = {
        "tools": {"php": ">=8.1", "git": ">=2", "nginx": "*", "openssl": ">=3"},
        "variables": {"APP_KEY": {"min_length": 32}, "DB_PASSWORD": {}, "REDIS_PASSWORD": {"min_length": 8}},
        "env_files": [".env"],
        "ports": [80],
        "redis": {"url": "env:REDIS_URL"},
        "urls": [{"url": "http://127.0.0.1/", "status": 200}],
        "tls": [{"host": "127.0.0.1", "port": 8443, "name": NAME}],
        "queue": {"warn": 1, "fail": 2},
        "database": True,
    }
    desk.app["checks"] = wanted
    desk.project.inventory["databases"] = {"main": database()}
    desk.app["database"] = "main"
    for machine in desk.machines:
        certificate(machine, 90)
    desk.data.redis("CONFIG", "SET", "maxmemory", "1gb")

    # All is well: what is no pass is a warning that is meant.
    ran = desk.fab("check", "--json", "--skip", "disk,memory,load")
    assert ran.code == 0, ran.said
    for check in ("tools", "variables", "ports", "redis", "urls", "queue", "git", "place"):
        assert set(levels(ran, check)) == {"pass"}, (check, found(ran, HOSTS[0], check))
    assert levels(ran, "tls") == ["pass", "warn"] * 2, "nobody has signed it"
    assert levels(ran, "at_boot") == ["warn", "warn"], "php-fpm is disabled in these images"
    assert [one["level"] for host in HOSTS for one in found(ran, host, "database")][-1] == "pass"
    for value in (desk.data.redis_password, desk.data.password):
        assert value not in ran.said

    # Each thing that can go wrong, at once.
    certificate(php1, -1)
    certificate(php2, 10)
    used = next(line for line in desk.data.redis("INFO", "memory").splitlines() if line.startswith("used_memory:"))
    desk.data.redis("CONFIG", "SET", "maxmemory-policy", "noeviction")
    desk.data.redis("CONFIG", "SET", "maxmemory", str(int(int(used.split(":")[1]) * 0.97)))
    php1.check("touch /run/reboot-required")
    php1.check(f"sed -i 's/^APP_KEY=.*/APP_KEY=changeme/' {PATH}/shared/.env")
    php2.check("systemctl stop nginx; systemctl enable -q php8.2-fpm")
    php2.check(f"chown root {PATH} && chmod 0755 {PATH}")
    # Nobody works on them: they wait.
    desk.everywhere(lambda machine: machine.check("systemctl stop desk-worker"))
    for n in range(3):
        job(php1, f"waits-{n}", 0)
    repository = desk.app["repository"]
    desk.app["repository"] = repository.replace(".git", "-gone.git")
    ran = desk.fab("check", "--json", "--skip", "disk,memory,load")
    assert ran.code == 7, ran.said
    assert levels(ran, "tls") == ["fail", "warn", "warn"], ran.said
    assert "expired 1 d" in found(ran, "php1", "tls")[0]["says"]
    assert levels(ran, "redis") == ["fail", "fail"], ran.said
    assert levels(ran, "reboot") == ["warn", "pass"]
    assert [one["level"] for one in found(ran, "php1", "variables")].count("fail") == 1
    assert levels(ran, "ports")[-3:] != [] and found(ran, "php2", "urls")[0]["level"] == "fail"
    assert "fail" in [one["level"] for one in found(ran, "php2", "ports")]
    assert levels(ran, "at_boot") == ["warn", "pass"]
    assert levels(ran, "place") == ["pass", "fail"]
    assert levels(ran, "git") == ["fail", "fail"]
    assert levels(ran, "queue") == ["fail", "fail"]
    values_are_those_of_the_checks(desk)

    # A deploy refuses for the same reasons, and changes nothing.
    desk.app["repository"] = repository
    php2.check(f"systemctl start nginx; chown deploy:deploy {PATH}; chmod 2775 {PATH}")
    ran = desk.deploy("v2")
    assert ran.code == 7, ran.said
    for said in ("redis: env:REDIS_URL uses", "tls: 127.0.0.1:8443 for shop.example: expired", "nothing was changed"):
        assert said in ran.err
    assert {name: one.lies for name, one in desk.stands().items()} == dict.fromkeys(HOSTS, revisions["v1"])
    desk.data.redis("CONFIG", "SET", "maxmemory", "0")
    desk.everywhere(lambda machine: machine.check("systemctl start desk-worker"))
    ran = desk.deploy("v2", "--skip-checks", "tls,variables,queue")
    assert ran.code == 0, ran.said
    assert "! waived by --skip-checks tls: php1: desk: tls: 127.0.0.1:8443 for shop.example: expired" in ran.out
    php1.check("rm /run/reboot-required; systemctl stop tls")
    php2.check("systemctl stop tls")


def test_doctor_facts_and_a_frozen_host(desk: Desk) -> None:
    php1, php2 = desk.machines
    desk.fresh()
    ran = desk.fab("doctor", "--json")
    for host in HOSTS:
        (sudo,) = found(ran, host, "sudo")
        assert sudo["level"] == "pass"
        assert "may sudo some commands" in sudo["says"], "as sudoers has it"
        assert found(ran, host, "git")[0]["level"] == "pass", ran.said
    php1.check(f"chown root {PATH} && chmod 0755 {PATH}")
    desk.app["user"] = "git"
    ran = desk.fab("doctor", "--json")
    assert ran.code == 7, ran.said
    refused = [one for one in found(ran, "php2", "sudo") if one["level"] == "fail"]
    assert "deploy may not act as git" in refused[0]["says"]
    assert refused[0]["hint"] == "a file in /etc/sudoers.d must say: deploy ALL=(git) NOPASSWD: ALL"
    del desk.app["user"]
    ran = desk.fab("doctor", "--json")
    assert ran.code == 7, ran.said
    # Beside it, what the first deploy takes from the repository is told as not there yet.
    (place,) = [one for one in found(ran, "php1", "place") if one["level"] != "warn"]
    assert (place["level"], place["hint"].startswith("on the host: sudo chown")) == ("fail", True)
    assert {one["level"] for one in found(ran, "php2", "place")} == {"warn"}, ran.said

    told = desk.fab("facts", "--json").json["hosts"]["php1"]
    assert told["hostname"] == php1.check("hostname").strip()
    assert told["programs"]["php"].startswith("8.2")
    assert told["user"] == "deploy"
    assert {disk["mount"] for disk in told["disks"]} >= {"/"}

    php2.pause()
    try:
        for words in (("check", "--json", "--skip", "database"), ("doctor", "--json")):
            ran = desk.fab(*words)
            assert ran.code == 3, ran.said
            data = ran.json.get("hosts") or ran.json["examined"]
            assert data["php2"]["result"] == "unreachable"
            assert data["php1"]["findings"]
    finally:
        php2.unpause()
