"""Selection of hosts by what was typed after -H. Pure, but for the loader it is given.

    prod                 all of an environment
    prod:backend         a group            prod:api1.example.com   a host
    prod:web*            a pattern          prod:!frontend          all but
    prod:backend,web1    several: words after `prod:` belong to prod, until the next `env:`
    prod,staging         an environment's name alone is all of it, wherever it stands
    10.0.0.7             no environment: a plain host name, for ad hoc tasks only; where it is close to a name of the
                         inventories it is refused, and user@name means the host all the same

What is left out is left out wherever it stands. The order of the words means nothing: hosts come as in the inventory.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import field
from fnmatch import fnmatchcase
from typing import Protocol

from lockstitch.errors import LockstitchError, UsageError
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import Inventory
from lockstitch.inventory.validation import did_you_mean
from lockstitch.model.lazy_dataclass import dataclass

# Of two words: how alike they are where one is likely a slip for the other; and what is too short to tell.
_CLOSE, _SHORT = 0.75, 2
_IPV4 = re.compile(r"[\d.]+")
_PLAIN = re.compile(r"(?:[\w.-]+@)?(?:\[[0-9A-Za-z:.%]+\]|[A-Za-z0-9][\w.-]*)(?::\d{1,5})?", re.ASCII)


class Inventories(Protocol):
    """A source of inventories: `InventoryFolder`, or a test's own."""

    def names(self) -> Sequence[str]: ...

    def load(self, name: str) -> Inventory: ...


@dataclass(frozen=True)
class Selection:
    """The fleets that were selected, one an environment, and the plain host names."""

    fleets: tuple[Fleet, ...] = ()
    plain: tuple[str, ...] = ()


def select(inventories: Inventories, text: str) -> Selection:
    """Resolve a selection. A word that means nothing is an error, and so is selecting nothing."""
    asked = _Asked(inventories, tuple(inventories.names()))
    for word in (part.strip() for part in text.split(",")):
        if word:
            asked.take(word)
    if not asked.words and not asked.plain:
        raise UsageError("no hosts are selected", hint=f"name an environment: {', '.join(asked.known)}")
    fleets = tuple(_fleet(asked.loaded[name], words) for name, words in asked.words.items())
    return Selection(fleets, tuple(dict.fromkeys(asked.plain)))


@dataclass
class _Asked:
    """The words of a selection, by the environment they belong to. `open` is the one of the last `env:`."""

    inventories: Inventories
    known: tuple[str, ...]
    words: dict[str, list[str]] = field(default_factory=dict)
    plain: list[str] = field(default_factory=list)
    loaded: dict[str, Inventory] = field(default_factory=dict)
    open: str | None = None

    def take(self, word: str) -> None:
        """Put one word where it belongs."""
        name, colon, rest = word.partition(":")
        if "@" in word or word.startswith("[") or (colon and name not in self.known and rest.isdigit()):
            self.host(word)
        elif colon:
            self.begin(name, rest)
        elif self.open and not self.is_environment(word):
            self.words[self.open].append(word)
        elif word in self.known:
            self.add(word, "*")
        elif set(word) & set("!*?["):
            raise UsageError(f"{word} does not say of which environment", hint=f"write '{self.example()}:{word}'")
        else:
            if _PLAIN.fullmatch(word):
                self.question(word)
            self.host(word)

    def question(self, word: str) -> None:
        """Refuse a plain host name that is close to a name of the inventories: it is most likely that one."""
        meant = _close(word, self.known) or (word != "localhost" and _beginning(word, self.known))
        if not meant and not _IPV4.fullmatch(word):
            meant = self.member(word)
        if meant:
            said = f"there is no environment {word}: did you mean {meant}?"
            raise UsageError(said, hint=f"fab -H {meant} …; if {word} is the name of a host: fab -H USER@{word} …")

    def member(self, word: str) -> str:
        """Return the group or host that a word is close to, as it is selected; empty for none and for a host."""
        inventories = [inventory for name in self.known if (inventory := self.readable(name))]
        hosts = {host.name: f"{each.name}:{host.name}" for each in reversed(inventories) for host in each.hosts}
        groups = {group.name: f"{each.name}:{group.name}" for each in reversed(inventories) for group in each.groups}
        if word in hosts:
            return ""
        # api3 beside api1 is a name of its own.
        other = [host for host in hosts if _letters(host) != _letters(word)]
        return groups.get(word if word in groups else _close(word, groups), "") or hosts.get(_close(word, other), "")

    def readable(self, name: str) -> Inventory | None:
        """Return an inventory; None where it cannot be read, which is told to whoever uses it."""
        try:
            return self.loaded.get(name) or self.inventories.load(name)
        except LockstitchError:
            return None

    def host(self, word: str) -> None:
        """A plain host name, as stock `fab` takes it."""
        if not _PLAIN.fullmatch(word):
            raise UsageError(f"{word!r} is no environment, and cannot be a host: write it like user@host:port")
        self.plain.append(word)

    def begin(self, name: str, rest: str) -> None:
        """`env:` and its first word; those that follow belong to it as well."""
        if name not in self.known:
            raise UsageError(f"there is no environment {name}{did_you_mean(name, self.known)}")
        if not rest or ":" in rest:
            raise UsageError(f"{name}:{rest} is not a selection", hint=f"write {name}, {name}:GROUP or {name}:HOST")
        self.open = name
        self.add(name, rest)

    def add(self, name: str, word: str) -> None:
        self.loaded.setdefault(name, self.inventories.load(name))
        self.words.setdefault(name, []).append(word)

    def is_environment(self, word: str) -> bool:
        """Tell whether a word after `env:` leaves it: an environment's name does, unless it means something in both."""
        if word not in self.known:
            return False
        if self.open and word in _names(self.loaded[self.open]):
            raise UsageError(
                f"{word} is in {self.open}, and an environment",
                hint=f"write {self.open}:{word} for the one, or put {word} first for the other",
            )
        return True

    def example(self) -> str:
        return next(iter(self.words), self.known[0] if self.known else "prod")


def _close(word: str, names: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(word, list(names), 1, _CLOSE)), "")


def _beginning(word: str, names: Iterable[str]) -> str:
    """Return the name that a word shortens or writes out: `production` for `prod`."""
    short = [name for name in names if min(len(name), len(word)) > _SHORT and "." not in word]
    return next((name for name in short if name.startswith(word) or word.startswith(name)), "")


def _letters(word: str) -> str:
    return re.sub(r"\d", "", word)


def _fleet(inventory: Inventory, words: Sequence[str]) -> Fleet:
    cells = [(group.name, host) for group in inventory.groups for host in group.hosts]
    for word in words:
        _known(inventory, word.removeprefix("!"))
    included = [word for word in words if not word.startswith("!")] or ["*"]
    unwanted = [word[1:] for word in words if word.startswith("!")]
    kept = [
        (group, host)
        for group, host in cells
        if _any(included, (group, host.name)) and not _any(unwanted, (group, host.name))
    ]
    if not kept:
        raise UsageError(f"nothing of {inventory.name} is selected by {', '.join(words)}", hint=_has(inventory))
    return Fleet(inventory, tuple(kept))


def _any(words: Iterable[str], names: tuple[str, str]) -> bool:
    return any(fnmatchcase(name, word) for word in words for name in names)


def _known(inventory: Inventory, word: str) -> None:
    names = _names(inventory)
    if not any(fnmatchcase(name, word) for name in names):
        what = "group or host that matches" if set(word) & set("*?[") else "group or host"
        raise UsageError(f"{inventory.name} has no {what} {word}{did_you_mean(word, names)}", hint=_has(inventory))


def _names(inventory: Inventory) -> list[str]:
    return [*(group.name for group in inventory.groups), *(host.name for host in inventory.hosts)]


def _has(inventory: Inventory) -> str:
    return f"groups of {inventory.name}: {', '.join(group.name for group in inventory.groups)}"
