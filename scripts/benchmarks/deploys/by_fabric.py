"""A deploy as people write it with Fabric alone: one script a phase, all hosts at once.

usage: by_fabric.py APP SSH_CONFIG REPOSITORY HOST...
"""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from fabric import Config, ThreadingGroup

SCRIPTS = Path(__file__).parent
PHASES = ("prepare.sh", "switch.sh", "prune.sh")


def main(app: str, config: str, repository: str, *hosts: str) -> None:
    """Each phase on all hosts, then the next. Raises fabric.exceptions.GroupException where one fails."""
    listed = subprocess.run(
        ["git", "ls-remote", repository, "refs/heads/main"], capture_output=True, text=True, check=True
    )
    revision = listed.stdout.split()[0]
    name = datetime.now(UTC).strftime("%Y%m%d%H%M%S%f")
    variables = f"app={app} repository={repository} revision={revision} name={name}\n"
    with ThreadingGroup(*hosts, config=Config(runtime_ssh_path=config)) as group:
        for phase in PHASES:
            group.run(variables + (SCRIPTS / phase).read_text(), hide=True, in_stream=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
