"""EFFECT: names of parts, which a later transfer of the same content to the same place makes again.

A key of this project is part of them, so that nobody else can predict one and no two people write to the same part. So
is a slot that one running process holds, so that two processes of one person do not either.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import secrets
from contextlib import ExitStack, suppress
from pathlib import Path

_SLOTS = 64
_KEY = 32


class PartNames:
    """Makes the names, as a context manager: until it ends, no other process makes the same ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held = ExitStack()
        self._key = secrets.token_bytes(_KEY)

    def __enter__(self) -> PartNames:
        # Where nothing can be kept the names are new each time: nothing goes on where it was, and nothing else is lost.
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            slot = self._slot()
            if slot is not None:
                self._key = hmac.digest(self._kept(), slot.encode(), "sha256")
        return self

    def __exit__(self, *exc: object) -> None:
        self._held.close()

    def part(self, *of: str) -> str:
        """Return the name of the part for a host, a place there and a content."""
        said = b"\0".join(hashlib.sha256(word.encode("utf-8", "surrogateescape")).digest() for word in of)
        return f".lockstitch-{hmac.new(self._key, said, hashlib.sha256).hexdigest()[:32]}.part"

    def _slot(self) -> str | None:
        for number in range(_SLOTS):
            descriptor = os.open(self._folder / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(descriptor)
                continue
            self._held.callback(os.close, descriptor)
            return str(number)
        return None

    def _kept(self) -> bytes:
        place = self._folder / "key"
        draft = self._folder / f"key-{secrets.token_hex(8)}"
        draft.touch(0o600)
        draft.write_bytes(self._key)
        try:
            # Whoever is first makes it, and it is whole from the first moment.
            os.link(draft, place)
        except FileExistsError:
            return place.read_bytes()
        finally:
            draft.unlink()
        return self._key
