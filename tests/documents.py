"""The documents that `--json` prints, compared with the JSON Schema that users are given."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

SCHEMA = Path(__file__).parents[1] / "docs" / "json.schema.json"


def document(text: str) -> Any:
    """Return the one document in what a task has printed; an AssertionError where it is not as it is documented."""
    made = json.loads(text)
    # A test's own task has no schema.
    if isinstance(made, dict) and (made.get("task") is None or made["task"] in _definitions()):
        problems = [f"{error.json_path}: {error.message[:300]}" for error in _validator(made["task"]).iter_errors(made)]
        assert not problems, f"docs/json.schema.json: {made['task']}: {problems}"
    return made


@cache
def _definitions() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    definitions: dict[str, Any] = schema["definitions"]
    return definitions


@cache
def _validator(task: str | None) -> Validator:
    whole = json.loads(SCHEMA.read_text(encoding="utf-8"))
    schema = {"$ref": f"#/definitions/{task}", "definitions": whole["definitions"]} if task else whole
    return validator_for(whole)(schema)
