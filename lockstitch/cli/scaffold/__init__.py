"""A new operations repository: what is asked, what is written, and how it is put in place at once.

    files = written(template(), answers)                  pure
    put(Path("ops"), files, check)                        all of it, or nothing

`FLAGS` are the flags of `init`, each with its default and its help text; nothing else is imported with this package,
because `fab --list` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What each flag that may be given several times looks like.
FORMS = {"group": "NAME=HOST,HOST", "setting": "KEY=VALUE"}
FLAGS: Mapping[str, tuple[Any, str]] = {
    "environment": ("", "name of the environment: it becomes hosts/NAME.yml"),
    "hosts": ("", "its hosts, with commas: web1.example.com, deploy@192.0.2.10:2222, or NAME=ADDRESS"),
    "group": (None, "a group of hosts as NAME=HOST,HOST, in place of --hosts; may be given several times"),
    "user": ("", "who logs in on them; a host written as user@host has its own"),
    "gateway": ("", "user@host:port of a gateway on the way to them; without it the way is straight"),
    "app": ("", "name of the app that is deployed there"),
    "repository": ("", "git repository of its code; the hosts fetch it themselves"),
    "ref": ("", "branch or tag that is deployed unless a deploy says otherwise"),
    "path": ("", "where the app is on the hosts"),
    "layout": (
        "",
        "releases (a folder a release, and a `current` symlink) or in_place (a checkout updated where it stands)",
    ),
    "service": ("", "what runs the app: a kind that docs/services.md describes"),
    "setting": (None, "a setting of that service, as KEY=VALUE; may be given several times"),
    "health": ("", "URL that is asked on each host after a switch; without it nobody asks"),
    "protect": (True, "a change asks for the environment's name (--no-protect: it does not)"),
    "git": (False, "make it a git repository too"),
    "yes": (False, "ask nothing: what is not given is the default"),
}
HINT = "`fab --help init` and `python -m lockstitch init --help` show what it takes"
