"""Commands of an installed Lockstitch that need no project: `python -m lockstitch init DIR` makes one, `schema` prints
the JSON Schema of an inventory, for editors. Deploying is done with `fab`."""

from __future__ import annotations

import argparse
import json
import sys

from lockstitch import __version__
from lockstitch.cli.scaffold import FLAGS
from lockstitch.errors import ExitCode, LockstitchError


def main(arguments: list[str] | None = None) -> int:
    """Do what was asked for; the exit code."""
    told = _parser().parse_args(arguments)
    try:
        print(_init(told) if told.command == "init" else _schema())
    except KeyboardInterrupt:
        print("interrupted: it is made whole or not at all", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)
    except (LockstitchError, OSError) as error:
        from lockstitch.report import neutral

        os_error = isinstance(error, OSError) and error.strerror
        said = f"{error.filename}: {error.strerror.lower()}" if os_error else str(error)  # type: ignore[union-attr]
        print(neutral(said), file=sys.stderr)
        return int(error.exit_code if isinstance(error, LockstitchError) else ExitCode.USAGE)
    return int(ExitCode.DONE)


def typed(question: str) -> str:
    """Ask a person a question and return the answer."""
    print(question, end="", flush=True)
    line = sys.stdin.readline()
    if not line:
        raise LockstitchError(
            "there is no answer; nothing was written", hint="--yes takes what is not given as default"
        )
    return line


def at_terminal() -> bool:
    """Tell whether somebody is there who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lockstitch", description=__doc__)
    parser.add_argument("--version", action="version", version=f"lockstitch {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("schema", help="print the JSON Schema of an inventory")
    init = commands.add_parser("init", help="make a new operations repository", description=_INIT)
    init.add_argument("directory", metavar="DIR", help="the folder; it is made, or holds none of the files")
    for flag, says in FLAGS.items():
        says = says.replace("%", "%%")
        if flag == "setting":
            init.add_argument("--setting", action="append", default=[], metavar="KEY=VALUE", help=says)
        elif flag == "protect":
            init.add_argument("--protect", action=argparse.BooleanOptionalAction, default=True, help=says)
        elif flag in ("git", "yes"):
            init.add_argument(f"--{flag}", action="store_true", help=says)
        else:
            init.add_argument(f"--{flag}", default="", help=says)
    init.add_argument("--dry", action="store_true", help="write nothing, and show what would be")
    return parser


_INIT = (
    "Make a new operations repository: fabfile, fabric.yaml, tasks, and an inventory from these flags. What is not "
    "given is asked for on a terminal, and the default elsewhere. Nothing that is there is overwritten."
)


def _init(told: argparse.Namespace) -> str:
    from lockstitch.cli.scaffold.init import begin
    from lockstitch.report import neutral

    given = {flag: value for flag, value in vars(told).items() if flag in FLAGS and isinstance(value, str)}
    ask = typed if at_terminal() and not told.yes else None
    return neutral(
        begin(told.directory, given, told.setting, protect=told.protect, git=told.git, dry=told.dry, ask=ask)
    )


def _schema() -> str:
    from lockstitch.inventory.schema import published

    return json.dumps(published(), indent=2, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())
