"""Logging in: which keys are tried, in which order, and what to say when none was taken."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from paramiko import (
    Agent,
    AuthenticationException,
    BadAuthenticationType,
    PasswordRequiredException,
    PKey,
    SSHException,
    Transport,
)

from lockstitch.remote.ssh.ring import KeyRing, public_half
from lockstitch.remote.ssh.sockets import in_background
from lockstitch.remote.ssh.way import Hop

DEFAULT_FILES = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
AGENT_PATIENCE = 60.0


class LoginRefused(AuthenticationException):
    """No key or password was taken; `tried` says which, `locked` which files need a passphrase."""

    def __init__(self, said: str, tried: list[str], locked: list[str], unread: list[str]) -> None:
        super().__init__(said)
        self.tried, self.locked, self.unread = tried, locked, unread


class Login:
    """How one hop is logged in to; paramiko asks `authenticate`, as of an AuthStrategy."""

    def __init__(self, hop: Hop, ring: KeyRing, kwargs: Mapping[str, Any]) -> None:
        self._hop, self._ring, self._kwargs = hop, ring, kwargs
        self._password: str | None = kwargs.get("password")
        self._passphrase: str | None = kwargs.get("passphrase") or self._password
        self._tried: list[str] = []
        self._locked: list[str] = []
        self._unread: list[str] = []
        self._agent: Agent | None = None
        # The public half of the key that was taken, as authorized_keys has it in base64.
        self.taken = b""

    @property
    def took(self) -> str:
        """What was tried last: after a login, the key or password that was taken."""
        return self._tried[-1] if self._tried else ""

    def authenticate(self, transport: Transport) -> None:
        """Try the keys, then the password; returns when the server is satisfied."""
        said: Exception = SSHException("there was no key and no password to try")
        try:
            for name, key in self._keys():
                self._tried.append(name)
                try:
                    if not transport.auth_publickey(self._hop.user, key):
                        self.taken = key.asbytes()
                        return
                    break
                except BadAuthenticationType as error:
                    said = error
                    break
                except SSHException as error:
                    said = error
                    if not transport.is_active():
                        raise self._refused(error) from error
            self._by_password(transport, said)
        finally:
            if self._agent is not None:
                self._agent.close()

    def _by_password(self, transport: Transport, said: Exception) -> None:
        if self._password is None:
            raise self._refused(said) from said
        self._tried.append("the password")
        try:
            transport.auth_password(self._hop.user, self._password)
        except SSHException as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> LoginRefused:
        return LoginRefused(str(error), self._tried, self._locked, self._unread)

    def _keys(self) -> Iterator[tuple[str, PKey]]:
        if (given := self._kwargs.get("pkey")) is not None:
            yield "the given key", given
        asked = [*_list(self._kwargs.get("key_filename")), *self._hop.identity_files]
        usual = list(self._hop.usual_files)
        if not asked and not usual and self._kwargs.get("look_for_keys", True):
            usual = [path for path in DEFAULT_FILES if Path(path).expanduser().exists()]
        done: set[bytes] = set()
        locked: set[bytes] = set()
        for path in dict.fromkeys([*asked, *usual]):
            if key := self._load(path, needed=path in asked):
                done.add(key.asbytes())
                yield path, key
            else:
                locked.add(public_half(path))
        if self._kwargs.get("allow_agent", True):
            yield from self._from_agent(done, locked)

    def _from_agent(self, done: set[bytes], locked: set[bytes]) -> Iterator[tuple[str, PKey]]:
        for key in self._agent_keys():
            wanted = not self._hop.identities_only or key.asbytes() in locked
            if wanted and key.asbytes() not in done:
                yield f"{getattr(key, 'comment', '') or key.get_name()} of the agent", key

    def _load(self, path: str, *, needed: bool) -> PKey | None:
        try:
            return self._ring.load(str(Path(path).expanduser()), self._passphrase)
        except PasswordRequiredException:
            self._locked.append(path)
        except FileNotFoundError:
            if needed:
                raise
        except (OSError, SSHException, ValueError) as error:
            self._unread.append(f"{path}: {error}")
        return None

    def _agent_keys(self) -> tuple[PKey, ...]:
        if not os.environ.get("SSH_AUTH_SOCK"):
            return ()
        try:
            self._agent = in_background(Agent).result(self._hop.limits.auth_timeout)
        except (SSHException, OSError):
            self._unread.append("the agent does not answer")
            return ()
        # A key that asks for a touch may take a while, an agent that is gone must not take for ever.
        if (line := getattr(self._agent, "_conn", None)) is not None and hasattr(line, "settimeout"):
            line.settimeout(AGENT_PATIENCE)
        return tuple(self._agent.get_keys())


def _list(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value] if isinstance(value, list | tuple) else []
