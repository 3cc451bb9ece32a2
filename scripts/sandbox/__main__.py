"""The command line: python -m scripts.sandbox start | stop | status | env | counts | do."""

import argparse
import json
import sys
from dataclasses import asdict

from .client_files import shell_variables
from .errors import SandboxError
from .fleet import ACTIONS, Sandbox


def main(words: list[str] | None = None) -> int:
    """Do what the words say; errors are one line and a hint."""
    arguments = _parser().parse_args(words)
    try:
        sandbox = Sandbox(arguments.dir, getattr(arguments, "hosts", 3))
        arguments.act(sandbox, arguments)
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    return 0


def _start(sandbox: Sandbox, arguments: argparse.Namespace) -> None:
    sandbox.start()
    _status(sandbox, arguments)


def _stop(sandbox: Sandbox, arguments: argparse.Namespace) -> None:
    sandbox.stop()
    print(f"stopped {sandbox.place.root}")


def _status(sandbox: Sandbox, arguments: argparse.Namespace) -> None:
    for host in sandbox.hosts.values():
        print(f"{host.name:<12} {host.address}:{host.port}  {sandbox.status(host.name)}")
    if not sandbox.hosts:
        print(f"no sandbox in {sandbox.place.root}")


def _env(sandbox: Sandbox, arguments: argparse.Namespace) -> None:
    print(shell_variables(sandbox.place, sandbox.hosts.values()), end="")


def _counts(sandbox: Sandbox, arguments: argparse.Namespace) -> None:
    print(json.dumps({name: asdict(sandbox.counts(name)) for name in sandbox.hosts}, indent=2))


def _do(sandbox: Sandbox, arguments: argparse.Namespace) -> None:
    sandbox.do(arguments.host, arguments.action)


def _hosts(text: str) -> int | list[str]:
    return int(text) if text.isdecimal() else text.split(",")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, act, summary in (
        ("start", _start, "start the hosts; those that run are left alone"),
        ("stop", _stop, "end the hosts and every process their sessions left"),
        ("status", _status, "say where the hosts are and what they do"),
        ("env", _env, "print shell variables for eval"),
        ("counts", _counts, "print what the hosts counted, as JSON"),
        ("do", _do, "break or mend one host"),
    ):
        command = commands.add_parser(name, help=summary, description=summary)
        command.add_argument("--dir", default=".sandbox", help="its directory (%(default)s)")
        command.set_defaults(act=act)
        if name == "start":
            command.add_argument(
                "--hosts",
                type=_hosts,
                default=3,
                help="how many, or names: api1,web1 (%(default)s)",
            )
        if name == "do":
            command.add_argument("host")
            command.add_argument("action", choices=ACTIONS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
