"""Tokens in `~/.ssh/config` (`%h`, `${HOME}`, `~`): ssh prints most settings with them. See TOKENS in ssh_config(5)."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import socket
from collections.abc import Iterator

from lockstitch.errors import UsageError
from lockstitch.model.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Tokens:
    """The values of tokens on the way to one hop."""

    name: str
    hostname: str
    port: int
    user: str
    alias: str = ""
    jump: str = ""

    def file(self, path: str) -> str:
        """A path with everything filled in; empty for `none`. Raises UsageError for what nobody knows."""
        if path.lower() == "none":
            return ""
        filled = re.sub(r"\$\{(\w+)\}", self._variable, self._filled(os.path.expanduser(path)))
        return os.path.abspath(filled)

    def command(self, text: str) -> str:
        """A command with its tokens filled in; the shell does the rest."""
        return self._filled(text)

    def _filled(self, text: str) -> str:
        return re.sub(r"%(.?)", self._token, text, flags=re.DOTALL)

    def _token(self, token: re.Match[str]) -> str:
        match token[1]:
            case "%":
                return "%"
            case "h":
                return self.hostname
            case "n":
                return self.name
            case "p":
                return str(self.port)
            case "r":
                return self.user
            case "k":
                return self.alias or self.name
            case "j":
                return self.jump
            case "u":
                return getpass.getuser()
            case "i":
                return str(os.getuid())
            case "d":
                return os.path.expanduser("~")
            case "l":
                return socket.gethostname()
            case "L":
                return socket.gethostname().partition(".")[0]
            case "C":
                whole = f"{socket.gethostname()}{self.hostname}{self.port}{self.user}{self.jump}"
                return hashlib.sha1(whole.encode(), usedforsecurity=False).hexdigest()
        raise UsageError(f"~/.ssh/config: {token[0]} stands for nothing", hint="a % by itself is written %%")

    def _variable(self, variable: re.Match[str]) -> str:
        if not (value := os.environ.get(variable[1])):
            raise UsageError(
                f"~/.ssh/config names {variable[0]}, and that is not set", hint=f"type: export {variable[1]}=…"
            )
        return value


def words(text: str) -> Iterator[str]:
    """The files of a list; ssh prints a path with spaces bare, so each is taken to begin with `/`, `~`, `%` or `$`."""
    if '"' in text:
        yield from (quoted or other for quoted, other in re.findall(r'"([^"]*)"|(\S+)', text))
    else:
        yield from re.split(r"\s+(?=[/~$%])", text.strip())
