"""The shells that are here, to prove that a text means the same in each."""

from __future__ import annotations

import shutil
import subprocess

_KNOWN = (("sh",), ("dash",), ("bash",), ("bash", "--posix"), ("busybox", "sh"), ("ksh",), ("mksh",))
SHELLS = tuple(shell for shell in _KNOWN if shutil.which(shell[0]))

# Those that are here; tests/containers/test_logins.py always has bash, tcsh, fish and zsh.
_LOGIN = (("bash",), ("dash",), ("busybox", "sh"), ("tcsh",), ("bsd-csh",), ("fish",), ("zsh",), ("mksh",))
LOGIN_SHELLS = tuple(shell for shell in _LOGIN if shutil.which(shell[0]))


def says(shell: tuple[str, ...], script: str) -> bytes:
    """What a script prints, fed to a shell's stdin as it is on a host."""
    return subprocess.run(
        shell, input=script.encode("utf-8", "surrogateescape"), capture_output=True, check=True
    ).stdout
