"""Pure: command lines for journals, with a mask in place of everything that looks like a secret.

The net has holes: a password that stands alone (`echo hunter2 | chpasswd`) looks like any other word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from lockstitch.model.command import MASK, Secret, mask

_VALUE = r"""(?:'[^']*'|"[^"]*"|[^\s'";|&]+)+"""
_NAME = (
    r"[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)[\w.-]*"
    r"|[\w-]*_pwd"
)
# The rest of a word that `words` has quoted, a quote in it too: what it holds does not end at a blank or a `;`.
_REST = r"""[^']*(?:'"'"'[^']*)*"""
# scheme://user:password@host; the name of the user says who did it, and stays.
_URL = re.compile(r"(://[^\s/:@'\"]*:)([^\s'\"]+)(?=@)")
# What each of the patterns has in it, in any case: most command lines have none.
_HINT = re.compile(r"(?i)[=:]|--|bearer|basic|curl|mysql|mariadb|sshpass|login|redis-cli")


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    # Start-up: compiling them takes longer than many a task.
    return (
        re.compile(rf"(?i)((?<!\S)'(?:{_NAME})=)({_REST})(?=')"),
        re.compile(rf"(\bcurl\b[^|;&\n]*?\s(?:-u|--user)[\s=]*'[^\s:']+:)({_REST})(?=')"),
        re.compile(rf"(\b(?:mysql|mariadb)[\w-]*\b[^|;&\n]*?\s'-p)({_REST})(?=')"),
        # NAME=value, "NAME": value, and --name value.
        re.compile(rf"(?i)((?:{_NAME})['\"]?\s*[=:]\s*)({_VALUE})"),
        re.compile(rf"(?i)(--(?:{_NAME})\s+)({_VALUE})"),
        re.compile(r"(?i)((?:bearer|basic)\s+)([^\s'\";|&]+)"),
        _URL,
        re.compile(r"(\bcurl\b[^|;&\n]*?\s(?:-u|--user)[\s=]*['\"]?[^\s:'\"]+:)([^\s'\"]+)"),
        # The clients of MySQL and MariaDB take it without a space, redis-cli with one.
        re.compile(rf"(\b(?:mysql|mariadb)[\w-]*\b[^|;&\n]*?\s-p)({_VALUE})"),
        re.compile(rf"(\b(?:sshpass|(?:docker|podman) login)\b[^|;&\n]*?\s-p\s*)({_VALUE})"),
        re.compile(rf"(\bredis-cli\b[^|;&\n]*?\s-a\s+)({_VALUE})"),
    )


def without_passwords(text: str) -> str:
    """Mask the passwords of the URLs in a text."""
    return _URL.sub(lambda match: match[1] + MASK, text)


def redacted(text: str, secrets: Iterable[Secret] = ()) -> str:
    """Mask the known secrets of a command line, and everything that looks like one."""
    text = mask(text, secrets)
    for pattern in _patterns() if _HINT.search(text) else ():
        text = pattern.sub(lambda match: match[1] + MASK, text)
    return text


# What git has for everybody: a word there that looks like a secret is none.
_PUBLIC = frozenset({"commits", "coming", "going"})


def redacted_values(value: Any, secrets: Sequence[Secret]) -> Any:
    """Return a value as JSON has it with the same masks in each of its texts; commits keep all but known secrets."""
    if isinstance(value, str):
        return redacted(value, secrets)
    if isinstance(value, Mapping):
        return {
            key: _masked(each, secrets) if key in _PUBLIC else redacted_values(each, secrets)
            for key, each in value.items()
        }
    return [redacted_values(each, secrets) for each in value] if isinstance(value, list) else value


def _masked(value: Any, secrets: Sequence[Secret]) -> Any:
    if isinstance(value, Mapping):
        return {key: _masked(each, secrets) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked(each, secrets) for each in value]
    return mask(value, secrets) if isinstance(value, str) else value
