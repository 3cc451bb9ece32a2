"""Shell text and the values in it. The only place that quotes for a shell.

A Command is a constant piece of POSIX sh that uses its values as variables: the text never has a value pasted
into it, so there is one place where a value becomes shell text (`quote`), and one thing to prove.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field

from lockstitch.errors import UsageError
from lockstitch.model.lazy_dataclass import dataclass

MASK = "***"
# A line such as `}` inside a many-line secret says nothing, and masking it would garble every output.
_TOO_SHORT_TO_MASK = 3
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_READ_DIFFERENTLY = re.compile(r"['!]|\\\\|\\\Z")
# The C shell of BSD, which is Debian's csh, takes no word of more than 8190 characters; a byte may be five.
_MOST_CODED = 1600
# Linux gives a program no longer variable or argument (MAX_ARG_STRLEN, with its name and a NUL), and all of them
# together no more than a quarter of the stack, which is 8 MiB where nobody has changed it.
LONGEST_VARIABLE = 128 * 1024 - 300
LARGEST_ENVIRONMENT = 2 * 1024 * 1024 - 2 * LONGEST_VARIABLE
TOO_LONG = "Linux gives a program no more than 128 KiB at once: put it into a file, and its path here"
_SAFE = re.compile(r"[A-Za-z0-9_@%+=:,./-]+\Z")


class Secret:
    """A value that does not print: `str()`, `repr()` and formatting show a mask; `reveal()` gives the value."""

    __slots__ = ("_value", "source")

    def __init__(self, value: str, source: str = "") -> None:
        self._value = value
        self.source = source

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return f"Secret({self.source or MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not pickled")


Value = str | Secret


def quote(value: str) -> str:
    """One shell word that means exactly `value`, in any POSIX sh; NUL, which no shell word can hold, is refused."""
    if "\0" in value:
        raise UsageError("a value holds a NUL character, which cannot be passed to a command")
    if _SAFE.match(value):
        return value
    return "'" + value.replace("'", "'\"'\"'") + "'"


def words(*parts: str) -> str:
    """A command line of literal words, each quoted."""
    return " ".join(quote(part) for part in parts)


def any_shell(text: str) -> str:
    """One line that has any login shell (sh, csh, fish, zsh, …) run `text` in `sh`, with its stdin untouched.

    It holds nothing that two shells read differently within single quotes: `'`, `!`, two backslashes, a new line.
    """
    if len(text) <= _MOST_CODED and text.isascii() and text.isprintable() and not _READ_DIFFERENTLY.search(text):
        return f"exec sh -c '{text}'"
    coded = [
        chr(byte) if 32 <= byte < 127 and chr(byte) not in "'!\\" else "\\n" if byte == 10 else f"\\0{byte:03o}"
        for byte in text.encode("utf-8", "surrogateescape")
    ]
    parts = ("".join(coded[at : at + _MOST_CODED]) for at in range(0, len(coded), _MOST_CODED))
    return 'exec sh -c \'eval "$(printf %b "$@")"\' sh ' + " ".join(f"'{part}'" for part in parts)


@dataclass(frozen=True)
class Command:
    """A piece of POSIX sh with the values it uses.

    `text` is constant shell text, or a line a user wrote in the inventory; `values` become shell variables
    before it, `env` is exported to it, `cwd` is where it runs (relative: to the login user's home).
    """

    text: str
    values: Mapping[str, Value] = field(default_factory=dict)
    env: Mapping[str, Value] = field(default_factory=dict)
    cwd: str | None = None

    def __post_init__(self) -> None:
        for name in [*self.values, *self.env]:
            if not _NAME.match(name):
                raise UsageError(f"{name!r} cannot be the name of a shell variable")
        sizes = {name: len(plain(value).encode("utf-8", "surrogateescape")) for name, value in self.env.items()}
        longest = max(sizes, key=sizes.__getitem__, default="")
        if longest and sizes[longest] > LONGEST_VARIABLE:
            raise UsageError(f"the environment variable {longest} has {sizes[longest]} bytes, and {TOO_LONG}")
        if (size := sum(sizes.values())) > LARGEST_ENVIRONMENT:
            said = (
                f"the environment has {size} bytes, the most of them in {longest}, and no program of a host would begin"
            )
            raise UsageError(said, hint="put the long values into files, and their paths into the environment")

    def render(self) -> str:
        """The shell text that is sent: secrets in clear, since it goes to the host's stdin and nowhere else."""
        return self._text(plain)

    def shown(self) -> str:
        """The same text for a person's eyes: every secret a mask."""
        return self._text(str)

    def _text(self, plain: object) -> str:
        assert callable(plain)
        lines = [f"{name}={quote(plain(value))}" for name, value in self.values.items()]
        lines += [f"export {name}={quote(plain(value))}" for name, value in self.env.items()]
        if self.cwd is not None:
            lines.append(f"cd -- {quote(self.cwd)} || exit 1")
        return "\n".join([*lines, self.text])

    def secrets(self) -> tuple[Secret, ...]:
        """The secrets in it, so that what a host prints can be masked."""
        return tuple(v for v in [*self.values.values(), *self.env.values()] if isinstance(v, Secret))


def plain(value: Value) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def mask(text: str, secrets: Iterable[Secret]) -> str:
    """The text with every secret's value, and every line of one that spans lines, replaced by a mask."""
    for part in _masked_parts(secrets):
        text = text.replace(part, MASK)
    return text


def mask_lines(text: str, secrets: Iterable[Secret]) -> str:
    """The text with each of its lines masked for itself: as many lines as before."""
    for part in _masked_parts(secrets):
        if "\n" not in part:
            text = text.replace(part, MASK)
    return text


def _masked_parts(secrets: Iterable[Secret]) -> list[str]:
    whole = {secret.reveal() for secret in secrets}
    lines = {line for value in whole for line in value.splitlines() if len(line) > _TOO_SHORT_TO_MASK}
    # The longest first: a secret that begins with another one must not lose only its beginning.
    return sorted((whole | lines) - {""}, key=len, reverse=True)


def line(*parts: str, cwd: str | None = None, env: Mapping[str, Value] | None = None) -> Command:
    """A Command of literal words."""
    return Command(words(*parts), env=env or {}, cwd=cwd)
