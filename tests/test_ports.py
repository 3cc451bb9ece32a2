"""Ports that tests are given: never the same twice, whoever asks."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.ports import PORTS, free_port

ANOTHER_PROCESS = "from tests.ports import free_port; print(*(free_port() for _ in range(200)))"


def test_threads_and_processes_are_given_ports_of_their_own() -> None:
    with ThreadPoolExecutor(8) as pool:
        ours = list(pool.map(lambda _: free_port(), range(200)))
    answer = subprocess.run([sys.executable, "-c", ANOTHER_PROCESS], capture_output=True, text=True, check=True)
    theirs = [int(word) for word in answer.stdout.split()]
    assert len({*ours, *theirs}) == 400
    assert all(port in PORTS for port in (*ours, *theirs))
