"""Commands of an installed Lockstitch that need no project: `python -m lockstitch init DIR` makes one, `schema` prints
the JSON Schema of an inventory or of a runbook, for editors. Deploying is done with `fab`."""

from __future__ import annotations

import argparse
import json
import sys

from lockstitch import __version__
from lockstitch.cli.init import init_text
from lockstitch.cli.scaffold import FLAGS, FORMS
from lockstitch.errors import ExitCode, LockstitchError
from lockstitch.inventory.schema import published
from lockstitch.runbooks.settings import published_runbook
from lockstitch.text import neutral


def main(arguments: list[str] | None = None) -> int:
    """Do what was typed, and return the exit code."""
    typed = _parser().parse_args(arguments)
    try:
        if typed.command == "init":
            print(init_text(typed.directory, vars(typed), dry=typed.dry))
        else:
            made = published_runbook() if typed.of == "runbook" else published()
            print(json.dumps(made, indent=2, ensure_ascii=False))
    except KeyboardInterrupt:
        print("interrupted: it is made whole or not at all", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)
    except (LockstitchError, OSError) as error:
        os_error = isinstance(error, OSError) and error.strerror
        text = f"{error.filename}: {error.strerror.lower()}" if os_error else str(error)  # type: ignore[union-attr]
        print(neutral(text), file=sys.stderr)
        return int(error.exit_code if isinstance(error, LockstitchError) else ExitCode.USAGE)
    return int(ExitCode.DONE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lockstitch", description=__doc__)
    parser.add_argument("--version", action="version", version=f"lockstitch {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    schema = commands.add_parser("schema", help="print the JSON Schema of an inventory, or of a runbook")
    schema.add_argument("of", nargs="?", choices=("inventory", "runbook"), default="inventory", help="of what")
    init = commands.add_parser("init", help="make a new operations repository", description=_INIT)
    init.add_argument(
        "directory", metavar="DIR", help="the folder; it is made, or holds none of the files, or a project"
    )
    for flag, (default, help_text) in FLAGS.items():
        help_text = help_text.replace("%", "%%")
        if default is None:
            init.add_argument(f"--{flag}", action="append", default=[], metavar=FORMS[flag], help=help_text)
        elif default is True:
            init.add_argument(f"--{flag}", action=argparse.BooleanOptionalAction, default=True, help=help_text)
        elif default is False:
            init.add_argument(f"--{flag}", action="store_true", help=help_text)
        else:
            init.add_argument(f"--{flag}", default=default, help=help_text)
    init.add_argument("--dry", action="store_true", help="write nothing, and show what would be")
    return parser


_INIT = (
    "Make a new operations repository: fabfile, fabric.yaml, tasks, and an inventory from these flags. What is not "
    "given is asked for on a terminal, and the default elsewhere. In a project's folder, only the inventory of another "
    "environment is made. Nothing that is there is overwritten."
)


if __name__ == "__main__":
    sys.exit(main())
