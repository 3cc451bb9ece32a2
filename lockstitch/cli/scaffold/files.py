"""Every file of a new operations repository, from the template and a person's answers. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from lockstitch import __version__
from lockstitch.cli.scaffold.answers import Answers
from lockstitch.cli.scaffold.service_settings import settings
from lockstitch.cli.scaffold.text import SCHEMA, inventory_text
from lockstitch.inventory.schema import published

_ENVIRONMENT = re.compile(r'^(  environment: *)""(?= |$)', re.MULTILINE)

_IGNORED = """\
# What was done from this machine, and the programs it is done with.
.lockstitch/
.venv/
__pycache__/
"""

_REQUIREMENTS = """\
# Where Lockstitch is on no package index: `pip install ../lockstitch` from a folder or a wheel, or name a git
# repository here instead: lockstitch @ git+https://git.example.com/lockstitch.git@v@VERSION@
lockstitch==@VERSION@
"""

_README = """\
# Operations

Deploys and maintenance with Lockstitch. `hosts/@NAME@.yml` says which hosts there are and what runs there.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && . .venv/bin/activate
    fab doctor                  # this machine: versions, keys, inventories
    fab -H @NAME@ trust          # once: compare and record the hosts' keys
    fab -H @NAME@ doctor         # each host: login, tools, git access
    fab -H @NAME@ check          # what must be true before a deploy
    fab -H @NAME@ plan           # what a deploy would do
    fab -H @NAME@ deploy

`fab --list` shows every task, `fab --help deploy` one in full. `tasks/` is this repository's own: change what you like.
"""


def written(template: Mapping[str, bytes], answers: Answers) -> dict[str, bytes]:
    """Every file's content by its path."""
    kind = str(answers.service["kind"])
    others = {
        key: setting.says
        for key, setting in settings(kind).items()
        if key.partition(".")[0] not in answers.service and "." not in key
    }
    texts = {
        "hosts/" + answers.environment + ".yml": inventory_text(answers, others),
        f"hosts/{SCHEMA}": json.dumps(published(), indent=2, ensure_ascii=False) + "\n",
        ".gitignore": _IGNORED,
        "requirements.txt": _REQUIREMENTS.replace("@VERSION@", __version__),
        "README.md": _README.replace("@NAME@", answers.environment),
    }
    made = {**template, **{path: text.encode("utf-8", "surrogateescape") for path, text in texts.items()}}
    made["fabric.yaml"] = _meant(template["fabric.yaml"], answers.environment)
    return made


def _meant(fabric: bytes, environment: str) -> bytes:
    """The settings of `fab`, with the environment that is meant without -H."""
    text, found = _ENVIRONMENT.subn(rf'\g<1>"{environment}"', fabric.decode("utf-8"))
    assert found == 1, "fabric.yaml has no empty environment to be filled in"
    return text.encode("utf-8")
