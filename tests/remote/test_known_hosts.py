"""known_hosts files: what they say of a key, whatever else is in them, and how one is added."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.remote.ssh.known_hosts import KnownHosts, fingerprint, judge, kinds, known_as, parse, record, record_new


def blob(number: int, kind: str = "ssh-ed25519") -> bytes:
    """A public key of this type; only its shape is real."""
    word = kind.encode()
    return len(word).to_bytes(4, "big") + word + (32).to_bytes(4, "big") + bytes([number]) * 32


def line(names: str, number: int, kind: str = "ssh-ed25519", marker: str = "") -> str:
    return f"{marker} {names} {kind} {base64.b64encode(blob(number, kind)).decode()} a comment\n".lstrip()


def verdict(text: str, name: str, number: int, kind: str = "ssh-ed25519") -> str:
    return judge(KnownHosts(parse(text)), name, blob(number, kind)).verdict


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        (line("web1", 1), "web1", "trusted"),
        (line("web1", 2), "web1", "changed"),
        (line("web2", 1), "web1", "unknown"),
        ("", "web1", "unknown"),
        (line("web1,192.0.2.10", 1), "192.0.2.10", "trusted"),
        (line("WEB1", 1), "web1", "trusted"),
        (line("[web1]:2222", 1), "[web1]:2222", "trusted"),
        (line("web1", 1), "[web1]:2222", "unknown"),
        (line("*.example.com", 1), "web1.example.com", "trusted"),
        (line("*.example.com,!web1.example.com", 1), "web1.example.com", "unknown"),
        (line("web?", 1), "web1", "trusted"),
        (line("[*]:2222", 1), "[web1]:2222", "trusted"),
        (line("web1", 2) + line("web1", 1), "web1", "trusted"),
        (line("web1", 1) + line("web1", 1, marker="@revoked"), "web1", "revoked"),
        (line("*", 1, marker="@revoked") + line("web1", 1), "web1", "revoked"),
        (line("web1", 2, marker="@revoked") + line("web1", 1), "web1", "trusted"),
        (line("*", 9, marker="@cert-authority") + line("web1", 1), "web1", "trusted"),
        (line("*", 1, marker="@cert-authority"), "web1", "unknown"),
        ("web1 ssh-ed25519 not-base64!\n# no\n\nonly two\n" + line("web1", 1), "web1", "trusted"),
        (line("web1", 2, "ssh-rsa"), "web1", "changed"),
    ],
)
def test_what_the_files_say_of_a_key(text: str, name: str, expected: str) -> None:
    assert verdict(text, name, 1) == expected


def test_the_line_that_is_shown_has_a_key_of_the_same_type() -> None:
    text = line("web1", 7, "ssh-rsa") + line("web1", 2)
    standing = judge(KnownHosts(parse(text, "file")), "web1", blob(1))
    assert standing.entry is not None and standing.entry.where == "file:2"


def test_the_key_types_a_host_is_known_by() -> None:
    text = line("web1", 1, "ssh-rsa") + line("web1", 2) + line("web1", 3, "ssh-dss", "@revoked")
    assert kinds(KnownHosts(parse(text)), "web1") == ("ssh-rsa", "ssh-ed25519")


def test_names_have_a_port_where_it_is_not_the_usual() -> None:
    assert (known_as("Web1", 22), known_as("Web1", 2222)) == ("web1", "[web1]:2222")


def test_hashed_names_and_fingerprints_are_those_of_ssh_keygen(tmp_path: Path) -> None:
    key, known = tmp_path / "key", tmp_path / "known_hosts"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    public = key.with_suffix(".pub").read_text()
    known.write_text(f"[web1]:2222 {public}")
    subprocess.run(["ssh-keygen", "-H", "-f", str(known)], check=True, capture_output=True)
    assert "web1" not in known.read_text()
    data = base64.b64decode(public.split()[1])
    assert judge(KnownHosts(parse(known.read_text())), "[web1]:2222", data).verdict == "trusted"
    assert judge(KnownHosts(parse(known.read_text())), "[web2]:2222", data).verdict == "unknown"
    told = subprocess.run(["ssh-keygen", "-l", "-f", str(key)], check=True, capture_output=True, text=True).stdout
    assert fingerprint(data) in told


def test_a_new_key_is_added_to_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    file = tmp_path / "new" / "known_hosts"
    assert record(str(file), "web1", "ssh-ed25519", blob(1)).verdict == "unknown"
    assert verdict(file.read_text(), "web1", 1) == "trusted"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_new_key_begins_a_line_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(line("web1", 1).rstrip("\n"))
    record(str(file), "web2", "ssh-ed25519", blob(2))
    assert verdict(file.read_text(), "web1", 1) == verdict(file.read_text(), "web2", 2) == "trusted"


def test_a_key_is_recorded_once(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    verdicts = [record(str(file), "web1", "ssh-ed25519", blob(1)).verdict for _ in range(2)]
    assert verdicts == ["unknown", "trusted"] and len(file.read_text().splitlines()) == 1


def test_a_changed_key_is_left_alone_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    text = line("other,web1", 1) + line("web1", 3, "ssh-rsa") + line("*.example.com", 4)
    file.write_text(text)
    assert record(str(file), "web1", "ssh-ed25519", blob(2)).verdict == "changed"
    assert file.read_text() == text
    record(str(file), "web1", "ssh-ed25519", blob(2), replace=True)
    after = file.read_text()
    assert verdict(after, "web1", 2) == "trusted" and verdict(after, "web1", 1) == "changed"
    assert verdict(after, "other", 1) == verdict(after, "a.example.com", 4) == "trusted"
    assert verdict(after, "web1", 3, "ssh-rsa") == "trusted"


def test_all_keys_of_a_host_that_was_set_up_anew(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(line("web1", 1) + line("web1", 3, "ssh-rsa"))
    for kind in ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256"):
        record(str(file), "web1", kind, blob(5, kind), replace=True)
    after = file.read_text()
    assert [verdict(after, "web1", 5, kind) for kind in ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256")] == [
        "trusted",
        "trusted",
        "trusted",
    ]
    assert len(after.splitlines()) == 3


def test_a_key_of_a_further_type_is_new_only_to_a_person(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(line("web1", 1))
    assert record_new(str(file), "web1", "ssh-rsa", blob(3, "ssh-rsa")).verdict == "changed"
    assert file.read_text() == line("web1", 1)
    assert record(str(file), "web1", "ssh-rsa", blob(3, "ssh-rsa")).verdict == "unknown"
    assert verdict(file.read_text(), "web1", 3, "ssh-rsa") == "trusted"


def test_several_who_record_at_once_lose_nothing(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(line("web0", 99))

    def add(number: int) -> None:
        record(str(file), f"web{number}", "ssh-ed25519", blob(number), replace=number % 5 == 0)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(add, range(50)))
    text = file.read_text()
    assert [verdict(text, f"web{number}", number) for number in range(50)] == ["trusted"] * 50


def test_a_symlink_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "known_hosts"
    real.write_text(line("web1", 1))
    os.symlink(real, link)
    record(str(link), "web1", "ssh-ed25519", blob(2), replace=True)
    assert link.is_symlink() and verdict(real.read_text(), "web1", 2) == "trusted"


NAMES = ("web1", "web2", "[web1]:2222", "10.0.0.1")
PATTERNS = st.sampled_from([*NAMES, "WEB1", "web*", "!web1", "web?", "*,!web2", "web1,web2", "|1|x|y", "@"])


@given(st.lists(st.tuples(PATTERNS, st.integers(0, 3), st.sampled_from(["", "@revoked", "@cert-authority"]))))
def test_the_index_finds_what_looking_through_all_lines_finds(lines: list[tuple[str, int, str]]) -> None:
    entries = KnownHosts(parse("".join(line(names, number, marker=marker) for names, number, marker in lines)))
    for name in NAMES:
        assert entries.about(name) == [entry for entry in entries if entry.names(name)]
