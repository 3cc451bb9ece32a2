"""Effects: checks of SSH's files on this machine: keys, agent, known_hosts, configuration."""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lockstitch.model.finding import Finding
from lockstitch.model.lazy_dataclass import dataclass

_MARKERS = ("@revoked", "@cert-authority")
CHECK = "known_hosts"


def wrong_lines(text: str, file: str) -> Iterator[Finding]:
    """Yield problems of single lines, which are ignored when a host's key is looked up."""
    for number, line in enumerate(text.splitlines(), 1):
        if said := _against(line):
            hint = f"correct the line or take it out: sed -i {number}d {file}"
            yield Finding(CHECK, "warn", f"{file}:{number}: {said}", hint)


def _against(line: str) -> str:
    fields = line.split()
    if not fields or fields[0].startswith("#"):
        return ""
    if fields[0].startswith("@") and fields.pop(0) not in _MARKERS:
        return "it begins with a marker that nobody knows"
    if len(fields) < 3:
        return "it has fewer than three words: names, type, key"
    hosts, kind, key = fields[:3]
    if hosts.startswith("|") and not _is_hash(hosts):
        return "its hashed name is damaged"
    try:
        blob = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return "its key is not base64: it may be cut off"
    said = blob[4 : 4 + int.from_bytes(blob[:4], "big")]
    if len(blob) < 20 or said != kind.encode("ascii", "replace"):
        return f"its key is not of the type {kind} that it names"
    return ""


def _is_hash(hosts: str) -> bool:
    parts = hosts.split("|")
    try:
        return (
            len(parts) == 4
            and parts[1] == "1"
            and all(len(base64.b64decode(p, validate=True)) == 20 for p in parts[2:])
        )
    except (binascii.Error, ValueError):
        return False


KnownHostsLine = tuple[str, str, str, bytes, str]


def conflicts(lines: Iterable[KnownHostsLine], name: str) -> Iterator[Finding]:
    """Yield different keys of one type for one host, one of which is outdated. `lines` are those about the host: place,
    names, type, key and marker."""
    first: dict[str, tuple[str, bytes]] = {}
    for where, _, kind, blob, marker in lines:
        if marker:
            continue
        before = first.setdefault(kind, (where, blob))
        if before[1] != blob:
            says = f"{name} has two {kind} keys, at {before[0]} and {where}: one of them is old"
            yield Finding(CHECK, "warn", says, f"compare them with the host's own, then: ssh-keygen -R '{name}'")


_MAGIC = b"openssh-key-v1\0"
_LEAST_RSA = 2048
_PEM = {"RSA": "ssh-rsa", "DSA": "ssh-dss", "EC": "ecdsa-sha2"}


@dataclass(frozen=True)
class IdentityFile:
    """The contents of a key file. `bits` is 0 where it does not matter or is unknown; `problem` says why it is no
    private key."""

    kind: str = ""
    bits: int = 0
    locked: bool = False
    problem: str = ""

    @property
    def weak(self) -> str:
        """Return why the key should not be used any more; empty for a good one."""
        if self.kind == "ssh-dss":
            return "DSA keys are broken, and no server takes them any more"
        small = self.kind == "ssh-rsa" and 0 < self.bits < _LEAST_RSA
        return f"RSA with {self.bits} bits is too short" if small else ""


def read_key(text: str) -> IdentityFile:
    """Parse a private key."""
    first = text.lstrip().partition("\n")[0].strip()
    if first == "-----BEGIN OPENSSH PRIVATE KEY-----":
        return _openssh(text)
    if not (first.startswith("-----BEGIN ") and first.endswith("PRIVATE KEY-----")):
        return IdentityFile(problem="it is not a private key")
    kind = _PEM.get(first.split()[1], "")
    if "ENCRYPTED" in text.partition("\n\n")[0]:
        return IdentityFile(kind, locked=True)
    return _pem(text, kind)


def _openssh(text: str) -> IdentityFile:
    """Parse OpenSSH's format, where the public half stands in clear before the encrypted part."""
    try:
        lines = [line for line in text.splitlines() if line and not line.startswith("-----")]
        data = base64.b64decode("".join(lines), validate=True)
        if not data.startswith(_MAGIC):
            return IdentityFile(problem="it cannot be read: it is damaged")
        cipher, rest = _string(data[len(_MAGIC) :])
        _, rest = _string(rest)
        _, rest = _string(rest)
        public, _ = _string(rest[4:])
        kind, rest = _string(public)
        bits = 0
        if kind == b"ssh-rsa":
            _, rest = _string(rest)
            bits = int.from_bytes(_string(rest)[0], "big").bit_length()
        return IdentityFile(kind.decode("ascii"), bits, cipher != b"none")
    except (binascii.Error, ValueError):
        return IdentityFile(problem="it cannot be read: it is damaged")


def _string(data: bytes) -> tuple[bytes, bytes]:
    size = int.from_bytes(data[:4], "big")
    if len(data) < 4 + size or len(data) < 4:
        raise ValueError("cut off")
    return data[4 : 4 + size], data[4 + size :]


def _pem(text: str, kind: str) -> IdentityFile:
    try:
        key = load_pem_private_key(text.encode(), None)
    except TypeError:
        return IdentityFile(kind, locked=True)
    except (ValueError, UnsupportedAlgorithm):
        return IdentityFile(kind, problem="it cannot be read: it is damaged, or of a kind nobody knows")
    if isinstance(key, rsa.RSAPrivateKey):
        return IdentityFile("ssh-rsa", key.key_size)
    kinds = {
        dsa.DSAPrivateKey: "ssh-dss",
        ec.EllipticCurvePrivateKey: "ecdsa-sha2",
        ed25519.Ed25519PrivateKey: "ed25519",
    }
    return IdentityFile(next((name for cls, name in kinds.items() if isinstance(key, cls)), kind or "unknown"))


_LONGEST = 10.0
_LINE = re.compile(r":? line (\d+)")


def run_program(*words: str) -> tuple[int, str]:
    """Run a program of this machine, and return its exit code and output; 127 if it does not exist."""
    try:
        ended = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=_LONGEST, check=False)
    except FileNotFoundError:
        return 127, ""
    except (OSError, subprocess.TimeoutExpired) as error:
        return 124, str(error)
    return ended.returncode, (ended.stdout + ended.stderr).strip()


def usual_keys() -> tuple[str, ...]:
    """Return the private keys that ssh tries by itself."""
    names = ("id_ed25519", "id_ecdsa", "id_rsa", "id_dsa")
    paths = [Path("~/.ssh").expanduser() / name for name in names]
    return tuple(str(path) for path in paths if path.exists())


def keys(named: Iterable[str], agent: int) -> Iterator[Finding]:
    """Yield a finding for each key; `named` are those an inventory asks for, `agent` is the number of keys in the
    agent."""
    asked = list(dict.fromkeys(named))
    usual = usual_keys()
    if not asked and not usual and not agent:
        yield Finding("keys", "warn", "there is no key in ~/.ssh and none in the agent", "ssh-keygen -t ed25519")
    for file in dict.fromkeys([*asked, *usual]):
        yield _key(file, agent, needed=file in asked)


def _key(file: str, agent: int, *, needed: bool) -> Finding:
    path = Path(file).expanduser()
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        key = read_key(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        hint = "correct `identity_files` in the inventory, or make it: ssh-keygen -t ed25519 -f " + str(path)
        return Finding("keys", "fail" if needed else "warn", f"{file}: {why}", hint)
    if key.problem:
        return Finding("keys", "fail" if needed else "warn", f"{file}: {key.problem}", f"look at it: file {file}")
    if mode & 0o077:
        return Finding("keys", "fail", f"{file} can be read by others (mode {mode:03o})", f"chmod 600 {file}")
    if key.weak:
        hint = "make a new one and bring it to the hosts: ssh-keygen -t ed25519"
        return Finding("keys", "fail", f"{file}: {key.weak}", hint)
    what = f"{key.kind}, {key.bits} bits" if key.bits else key.kind
    if key.locked and not agent:
        return Finding(
            "keys", "warn", f"{file} ({what}) is locked with a passphrase, and no agent holds it", f"ssh-add {file}"
        )
    return Finding("keys", "pass", f"{file}: {what}{', locked with a passphrase' if key.locked else ''}")


def agent() -> tuple[int, Finding]:
    """Return the number of keys in the agent, and a finding about it."""
    if not os.environ.get("SSH_AUTH_SOCK"):
        return 0, Finding("agent", "note", "no agent runs: keys with a passphrase cannot be used", "eval $(ssh-agent)")
    code, said = run_program("ssh-add", "-l")
    if code == 0:
        held = len(said.splitlines())
        return held, Finding("agent", "pass", f"it holds {held} key{'s' * (held != 1)}")
    if code == 1:
        return 0, Finding("agent", "note", "it runs and holds no key", "ssh-add")
    says = "ssh-add is not there to ask it" if code == 127 else "SSH_AUTH_SOCK is set, and nobody answers there"
    return 0, Finding("agent", "warn", says, "start it anew: eval $(ssh-agent); ssh-add")


def known_hosts(files: Sequence[str]) -> Iterator[Finding]:
    """Yield problems of known_hosts files."""
    for file in dict.fromkeys(files):
        path = Path(file).expanduser()
        try:
            text, mode = path.read_text(encoding="utf-8", errors="replace"), stat.S_IMODE(path.stat().st_mode)
        except FileNotFoundError:
            continue
        except OSError as error:
            yield Finding(CHECK, "fail", f"{file} cannot be read: {error.strerror}", f"chmod 600 {file}")
            continue
        wrong = list(wrong_lines(text, file))
        yield from wrong
        if mode & 0o022:
            yield Finding(CHECK, "fail", f"{file} can be written by others (mode {mode:03o})", f"chmod 600 {file}")
        if not wrong:
            count = sum(1 for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
            yield Finding(CHECK, "pass", f"{file}: {count} lines, all can be read")


def ssh_config(files: Sequence[str], unread: Sequence[str]) -> Iterator[Finding]:
    """Yield findings about OpenSSH's configuration files; `unread` are the keywords that take effect only if ssh is
    installed."""
    for file in files:
        code, said = run_program("ssh", "-T", "-G", "-F", file, "--", "lockstitch.invalid")
        if code == 127:
            missed = f"; {', '.join(unread)} in it is not read" if unread else ""
            says = f"{file}: there is no ssh to ask about it{missed}"
            yield Finding("ssh config", "warn", says, "install openssh-client")
            continue
        problems = [line for line in said.splitlines() if _LINE.search(line) and "terminating" not in line]
        for problem in problems if code else ():
            at = _LINE.sub(r":\1", problem, count=1)
            yield Finding("ssh config", "fail", at, f"correct the line: {problem.split(': ')[0].split(' line ')[0]}")
        if code and not problems:
            says = said.splitlines()[-1] if said else f"{file} cannot be read"
            yield Finding("ssh config", "fail", says, f"look at {file}")
        if not code:
            yield Finding("ssh config", "pass", f"{file} can be read")
