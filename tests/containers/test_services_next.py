"""The real Next.js app: installed, built and served on the host by a deploy, then replaced by a second one."""

from __future__ import annotations

import pytest

from tests.containers import expect, truth
from tests.containers.fleet import Fleet
from tests.containers.project import Project
from tests.containers.repos import Repository

SECONDS = 280.0


@pytest.mark.parametrize("layout", ["releases"])
def test_a_next_app_is_built_deployed_and_replaced(
    project: Project, fleet: Fleet, repositories: dict[str, Repository]
) -> None:
    web1, revisions = fleet["web1"], repositories["next"].revisions
    project.inventory["groups"] = {"frontend": {**project.inventory["groups"]["frontend"], "apps": ["next"]}}
    project.inventory["apps"] = {
        "next": {
            "repository": fleet.clone_url("next"),
            "layout": "releases",
            "path": "/app/next",
            "build": ["npm ci --offline --silent", "npm run -s build"],
            "test": ["npm test -s"],
            "env": {"APP_DIR": "/app/next/current"},
            "service": {"kind": "pm2", "name": "next", "ecosystem": "ecosystem.config.js"},
            "health": {
                "url": "http://localhost:3000/api/health",
                "expect": {"status": "healthy"},
                "revision": "revision",
            },
        }
    }
    expect.done(project.deploy("v1", on="prod:web1", seconds=SECONDS))
    assert truth.served(web1, "/api/health") == revisions["v1"]
    # The same packages and pages once more would cost as much as ten other deploys: it begins on those of the release before.
    project.app("next")["build"] = ["cp -al ../../current/node_modules ../../current/.next ."]
    # Without clients: `next start` exits at once when it is told to, and PM2's cluster then loses a rare connection.
    expect.done(project.deploy("v2", on="prod:web1", seconds=SECONDS))
    assert truth.served(web1, "/api/health") == revisions["v2"]
    (release,) = {each.cwd for each in truth.workers(web1)}
    assert web1.read(f"{release}/REVISION").decode().strip() == revisions["v2"]
