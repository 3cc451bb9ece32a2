"""Pure: splits the output of a host's script. Lines that begin with a random tag are words of the script, and those
between `begin` and `end` are bytes of a file."""

from __future__ import annotations

from collections.abc import Callable

from lockstitch.remote.script import LONGEST_LINE

# More of one line is not kept.
LONGEST = 1024 * 1024


class FrameReader:
    """Takes the output of one script line by line.

    `word` is called with the script's own words, `line` with each whole line of a piece. `rest` is called once for each
    piece, before the word `end` or `torn`, with the unfinished line at its end.
    """

    def __init__(
        self,
        tag: str,
        word: Callable[[list[str]], None],
        line: Callable[[str], None],
        rest: Callable[[str], None] = lambda text: None,
        *,
        endless: bool = False,
    ) -> None:
        self._tag, self._word, self._line, self._rest = f"{tag} ", word, line, rest
        self._held: str | None = None
        self._goes_on = self._within = False
        # A piece without an end has no dot after it, so that no line waits for the next.
        self._endless = endless

    def feed(self, text: str) -> None:
        """Take the next line, or the next part of a long one."""
        if not self._goes_on and text.startswith(self._tag):
            words = text.removeprefix(self._tag).split(" ")
            self._end(words[0] in ("end", "torn"))
            self._within = words[0] in ("begin", "head")
            self._word(words)
        elif self._within:
            if self._goes_on:
                self._held = ((self._held or "") + text)[:LONGEST]
            else:
                self._end(False)
                self._held = text
            self._goes_on = len(text) == LONGEST_LINE
            if self._endless and not self._goes_on:
                self._end(False)

    def _end(self, of_piece: bool) -> None:
        held, self._held, self._goes_on = self._held, None, False
        if held is None:
            return
        # A dot and a newline are put after each piece, so that our words always begin a line.
        if of_piece:
            self._rest(held.removesuffix("."))
        else:
            self._line(held)
