"""Users of the demo's API, who ask each host for greetings, for `python -m scripts.sandbox.load SECONDS`."""

import json
import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from .place import ADDRESS

RATE, MOST = 20, 600.0


def ask(url: str, until: float) -> None:
    """Ask for a page so many times a second; an error is an answer like another."""
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                answer.read()
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(max(0.0, 1 / RATE - (time.monotonic() - began)))


def main(seconds: str, directory: str = ".sandbox") -> int:
    """Ask all hosts at once, for ten minutes at most. A signal to end is no failure."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    ports: dict[str, int] = json.loads((Path(directory) / "http_ports.json").read_text())
    until = time.monotonic() + min(float(seconds), MOST)
    asking = [
        threading.Thread(target=ask, args=(f"http://{ADDRESS}:{port}/greeting", until), daemon=True)
        for port in ports.values()
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
