"""`doctor`: every finding provoked for real, on this machine and at hosts of the sandbox."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.checks.doctor import hosts
from lockstitch.checks.doctor.ssh_files import IdentityFile, read_key, wrong_lines
from lockstitch.model.host import Address, Host
from tests.checks.conftest import MakeOperator
from tests.cli.operator import Operator
from tests.containers.project import Ran

ROOT = Path(__file__).parents[2]


def findings(ran: Any, place: str = "this machine") -> dict[str, list[dict[str, str]]]:
    by: dict[str, list[dict[str, str]]] = {}
    for finding in ran.json["examined"][place]["findings"]:
        by.setdefault(finding["check"], []).append(finding)
        assert finding["hint"] or finding["level"] in ("pass", "note"), finding
    return by


def bad(findings: list[dict[str, str]]) -> list[dict[str, str]]:
    return [finding for finding in findings if finding["level"] in ("warn", "fail")]


@pytest.fixture
def bare(make_operator: MakeOperator) -> Operator:
    """One with nothing configured: no folder of inventories, no key, no SSH."""
    operator = make_operator("one")
    operator.start("--list", where="").finish()
    shutil.rmtree(operator.folder / "hosts")
    return operator


def doctor(operator: Operator, *words: str) -> Any:
    """`fab doctor` without -H."""
    return operator.fab("doctor", "--json", *words, where="")


def ssh(operator: Operator) -> Path:
    folder = operator.folder / "home" / ".ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def test_with_nothing_configured(bare: Operator) -> None:
    process = subprocess.run(
        [ROOT / ".venv" / "bin" / "fab", "doctor"],
        cwd=bare.folder,
        env={**bare.env, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    for said in ("Lockstitch ", "paramiko ", "no folder hosts with inventories yet", "ssh-keygen -t ed25519"):
        assert said in process.stdout
    assert "1 place: 1 with warnings" in process.stdout


def test_lines_of_known_hosts(make_operator: MakeOperator) -> None:
    operator = make_operator("one")
    good = operator.sandbox.place.known_hosts.read_text().splitlines()[0]
    _, kind, key = good.split()
    lines = [
        good,
        "# a comment",
        f"short.example {kind}",
        f"@reovked a.example {kind} {key}",
        f"cut.example {kind} {key[:-3]}",
        f"mixed.example ssh-rsa {key}",
        f"|1|damaged|= {kind} {key}",
        "",
        f"@revoked b.example {kind} {key}",
        f"|1|{'A' * 27}=|{'A' * 27}= {kind} {key}",
    ]
    file = ssh(operator) / "known_hosts"
    file.write_text("\n".join(lines) + "\n")
    said = [each["says"] for each in bad(findings(doctor(operator))["known_hosts"])]
    assert [each.removeprefix(f"{file}:").partition(":")[0] for each in said] == ["3", "4", "5", "6", "7"], said


def test_two_keys_of_one_host(make_operator: MakeOperator, tmp_path: Path) -> None:
    operator = make_operator("one")
    at = operator.sandbox.host("one")
    mine = operator.sandbox.place.known_hosts.read_text().splitlines()
    line = next(each for each in mine if f":{at.port} " in each)
    other = next(each for each in mine if f":{at.port} " not in each)
    file = tmp_path / "known"
    file.write_text(f"{line}\n{line.split()[0]} {' '.join(other.split()[1:3])}\n")
    operator.inventory["ssh"]["known_hosts"] = [str(file)]
    (conflict,) = bad(findings(doctor(operator))["known_hosts"])
    assert f"at {file}:1 and {file}:2" in conflict["says"]
    assert conflict["hint"].endswith(f"ssh-keygen -R '[{at.address}]:{at.port}'")


def keyfile(operator: Operator, name: str, text: bytes, mode: int = 0o600) -> Path:
    file = ssh(operator) / name
    file.write_bytes(text)
    file.chmod(mode)
    return file


def openssh(key: Any, password: bytes | None = None) -> bytes:
    locked = BestAvailableEncryption(password) if password else NoEncryption()
    made: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, locked)
    return made


EC = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize(
    ("text", "mode", "says", "hint"),
    [
        (openssh(EC), 0o644, "can be read by others (mode 644)", "chmod 600"),
        (openssh(rsa.generate_private_key(65537, 1024)), 0o600, "RSA with 1024 bits is too short", "ssh-keygen"),
        (openssh(EC, b"secret"), 0o600, "locked with a passphrase, and no agent holds it", "ssh-add"),
        (b"ssh-ed25519 AAAA\n", 0o600, "it is not a private key", "look at it"),
        (openssh(EC)[:80], 0o600, "it is damaged", "look at it"),
    ],
    ids=["world-readable", "short", "locked", "public", "damaged"],
)
def test_keys(make_operator: MakeOperator, text: bytes, mode: int, says: str, hint: str) -> None:
    operator = make_operator("one")
    file = keyfile(operator, "id_ecdsa", text, mode)
    ran = doctor(operator)
    (finding,) = bad(findings(ran)["keys"])
    assert str(file) in finding["says"]
    assert says in finding["says"]
    assert hint in finding["hint"]
    assert ran.code == (7 if finding["level"] == "fail" else 0), ran.said


def test_kinds_of_keys() -> None:
    pem = EC.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    assert read_key(pem) == IdentityFile("ecdsa-sha2")
    locked = EC.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"x")).decode()
    assert read_key(locked).locked
    pkcs8 = EC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()
    assert read_key(pkcs8).locked
    old = dsa.generate_private_key(1024).private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert read_key(old.decode()).weak
    assert read_key(openssh(rsa.generate_private_key(65537, 2048)).decode()) == IdentityFile("ssh-rsa", 2048)


@given(st.text())
def test_any_text_is_a_key_or_none(text: str) -> None:
    assert read_key(text).problem
    wrapped = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}\n-----END OPENSSH PRIVATE KEY-----\n"
    assert read_key(wrapped).problem
    assert read_key(f"-----BEGIN RSA PRIVATE KEY-----\n{text}\n").problem or "ENCRYPTED" in text


@given(st.text())
def test_any_text_is_a_known_hosts_file(text: str) -> None:
    for finding in wrong_lines(text, "f"):
        assert finding.says.startswith("f:")


def test_ssh_config_with_its_line(make_operator: MakeOperator) -> None:
    operator = make_operator("one")
    if shutil.which("ssh") is None:
        pytest.skip("OpenSSH's client is not installed")
    config = ssh(operator) / "config"
    config.write_text("Host a\n    User ada\n    Prot 22\n")
    (finding,) = bad(findings(doctor(operator))["ssh config"])
    assert finding["says"].startswith(f"{config}:3: "), finding
    assert "prot" in finding["says"].lower()


def test_inventories_secrets_and_the_journal(make_operator: MakeOperator) -> None:
    operator = make_operator("one")
    folder = operator.folder / "hosts"
    (folder / "broken.yml").write_text("groups:\n  a: {hosts: [x]}\nprotcet: true\n")
    operator.inventory["groups"]["all"]["apps"] = ["api"]
    operator.inventory["apps"]["api"] = {
        "repository": "x.git",
        "path": "api",
        "service": {"kind": "gunicorn", "unit": "g", "app": "a:b"},
        "secrets": {"A": "env:NOT_SET_ANYWHERE", "B": "file:/no/such/file", "C": "cmd:touch ran", "D": "env:HOME"},
    }
    (operator.folder / ".lockstitch").write_text("in the way")
    ran = doctor(operator)
    assert ran.code == 7, ran.said
    said = findings(ran)
    (wrong,) = bad(said["inventory"])
    assert wrong["says"].startswith("hosts/broken.yml:3: protcet"), wrong
    levels = [(finding["says"].partition(" ")[0], finding["level"]) for finding in said["secrets"]]
    assert levels == [
        ("env:NOT_SET_ANYWHERE", "warn"),
        ("file:/no/such/file", "warn"),
        ("cmd:touch", "note"),
        ("1", "pass"),
    ]
    assert not list(operator.folder.rglob("ran")), "a command was run"
    (journal,) = bad(said["journal"])
    assert ".lockstitch cannot be written" in journal["says"]


def test_a_default_environment_that_is_not_there(make_operator: MakeOperator) -> None:
    operator = make_operator("one")
    config = operator.folder / "fabric.yaml"
    config.write_text(config.read_text().replace('environment: ""', "environment: prdo"))
    assert any("prdo" in finding["says"] for finding in bad(findings(doctor(operator))["inventory"]))


def test_a_host_that_is_well(make_operator: MakeOperator) -> None:
    operator = make_operator("one", "two")
    ran = operator.fab("doctor", "--json", where="lab:one")
    assert ran.code == 0, ran.said
    assert list(ran.json["examined"]) == ["this machine", "one"]
    said = findings(ran, "one")
    assert "known_hosts:" in said["host key"][0]["says"]
    assert said["login"][0]["says"] == f"as deploy, with {operator.sandbox.place.key}"
    assert said["tools"][0]["level"] == "pass"
    assert operator.noted()[-1]["what"] == "doctor"


@pytest.mark.parametrize(("fault", "says"), [("wrong-key", "host key has changed"), ("down", "refused")])
def test_a_host_that_is_not(make_operator: MakeOperator, fault: str, says: str) -> None:
    operator = make_operator("one", "two")
    with operator.sandbox.broken("two", fault):
        ran = operator.fab("doctor", "--json")
    assert ran.code == 3, ran.said
    assert ran.json["examined"]["one"]["result"] == "ok"
    assert ran.json["examined"]["two"]["result"] == "unreachable"
    assert says in ran.json["examined"]["two"]["words"]


def test_a_login_that_is_refused_and_a_host_key_that_is_unknown(make_operator: MakeOperator, tmp_path: Path) -> None:
    operator = make_operator("one")
    file = tmp_path / "other"
    file.write_bytes(openssh(EC))
    file.chmod(0o600)
    operator.inventory["ssh"]["identity_files"] = [str(file)]
    ran = operator.fab("doctor")
    assert ran.code == 3, ran.said
    assert f"the way to it: one: login as deploy was refused (tried {file})" in ran.out
    assert "HINT: is the public key in" in ran.out

    operator.inventory["ssh"]["known_hosts"] = [str(tmp_path / "none")]
    ran = operator.fab("doctor")
    assert ran.code == 3, ran.said
    assert "its host key: one: its host key is unknown" in ran.out
    assert "fab -H lab:one trust" in ran.out


def doctor_with_an_app(make_operator: MakeOperator, folder: Path, **settings: str) -> Ran:
    """Findings of doctor where an app's repository is not there."""
    operator = make_operator("one")
    operator.inventory["groups"]["all"]["apps"] = ["api"]
    service = {"kind": "gunicorn", "unit": "g", "app": "a:b"}
    repository, path = f"{folder}/none.git", f"{folder}/api"
    operator.inventory["apps"]["api"] = {"repository": repository, "path": path, "service": service, **settings}
    ran = operator.fab("doctor", "--json")
    assert ran.code == 7, ran.said
    return ran


def test_a_repository_that_does_not_answer(make_operator: MakeOperator, tmp_path: Path) -> None:
    ran = doctor_with_an_app(make_operator, tmp_path)
    (finding,) = findings(ran, "one")["git"]
    assert finding["level"] == "fail"
    assert f"git ls-remote {tmp_path}/none.git" in finding["hint"]


def test_a_user_that_is_not_there_is_told_to_root_too(make_operator: MakeOperator, tmp_path: Path) -> None:
    ran = doctor_with_an_app(make_operator, tmp_path, user="no-such-user")
    assert "there is no user no-such-user" in "\n".join(finding["says"] for finding in findings(ran, "one")["sudo"])


def test_a_plain_host(make_operator: MakeOperator, tmp_path: Path) -> None:
    operator = make_operator("one")
    config = operator.sandbox.place.ssh_config
    ran = operator.fab("-S", str(config), "doctor", "--json", where="three")
    assert ran.code == 0, ran.said
    assert findings(ran, "three")["tools"][0]["level"] == "pass"

    # What known_hosts says of it is looked at as well, although no inventory names it.
    at = operator.sandbox.host("three")
    other = next(
        line for line in operator.sandbox.place.known_hosts.read_text().splitlines() if f":{at.port} " not in line
    )
    extra = f"[{at.address}]:{at.port} {' '.join(other.split()[1:3])}\n"
    file = tmp_path / "known"
    file.write_text(operator.sandbox.place.known_hosts.read_text() + extra)
    mine = tmp_path / "config"
    mine.write_text(config.read_text().replace(str(operator.sandbox.place.known_hosts), str(file)))
    ran = operator.fab("-S", str(mine), "doctor", "--json", where="three")
    (conflict,) = bad(findings(ran)["known_hosts"])
    assert f"[{at.address}]:{at.port} has two" in conflict["says"]


@pytest.mark.parametrize(
    ("text", "worst"),
    [
        ("user ada\nsudo all\nmay www\n", "pass"),
        ("user ada\nsudo some\n", "pass"),
        ("user ada\nsudo none\n", "pass"),
        ("user ada\nsudo none\nas maynot www\n", "fail"),
        ("user ada\nsudo all\nas nouser www\n", "fail"),
        ("user ada\nsudo all\nmissing tar\n", "fail"),
        ("user ada\nsudo all\nunwritable /home/ada\n", "fail"),
        ("", "pass"),
    ],
)
def test_what_a_login_may(text: str, worst: str) -> None:
    (check,) = hosts.login(Host("a", Address("a")), ["www"]).checks
    judged = list(check.judge(check.probe.parse(text, 0)))
    assert all(finding.hint for finding in judged if finding.level not in ("pass", "note"))
    levels = {finding.level for finding in judged}
    assert worst == next(level for level in ("fail", "warn", "pass") if level in levels)
    assert json.dumps([finding.says for finding in judged])
