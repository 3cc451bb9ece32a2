"""EFFECT: a program of this machine that measures: its runs, one after the other, each within its time."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from lockstitch.concurrency import run_in_thread
from lockstitch.measures.base import MeasureProgram, ProgramResult
from lockstitch.model.command import plain

_MOST_BYTES = 32 * 1024 * 1024


def run_program(program: MeasureProgram) -> tuple[ProgramResult, ...]:
    """Run a program as often as it is meant to, and return how each run ended. One that is not installed is not tried
    again. Raises KeyboardInterrupt once it has ended."""
    stopped = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def stop() -> None:
        stopped.set()
        for process in running:
            _kill(process)

    def work() -> tuple[ProgramResult, ...]:
        results: list[ProgramResult] = []
        with tempfile.TemporaryDirectory(prefix="lockstitch-") as folder:
            words = list(program.words)
            for number, (word, content) in enumerate(program.files.items()):
                file = Path(folder) / f"{number}.json"
                file.touch(0o600)
                file.write_text(plain(content), encoding="utf-8")
                words = [each.replace(word, str(file)) for each in words]
            while len(results) < program.runs and not stopped.is_set():
                results.append(_run(words, program.seconds, Path(folder), running))
                if results[-1].code is None and not running:
                    break
        return tuple(results)

    return run_in_thread(work, stop)


def _run(words: list[str], seconds: float, folder: Path, running: list[subprocess.Popen[bytes]]) -> ProgramResult:
    with (folder / "output").open("w+b") as output, (folder / "errors").open("w+b") as errors:
        try:
            # A group of its own: a browser that it has started ends with it.
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, process_group=0, cwd=folder
            )
        except OSError as error:
            why = "is not installed here" if isinstance(error, FileNotFoundError) else (error.strerror or str(error))
            return ProgramResult(None, f"{words[0]} {why}")
        running.append(process)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            return ProgramResult(None, f"{words[0]} did not end in {seconds:g} s")
        finally:
            _kill(process)
            process.wait()
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read(_MOST_BYTES).decode("utf-8", "replace"))
    return ProgramResult(process.returncode, *texts)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
