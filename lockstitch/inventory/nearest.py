"""The nearest right word to a wrong one, for messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: object, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant; None where nothing is near."""
    by_case = {k.lower(): k for k in known}
    found = difflib.get_close_matches(str(word).lower(), by_case, n=1, cutoff=0.6)
    return by_case[found[0]] if found else None


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """The end of a message about a wrong word: the nearest right one, or all of them."""
    words = list(known)
    near = nearest(word, words)
    if near:
        return f": did you mean {near}?"
    return f" (known: {', '.join(words)})" if words else " (there is none)"
