"""The value Identity: a person, as git or a machine names them."""

from __future__ import annotations

import re

from lockstitch.model.lazy_dataclass import dataclass

_WRITTEN = re.compile(r"(?P<name>[^<>]*)<(?P<mail>[^<>]*)>")


@dataclass(frozen=True)
class Identity:
    """A person. What is not known is empty."""

    name: str = ""
    mail: str = ""
    user: str = ""

    def __str__(self) -> str:
        return f"{self.name} <{self.mail}>" if self.name and self.mail else self.mail or self.name or self.user


def identity_of(text: str) -> Identity:
    """Return the person that git writes as `NAME <MAIL>`; a text of another form is a name."""
    match = _WRITTEN.search(text)
    return Identity(match["name"].strip(), match["mail"].strip()) if match else Identity(text.strip())
