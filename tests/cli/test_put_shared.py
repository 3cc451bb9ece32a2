"""`put --shared APP`: files that all releases of an app share, brought before its first deploy."""

from __future__ import annotations

from tests.cli.operator import Operator

APP = {
    "repository": "/srv/none.git",
    "layout": "releases",
    "path": "srv/api",
    "shared": [".env", "storage/"],
    "service": {"kind": "command", "reload": "true", "status": "true"},
}


def test_a_shared_file_is_there_before_anything_is_deployed(operator: Operator) -> None:
    operator.inventory["groups"]["all"]["apps"] = ["api"]
    operator.inventory["apps"] = {"api": APP}
    (operator.folder / "secret.env").write_text("KEY=1\n")
    ran = operator.fab("put", "secret.env", ".env", "--shared", "api", "--mode", "640", "--yes")
    assert ran.code == 0, ran.said
    seen = operator.fab("run", "--json", "--", "cat srv/api/shared/.env; stat -c %a srv/api/shared/.env")
    assert {host["output"] for host in seen.json["hosts"].values()} == {"KEY=1\n640\n"}, seen.said

    ran = operator.fab("put", "secret.env", "other", "--shared", "api", "--yes")
    assert ran.code == 2 and "api shares .env, storage, and not other" in ran.said
    ran = operator.fab("put", "secret.env", ".env", "--shared", "apt", "--yes")
    assert ran.code == 2 and "there is no app apt" in ran.said
