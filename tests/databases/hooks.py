"""A program that waits for the tests before it dumps, or after: events in the middle of a dump, and no sleeps."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Literal

from tests.databases.dialects import speaks
from tests.servers import LocalServer

WAIT = r"""#!/bin/sh
# Waits at most 60 s, in case nobody lets it go.
wait_for() { left=6000; while [ ! -e "$1" ] && [ $left -gt 0 ]; do left=$((left - 1)); sleep 0.01; done; }
case " $* " in *" --version "*) exec "{real}" "$@" ;; esac
echo $$ >"{folder}/pid.new"
"""
BEFORE = r"""
mv "{folder}/pid.new" "{folder}/pid"
wait_for "{folder}/go"
exec "{real}" "$@"
"""
AFTER = r"""
"{real}" "$@"; code=$?
mv "{folder}/pid.new" "{folder}/pid"
wait_for "{folder}/go"
exit $code
"""


class Hook:
    """A folder for the front of a PATH. The program in it that dumps waits before it begins, or when it has done everything."""

    def __init__(self, folder: Path, server: LocalServer, when: Literal["before", "after"] = "before") -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        text = (WAIT + (BEFORE if when == "before" else AFTER)).replace("{folder}", str(folder))
        program = folder / speaks(server).dump
        program.write_text(text.replace("{real}", str(server.bin / program.name)))
        program.chmod(0o755)

    def reached(self, seconds: float = 20.0) -> int:
        """Wait until it waits; its process."""
        until = time.monotonic() + seconds
        while not (self.folder / "pid").exists():
            assert time.monotonic() < until, "no dump was ever begun"
            time.sleep(0.005)
        return int((self.folder / "pid").read_text())

    def go(self) -> None:
        """Let it, and all that come after it, go on."""
        (self.folder / "go").touch()

    def kill(self) -> None:
        """End it as the kernel does when memory is short."""
        os.kill(self.reached(), signal.SIGKILL)
        self.go()
