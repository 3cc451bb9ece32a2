"""Run a command, and write what it took as JSON to a file: `timed.py FILE COMMAND …`.

CPU time includes what the command leaves in the background, such as an ssh master; that has to end, too.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def main(file: str, words: list[str]) -> int:
    """Run it; its exit code."""
    # It stays until what it runs has ended; and what it runs is told by whoever ends it.
    signal.signal(signal.SIGTERM, lambda *_: None)
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    began = time.monotonic()
    code = subprocess.run(words).returncode
    seconds = time.monotonic() - began
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(file, "w") as report:
        json.dump([seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024], report)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
