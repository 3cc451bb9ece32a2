"""`python -m lockstitch schema`: the JSON Schema of an inventory, for editors. Deploying is done with `fab`."""

from __future__ import annotations

import argparse
import json
import sys

from lockstitch import __version__


def main(arguments: list[str] | None = None) -> int:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m lockstitch", description=__doc__)
    parser.add_argument("--version", action="version", version=f"lockstitch {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("schema", help="print the JSON Schema of an inventory")
    parser.parse_args(arguments)
    from lockstitch.inventory.schema import published

    print(json.dumps(published(), indent=2, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
