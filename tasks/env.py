"""`fab env.check`, `env.diff`, `env.push`, `env.undo` and `env.rotate`."""

from __future__ import annotations

from lockstitch import cli


@cli.session_task(needs="settings", options=cli.FANOUT)
def check(session: cli.Session, only: str = "") -> None:
    """
    Compare settings: declared, in the file, running.

    For each name and host: where its value is from, what stands in the file on the host, and what each process has.
    Values are compared on the hosts; none is shown.

        fab -H prod env.check
        fab -H prod env.check --only api --json

    Exit codes: 0 all are the same, 2 no app has settings, 3 a host is unreachable, 7 something differs or cannot be
    read.
    """
    cli.settings.check_settings(session, only)


@cli.session_task(needs="settings", options=cli.FANOUT)
def diff(session: cli.Session, only: str = "") -> None:
    """
    Show which settings differ, by name.

    As `env.check`, with those alone that differ or cannot be read. Values are never shown.

        fab -H prod env.diff

    Exit codes: as `env.check`.
    """
    cli.settings.check_settings(session, only, all_of_them=False)


@cli.session_task(
    needs="settings", options=cli.CHANGE, help={"only": "only these apps or settings, by their names, with commas"}
)
def push(session: cli.Session, only: str = "") -> None:
    """
    Write settings into the files, and have them run.

    Each host's environment file is written anew beside itself and renamed; names that nobody declared stay. Then the
    app takes it, in waves, and every process must have what was written. Whatever fails, the former files are back.

        fab --dry -H prod env.push
        fab -H prod env.push --only JWT_SECRET

    Exit codes: 0 done, 2 usage, 3 unreachable, 4 locked, 5 failed and the former file is back everywhere, 6 the hosts
    that are named need a person, 7 a value breaks its rules or a file cannot be read, 130 interrupted.
    """
    cli.settings.change_settings(session, "push", only)


@cli.session_task(needs="settings", options=cli.CHANGE)
def undo(session: cli.Session, only: str = "") -> None:
    """
    Put back the files from before the last env.push.

    The former environment file of each host that the last `env.push` changed is put back, and the app takes it. Once
    more, and it is the file before that one.

        fab -H prod env.undo

    Exit codes: as `env.push`; 7 too where no former file is kept.
    """
    cli.settings.change_settings(session, "undo", only)


@cli.session_task(
    takes="name",
    needs="rotate",
    options=cli.CHANGE,
    help={
        "name": "the key, a setting with `rotate`",
        "at_once": "do not wait for the overlap",
    },
)
def rotate(session: cli.Session, name: str, only: str = "", at_once: bool = False) -> None:
    """
    Change a key in phases, each of them proven.

    Each call does the next phase. A key that hosts verify: all hosts accept the new one, all sign with it, and after
    the overlap the former one goes. A key of a provider: the new one in, proven by a smoke step; then the former one,
    proven refused. A phase that fails goes back, `env.undo` takes back one but the last. No lock is held between them.

        fab -H prod env.rotate APP_KEY

    Exit codes: as `env.push`; 0 too while both keys are to be accepted, 7 where the files are in no state of a
    rotation.
    """
    cli.settings.rotate(session, name, only, at_once=at_once)


namespace = cli.Collection("env", check, diff, push, undo, rotate)
