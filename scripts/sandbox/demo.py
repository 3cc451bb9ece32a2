"""Make the demo: three hosts, the API's repository, and hosts/sandbox.yml. Prints nothing."""

import sys
from pathlib import Path

from .apps import make_api_repository
from .errors import SandboxError
from .fleet import Sandbox
from .inventory import write_inventory

HOSTS = ["api1", "api2", "api3"]


def main(directory: str = ".sandbox", inventory: str = "hosts/sandbox.yml") -> int:
    """Start the sandbox in `directory` and write the inventory that names it."""
    try:
        sandbox = Sandbox(Path(directory), HOSTS)
        sandbox.start()
        write_inventory(sandbox, make_api_repository(sandbox.place.root / "api.git"), Path(inventory))
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
