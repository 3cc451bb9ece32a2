"""docs/json.md: the document of every task that has `--json`."""

from __future__ import annotations

import json

from jsonschema.validators import validator_for

from scripts.generate import documents


def test_every_task_with_json_has_a_document() -> None:
    assert sorted(json.loads(documents.schema())["definitions"]) == documents.answering()


def test_the_schema_is_one() -> None:
    schema = json.loads(documents.schema())
    validator_for(schema).check_schema(schema)
