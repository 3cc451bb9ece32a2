"""Several things at once, and a signal at every moment of waiting for them."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from lockstitch.concurrency import (
    holding_interrupts,
    interrupt,
    listening,
    run_in_thread,
    run_parallel,
    sleep,
    uninterrupted,
)


def test_the_results_have_the_order_of_the_items() -> None:
    gate = threading.Barrier(3)
    assert run_parallel(lambda n: (gate.wait(10), n * n)[1], [1, 2, 3]) == [1, 4, 9]
    assert run_parallel(str, []) == []


def test_what_failed_first_by_order_is_raised_when_all_have_ended() -> None:
    ended: list[int] = []

    def do(n: int) -> None:
        ended.append(n)
        if n:
            raise ValueError(n)

    with pytest.raises(ValueError, match="1"):
        run_parallel(do, [0, 1, 2])
    assert sorted(ended) == [0, 1, 2]


def test_nobody_listens_so_it_is_raised() -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupt()


def test_an_interrupt_is_told_to_what_works_and_raised_when_it_has_ended() -> None:
    stopped, begun = threading.Event(), threading.Event()
    ended: list[int] = []

    def do(n: int) -> None:
        begun.set()
        assert stopped.wait(10)
        ended.append(n)

    def ring() -> None:
        assert begun.wait(10)
        interrupt()

    threading.Thread(target=ring).start()
    with pytest.raises(KeyboardInterrupt):
        run_parallel(do, [1, 2], stopped.set, most=1)
    assert ended == [1], "what had not begun began after the interrupt"


def test_patience_waits_interrupts_out() -> None:
    def do() -> int:
        interrupt()
        return 5

    assert run_parallel(lambda _: do(), [None], patience=1) == [5]
    with pytest.raises(KeyboardInterrupt):
        run_parallel(lambda _: [do(), do()], [None], patience=1)


def test_resting_ends_by_itself_or_by_an_interrupt() -> None:
    sleep(0.001)
    threading.Timer(0.05, interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        sleep(30)


def test_an_interrupt_that_is_held_is_raised_by_what_listens_next_or_at_the_end() -> None:
    begun: list[int] = []
    with pytest.raises(KeyboardInterrupt), holding_interrupts():
        interrupt()
        begun.append(1)
        run_in_thread(lambda: begun.append(2))
        begun.append(3)
    assert 3 not in begun
    with pytest.raises(KeyboardInterrupt), holding_interrupts():
        interrupt()
        begun.append(4)
    assert begun[-1] == 4
    with holding_interrupts():
        assert run_parallel(lambda n: n, [5]) == [5]


def test_one_that_is_held_further_out_is_raised_by_what_listens_further_in() -> None:
    begun: list[int] = []
    with pytest.raises(KeyboardInterrupt), holding_interrupts():
        interrupt()
        with holding_interrupts():
            run_in_thread(lambda: begun.append(1))
            begun.append(2)
    assert 2 not in begun
    with pytest.raises(KeyboardInterrupt), holding_interrupts():
        interrupt()
        with uninterrupted():
            begun.append(3)
        begun.append(4)
    assert begun[-2:] == [3, 4], "it is too late, and is told at the end"


def test_what_is_decided_is_not_interrupted_but_what_listens_meanwhile_is() -> None:
    with uninterrupted():
        interrupt()
        with pytest.raises(KeyboardInterrupt):
            run_parallel(lambda _: interrupt(), [None])
        interrupt()
    with pytest.raises(KeyboardInterrupt):
        interrupt()


def test_what_was_not_heard_is_raised_at_the_end() -> None:
    with pytest.raises(KeyboardInterrupt), listening():
        interrupt()


def test_another_thread_than_the_main_one_hears_nothing() -> None:
    heard: list[str] = []

    def elsewhere() -> None:
        with listening(), pytest.raises(KeyboardInterrupt):
            interrupt()
        heard.append("no")

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert heard == ["no"]


EVERY_MOMENT = """
    import signal, sys
    from functools import partial
    from lockstitch.concurrency import run_in_thread, run_parallel, sleep
    from lockstitch.cli.signals import interruptible

    def work(do):
        do(lambda n: n, range(3))

    def interrupted_at(moment, do):
        left = [moment]

        def trace(frame, event, arg):
            frame.f_trace_opcodes = True
            if event == "opcode":
                left[0] -= 1
                if left[0] == 0:
                    signal.raise_signal(signal.SIGINT)
            return trace

        heard = False
        with interruptible():
            sys.settrace(trace)
            try:
                work(do)
            except KeyboardInterrupt:
                heard = True
            finally:
                sys.settrace(None)
        return heard, left[0] > 0

    for do in (run_parallel, partial(run_parallel, patience=1)):
        moment, heard = 0, 0
        while True:
            moment += 1
            # Where it hangs, the last line tells at which moment.
            print(do, moment, flush=True)
            was, over = interrupted_at(moment, do)
            heard += was
            if over:
                break
        print("moments", moment, "heard", heard)
"""


def test_a_signal_at_any_moment_ends_nothing_in_a_deadlock() -> None:
    """At each operation of the main thread, within the libraries too; the process ends by itself, or this fails."""
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(EVERY_MOMENT)], capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stdout[-500:] + ran.stderr[-2000:]
    told = [line.split() for line in ran.stdout.splitlines() if line.startswith("moments")]
    (_, moments, _, heard), (_, patient, _, seldom) = told
    assert int(moments) > 1000 and int(patient) > 1000, told
    assert int(heard) > int(moments) / 2 and int(seldom) < int(heard), told


def test_one_thing_alone() -> None:
    assert run_in_thread(lambda: threading.current_thread() is threading.main_thread()) is False
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_that_does_not_wake_the_main_thread_is_heard_all_the_same() -> None:
    """It came to another thread, or as the main one was about to sleep: no system call of it is interrupted."""
    stopped = threading.Event()

    def work() -> bool:
        # Nothing tells that another thread sleeps in a lock. Where it does not yet, this passes all the same.
        time.sleep(0.5)
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        return stopped.wait(60)

    before = signal.signal(signal.SIGINT, lambda number, frame: interrupt())
    try:
        with pytest.raises(KeyboardInterrupt):
            run_in_thread(work, stopped.set)
    finally:
        signal.signal(signal.SIGINT, before)
    assert stopped.is_set()
