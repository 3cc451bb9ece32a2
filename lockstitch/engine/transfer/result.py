"""VALUE: the result of a transfer on one host, in words and numbers."""

from __future__ import annotations

from lockstitch.model.format import sized
from lockstitch.model.lazy_dataclass import dataclass

_DID = {"send": "sent to", "fetch": "fetched to"}


@dataclass(frozen=True)
class TransferResult:
    """The files carried, or to be carried.

    `do` is `send` or `fetch`. `files` and `size` are what is carried, `unchanged` the files that were there already,
    and `resumed` those that went on where they had been cut off.
    """

    do: str
    to: str
    files: int
    size: int
    unchanged: int = 0
    resumed: int = 0

    def text(self, *, planned: bool = False) -> str:
        """Return it in words: `2 files, 3.4 MiB, sent to /srv/upload; 1 unchanged`."""
        count = f"{self.files} file{'' if self.files == 1 else 's'}, {sized(self.size)},"
        said = f"would {self.do} {count} to {self.to}" if planned else f"{count} {_DID[self.do]} {self.to}"
        if not self.files:
            said = f"{self.to} is as it should be"
        more = [f"{self.resumed} resumed"] if self.resumed else []
        more += [f"{self.unchanged} unchanged"] if self.unchanged else []
        return "; ".join([said, *more])
