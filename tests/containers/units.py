"""The systemd unit that runs the sample api or the notes, for both layouts, and how it gets onto a machine."""

from __future__ import annotations

from typing import Literal

from tests.containers.machine import Machine

Layout = Literal["in_place", "releases"]
LAYOUTS: tuple[Layout, ...] = ("in_place", "releases")

# With symlinked releases the unit's own folder must be one that stays; gunicorn goes to `current` itself.
FOLDERS: dict[Layout, tuple[str, str]] = {
    "in_place": ("{path}", ""),
    "releases": ("{path}", " --chdir {path}/current --config {path}/current/gunicorn.conf.py"),
}

UNIT = """\
[Unit]
Description=The sample app at {path}
After=network.target

[Service]
Type=notify
User=deploy
Group=deploy
WorkingDirectory={folder}
EnvironmentFile=-/etc/default/{name}
ExecStart=/opt/venv/bin/gunicorn{options} main:app
ExecReload=/bin/kill -s HUP $MAINPID
KillMode=mixed
TimeoutStopSec=10

[Install]
WantedBy=multi-user.target
"""


def gunicorn_unit(layout: Layout, path: str = "/app/api", name: str = "gunicorn") -> str:
    """The text of the unit for an app at the path."""
    folder, options = (each.format(path=path) for each in FOLDERS[layout])
    return UNIT.format(path=path, folder=folder, options=options, name=name)


def install_unit(machine: Machine, layout: Layout, name: str = "gunicorn", path: str = "/app/api") -> None:
    """Put the unit on a machine, enabled and not started: there is no code on it yet."""
    unit = gunicorn_unit(layout, path, name)
    machine.check(f"""cat >/etc/systemd/system/{name}.service <<'END'
{unit}END
systemctl daemon-reload && systemctl enable --quiet {name}.service""")


def install_notes_unit(machine: Machine, layout: Layout, database_url: str) -> None:
    """Put the unit of the notes in the place of the api's: the same name and port, /app/notes, and its database."""
    # A URL has no character that systemd would read in another way.
    machine.put("/etc/default/gunicorn", f"DATABASE_URL={database_url}\n".encode(), mode=0o600)
    install_unit(machine, layout, path="/app/notes")
