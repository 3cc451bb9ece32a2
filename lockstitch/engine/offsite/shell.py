"""Shell texts that run on the host that a backup is pushed to."""

from __future__ import annotations

from lockstitch.model.shell import shell_text


def _text(name: str) -> str:
    return shell_text(__package__, f"{name}.sh")


COMPARE = _text("compare")
PREPARE = _text("prepare")
FINISH = _text("finish")
PREPARE_MANIFEST = 'set -eu; umask 077\ncd -- "$directory/$name"; rm -rf .new; mkdir .new\n'
RENEW_MANIFEST = _text("renew")
REMOVE = 'cd -- "$directory" 2>/dev/null && rm -rf -- ".$name.part"\nexit 0\n'
# An encrypted copy, `file`, with `note` beside it; `sums` is the line of sha256sum for the first.
COMPARE_SEALED = r"""
cd -- "$directory" 2>/dev/null && printf '%s\n' "$sums" | sha256sum -c - >/dev/null 2>&1 && echo same || echo other
"""
PREPARE_SEALED = _text("prepare_sealed")
FINISH_SEALED = _text("finish_sealed")
REMOVE_SEALED = 'cd -- "$directory" 2>/dev/null && rm -f -- ".$file.part" ".$note.part"\nexit 0\n'
