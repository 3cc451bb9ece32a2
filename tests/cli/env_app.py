"""An app that serves behind a real gunicorn on two hosts, and reads its settings from a shared environment file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.sandbox import Sandbox
from tests.cli.conftest import commit
from tests.cli.operator import Operator


@contextmanager
def serving_app(
    folder: Path, lab: Sandbox, name: str, main: str, key: str, settings: Mapping[str, Any], text: str, **more: Any
) -> Iterator[Operator]:
    """Deploy an app with the code `main` below the folder `name` of each host, and stop it at the end. LAB_KEY is `key`
    on the machine of the operator; `text` is the environment file, and `more` are other keys of the app."""
    repository = folder / "origin"
    subprocess.run(["git", "init", "-q", "-b", "main", str(repository)], check=True)
    (repository / "main.py").write_text(main)
    subprocess.run(["git", "-C", str(repository), "add", "."], check=True)
    operator = Operator(folder / "operator", lab, ("one", "two"))
    operator.env["LAB_KEY"] = key
    gunicorn = f'{sys.executable} -m gunicorn --daemon --pid "$PIDFILE" --workers 2 --bind "unix:$HOME/{name}.sock"'
    operator.inventory["apps"] = {
        "app": {
            "repository": str(repository),
            "layout": "releases",
            "path": f"{name}/app",
            "min_free": "1M",
            "shared": [".env"],
            "service": {
                "kind": "gunicorn",
                "pidfile": f"{name}/app.pid",
                "app": "main:app",
                "python": sys.executable,
                "start": f'set -a; . ./.env; set +a; {gunicorn} --chdir "$PWD" main:app',
            },
            "settings": dict(settings),
            "env_file": {"format": "shell"},
            **more,
        }
    }
    operator.inventory["groups"]["all"]["apps"] = ["app"]
    for host in operator.hosts:
        shared = operator.home(host) / name / "app/shared"
        shared.mkdir(parents=True, exist_ok=True)
        (shared / ".env").write_text(text)
    commit(operator, "first")
    ran = operator.fab("deploy")
    assert ran.code == 0, ran.said
    yield operator
    ran = operator.fab("service.stop")
    assert ran.code == 0, ran.said
