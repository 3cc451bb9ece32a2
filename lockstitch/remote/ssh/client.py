"""OpenSSH's settings for a name: its client is asked with `ssh -G`, which also reads `Include` and `Match`.

Where no `ssh` is installed, or none that knows this account, Paramiko reads the files; `unread` names what it passes
over.
"""

from __future__ import annotations

import getpass
import glob
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from fabric import Config
from paramiko import SSHException
from paramiko.config import SSHConfig

from lockstitch.errors import ConnectError, UsageError
from lockstitch.model.host import Address
from lockstitch.remote.ssh.name_patterns import NamePatterns

ClientSettings = Mapping[str, tuple[str, ...]]
# A `Match exec` may look for a VPN first.
PATIENCE = 30.0
# Stands where ssh would otherwise answer with its default keys, which cannot be told from those that a file names.
_NO_KEY = "lockstitch-names-no-key"
_NAME = re.compile(r"[^-\s][^\s]*\Z")
_LISTS = ("identityfile", "certificatefile")
_WAYS = ("proxyjump", "proxycommand", "proxyusefdpass")
_MATCHED = ("all", "canonical", "final", "exec", "host", "originalhost", "user", "localuser")
_CHANGED = {
    name.lower(): name for name in ("Ciphers", "MACs", "KexAlgorithms", "HostKeyAlgorithms", "PubkeyAcceptedAlgorithms")
}
_IN_A_FILE = re.compile(r"line \d+|terminating|[Bb]ad owner|[Cc]an't open")


class Client:
    """The settings of OpenSSH's client, by name; each is asked for once."""

    def __init__(self, config: Config) -> None:
        self.files = _files(config)
        # It refuses to run for an account that this machine does not know, such as a container's `--user 1234`.
        self._ssh = shutil.which("ssh") if _account_home() else None
        self._own_file = config._runtime_ssh_path is not None
        self._last = tuple(_last(config))
        self._answers: dict[tuple[str, ...], ClientSettings] = {}
        # Of names that no file tells apart: the one that was asked for, and its settings; None where each is asked for.
        self._shared: dict[object, tuple[str, ClientSettings] | None] = {}
        self._turns: dict[object, threading.Lock] = {}
        self._lock = threading.Lock()

    def lookup(self, address: Address) -> ClientSettings:
        """Return the settings for a name, then for the address behind it; empty where there is no file to say anything.

        Raises UsageError where a file cannot be read, with the reader's own words.
        """
        if not self.files:
            return {}
        names = dict.fromkeys((address.name, address.hostname or address.name))
        answers = [self._about(name, address) for name in names if _NAME.match(name)]
        if len(answers) < 2:
            return answers[0] if answers else {}
        # Without a file, what is usual does not depend on the name.
        usual = self._ask("-F", "none", *(f"-o{line}" for line in self._last), "--", "host") if self._ssh else {}
        first = {name: value for name, value in answers[0].items() if value != usual.get(name) and name != "hostname"}
        second = {
            name: value for name, value in answers[1].items() if not (name in _WAYS and first.keys() & set(_WAYS))
        }
        lists = {name: (*first.get(name, ()), *second.get(name, ())) for name in _LISTS}
        return {**second, **first, **{name: value for name, value in lists.items() if value}}

    @cached_property
    def unread(self) -> tuple[str, ...]:
        """Keywords of the files that only OpenSSH's own client understands, where there is none."""
        if self._ssh:
            return ()
        lines = [(file, re.split(r"[\s=]+", line.strip())) for file in self.files for line in _text(file).splitlines()]
        keywords = [missed for file, (first, *rest) in lines if (missed := _missed(file, first.lower(), rest or [""]))]
        return tuple(dict.fromkeys(keywords))

    def _about(self, name: str, address: Address) -> ClientSettings:
        if not self._ssh:
            return self._read(name)
        given = ["-o", f"IdentityFile={_NO_KEY}"]
        given += ["-l", address.user] if address.user else []
        given += ["-p", str(address.port)] if address.port else []
        hostname = address.hostname if address.hostname and name != address.hostname else ""
        given += ["-o", f"HostName={hostname}"] if hostname else []
        words = (*self._named, *given, "--", name)
        return self._of_many(name, hostname, address, words) or self._ask(*words)

    def _of_many(self, name: str, hostname: str, address: Address, words: tuple[str, ...]) -> ClientSettings | None:
        """Return what was answered for a name that no file tells apart from this one; None where this one is asked
        for."""
        own = {"user": address.user or "", "port": str(address.port or ""), "hostname": hostname}
        if (matches := self._patterns.key(name, hostname)) is None:
            return None
        key = (matches, *map(bool, own.values()))
        with self._turn(key):
            if key not in self._shared:
                code, out, log = self._run("-v", *words)
                # Our own file only includes the others.
                complete = not code and self._patterns.complete(log, self._named[1:])
                self._shared[key] = (name, _parse(out)) if complete else None
            shared = self._shared[key]
        if shared is None:
            return None
        first, settings = shared
        if any(self._patterns.speaks_of(word, settings) for word in (name, first, hostname) if word):
            return None
        if settings.get("hostname") == (first,):
            own["hostname"] = name
        return {**settings, "host": (name,), **{key: (value,) for key, value in own.items() if value}}

    @cached_property
    def _patterns(self) -> NamePatterns:
        return NamePatterns(self.files)

    def _ask(self, *words: str) -> ClientSettings:
        with self._turn(words):
            if words not in self._answers:
                code, out, said = self._run(*words)
                if code and "jumphost loop" in said:
                    # `Host *` with a ProxyJump names the gateway too; that one is then reached directly.
                    code, out, said = self._run("-o", "ProxyJump=none", *words)
                if code:
                    raise _refused(words[-1], said)
                self._answers[words] = _parse(out)
            return self._answers[words]

    def _turn(self, key: object) -> threading.Lock:
        """Return the lock of those who ask the same: the first asks, the others have its answer."""
        with self._lock:
            return self._turns.setdefault(key, threading.Lock())

    def _run(self, *words: str) -> tuple[int, str, str]:
        command = [self._ssh or "ssh", "-T", "-G", *words]
        try:
            ran = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, errors="surrogateescape", timeout=PATIENCE
            )
        except subprocess.TimeoutExpired as error:
            said = f"`ssh -G {words[-1]}` did not answer within {PATIENCE:g} s"
            raise UsageError(said, hint="does a `Match exec` in ~/.ssh/config wait for something?") from error
        return ran.returncode, ran.stdout, ran.stderr

    @property
    def _named(self) -> tuple[str, ...]:
        """The option that names the files; none where ssh reads the same ones by itself."""
        with self._lock:
            return self._file_option

    @cached_property
    def _file_option(self) -> tuple[str, ...]:
        if not self._last:
            return ("-F", self.files[0]) if self._own_file else ()
        lines = [*(f'Include "{file}"' for file in self.files), "Match all", *self._last]
        descriptor, path = tempfile.mkstemp(prefix="lockstitch-", suffix=".ssh_config")
        weakref.finalize(self, os.unlink, path)
        with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write("\n".join(lines) + "\n")
        return ("-F", path)

    def _read(self, name: str) -> ClientSettings:
        try:
            settings = self._parsed.lookup(name)
        except (SSHException, ValueError, KeyError, OSError) as error:
            raise _without_ssh(error) from error
        said = {key: (value,) if isinstance(value, str) else tuple(value) for key, value in settings.items() if value}
        return {key: value for key, value in said.items() if value[0][:1] not in "+-^"}

    @cached_property
    def _parsed(self) -> SSHConfig:
        if matches := [missed for missed in self.unread if missed.startswith("Match")]:
            # Paramiko would take it to match every host.
            raise _without_ssh(f"`{matches[0]}`")
        parsed = SSHConfig()
        try:
            for file in self.files:
                with open(file, encoding="utf-8") as text:
                    parsed.parse(text)
        except (SSHException, ValueError, OSError) as error:
            raise _without_ssh(error) from error
        return parsed


def _files(config: Config) -> tuple[str, ...]:
    if config._runtime_ssh_path is not None:
        return (os.path.abspath(os.path.expanduser(config._runtime_ssh_path)),)
    usual = (config._user_ssh_path, config._system_ssh_path) if config.load_ssh_configs else ()
    return tuple(path for path in map(os.path.expanduser, usual) if os.path.isfile(path))


def _last(config: Config) -> Iterator[str]:
    """Return options for what the files do not set: fabric.yaml's user and port, and the home that HOME names, since
    ssh goes by the account's."""
    if config.user != getpass.getuser():
        yield f"User {config.user}"
    if config.port != 22:
        yield f"Port {config.port}"
    if (known := _account_home()) and not _same(Path.home(), known):
        yield f'UserKnownHostsFile "{Path.home()}/.ssh/known_hosts" "{Path.home()}/.ssh/known_hosts2"'


def _parse(text: str) -> ClientSettings:
    settings: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        # ssh fills in the tokens of a control path, which is of no use here: it would tell hosts apart.
        if value and value != _NO_KEY and key != "controlpath":
            settings[key] = (*settings.get(key, ()), value) if key in _LISTS else (value,)
    return settings


def _refused(name: str, said: str) -> UsageError | ConnectError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    reason = "; ".join([line for line in lines if "terminating" not in line] or lines) or "it says nothing"
    if _IN_A_FILE.search(said):
        return UsageError(f"ssh cannot read its configuration: {reason}", hint=f"correct it, and look: ssh -G {name}")
    return ConnectError(name, f"ssh cannot say how to reach it: {reason}", hint=f"look: ssh -G {name}")


def _without_ssh(error: object) -> UsageError:
    said = f"~/.ssh/config cannot be read without OpenSSH's client: {error}"
    return UsageError(said, hint="install it (openssh-client): it is asked what the file means")


def _missed(file: str, keyword: str, values: Sequence[str]) -> str:
    """Return what Paramiko passes over in such a line of a file; empty where it reads it, or where nothing is lost."""
    if keyword == "include":
        beside = (os.path.join(os.path.dirname(file), os.path.expanduser(value.strip('"'))) for value in values)
        return "Include" if any(map(glob.glob, beside)) else ""
    if keyword == "match" and values[0].lower() not in _MATCHED:
        return f"Match {values[0]}"
    return _CHANGED.get(keyword, "") if values[0][:1] in ("+", "-", "^") else ""


def _account_home() -> Path | None:
    """The home of this account, where the machine knows it."""
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return None


def _same(path: Path, other: Path) -> bool:
    return path.resolve() == other.resolve()


def _text(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
