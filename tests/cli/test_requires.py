"""`requires` of an inventory, as a deploy asks for it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cli.conftest import commit
from tests.cli.operator import Operator

TOKEN = "ghp_tokentokentoken1234"


@pytest.fixture
def with_staging(deployed: Operator) -> Iterator[Operator]:
    """An operator with a second environment of the same hosts, and a commit that comes."""
    deployed.prepare()
    staging = {**deployed.inventory, "apps": {"app": {**deployed.inventory["apps"]["app"], "path": "staging/app"}}}
    (deployed.folder / "hosts" / "staging.yml").write_text(json.dumps(staging))
    deployed.inventory["requires"] = {"contained_in": "main", "passed_in": {"staging": "7d"}}
    commit(deployed, "next")
    yield deployed
    deployed.inventory.pop("requires")
    deployed.inventory.pop("forge", None)


def test_a_deploy_is_refused_until_staging_has_run_it(with_staging: Operator) -> None:
    refused = with_staging.fab("deploy")
    assert refused.code == 7, refused.said
    assert "requires passed_in: fail: staging records no deploy of" in refused.said
    assert "nothing was changed" in refused.said and "--skip-checks passed_in" in refused.said
    assert with_staging.fab("deploy", where="staging").code == 0
    plan = with_staging.fab("plan", "--json").json
    assert any("requires contained_in: pass: main has" in note for note in plan["notes"]), plan
    done = with_staging.fab("deploy")
    assert done.code == 0 and "requires passed_in: pass: deploy of" in done.said, done.said
    # There is nothing to deploy any more, and so nothing to be shown.
    with_staging.inventory["requires"]["ci"] = "green"
    assert with_staging.fab("deploy").code == 0


def test_one_that_is_inconclusive_is_waived_by_its_name(with_staging: Operator) -> None:
    with_staging.inventory["requires"] = {"ci": "green"}
    refused = with_staging.fab("deploy")
    assert refused.code == 7 and "requires ci: inconclusive: the inventory names no forge" in refused.said
    waived = with_staging.fab("--dry", "deploy", "--skip-checks", "ci")
    assert waived.code == 0 and "waived by --skip-checks ci: requires ci: inconclusive" in waived.said, waived.said


def test_a_token_is_in_no_output_and_no_record(with_staging: Operator) -> None:
    with_staging.inventory["requires"] = {"ci": "green"}
    with_staging.inventory["forge"] = {"github": "env:TOKEN", "url": "http://127.0.0.1:1", "projects": {"app": "a/b"}}
    with_staging.env["TOKEN"] = TOKEN
    refused = with_staging.fab("deploy")
    assert refused.code == 7 and "the forge: it cannot be reached" in refused.said, refused.said
    records = [path.read_bytes() for path in (with_staging.folder / ".lockstitch").rglob("*") if path.is_file()]
    assert TOKEN not in refused.said and not any(TOKEN.encode() in record for record in records)


def test_an_environment_that_is_not_there_is_inconclusive(with_staging: Operator) -> None:
    with_staging.inventory["requires"] = {"passed_in": {"nowhere": "7d"}}
    assert "requires passed_in: inconclusive: nowhere cannot be read" in with_staging.fab("deploy").said
