"""The file of a runbook: what it may say, and the words for what it may not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lockstitch import __main__
from lockstitch.inventory.compose import compose
from lockstitch.inventory.validation import judged
from lockstitch.runbooks.settings import RunbookSettings, command_words, published_runbook

ROOT = Path(__file__).resolve().parents[2]
RELEASE = """
window: {days: mon-thu, hours: "06:00-09:00", zone: Europe/Berlin}
stages:
  - told:    {notify: deploys, text: "release {ref} begins"}
  - qa:      {sign: manual QA done, role: qa, lasts: 24h}
  - approve: {sign: release, role: approver, not: [author, operator], of: plan}
  - backend: {run: deploy --only api, expect: 5m, watch: 15m, risk: medium}
  - flag:    {run: flag.rollout PHASE_1}
  - check:   {after: 15m, run: [smoke, measure]}
  - sms:     {tell: "Send yourself a test SMS from the admin panel.", sign: sms}
  - day:     {run: watch --for 24h --detach}
undo: {backend: rollback, flag: flag.undo PHASE_1}
"""


def problems(text: str) -> list[str]:
    tree, wrong = compose(text, "r.yml")
    return [str(problem) for problem in wrong or judged(RunbookSettings, tree)[1]]


def test_a_whole_release_is_read() -> None:
    settings = RunbookSettings.model_validate(yaml.safe_load(RELEASE))
    stages = {stage.name: stage for stage in settings.stages}
    assert list(stages) == ["told", "qa", "approve", "backend", "flag", "check", "sms", "day"]
    assert stages["backend"].commands == ("deploy --only api", "watch --for 900s")
    assert stages["backend"].undo == ("rollback",) and stages["backend"].settings.expect.stage == 300
    assert stages["check"].settings.after is not None and stages["check"].settings.after.seconds == 900
    assert stages["approve"].settings.barred == ("author", "operator")


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        ("{}", "r.yml:1: stages[0].a: it does nothing: give it run, tell, sign, notify or watch"),
        ("{run: fab deploy}", "write what stands after `fab -H ENV`"),
        ("{run: ''}", "it is empty"),
        ("{run: 'deploy \"'}", "has a quote without an end"),
        ("{run: --dry deploy}", "which a command takes for an option"),
        ("{sign: yes, run: deploy}", "a sign-off is a stage of its own"),
        ("{run: deploy, role: qa}", "role: it belongs to `sign`"),
        ("{notify: deploys}", "`notify` and `text` belong together"),
        ("{run: deploy, after: {stage: b, for: 5m}}", "a begins after b, which is no stage before it"),
        ("{run: deploy, rsk: low}", "stages[0].a.rsk: is not a key here: did you mean risk?"),
        ("{run: deploy, expect: soon}", "'soon' is not a duration"),
        ("{run: deploy, links: {a: 'javascript:alert(1)'}}", "is not an http(s) URL"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(stage: str, says: str) -> None:
    said = problems(f"stages: [a: {stage}]")
    assert len(said) == 1 and said[0].startswith("r.yml:1: ") and says in said[0], said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "stages: is missing"),
        ("stages: []", "it should have at least 1"),
        ("stages: [{a: {run: x}, b: {run: x}}]", "one stage an entry"),
        ("stages: [a: {run: x}, a: {run: x}]", "the stage a is there twice"),
        ("stages: [a: {run: x}]\nundo: {b: y}", "undo.b: there is no stage b"),
        ("stages: [a: {run: x}]\nundo: {a: fab y}", "undo.a"),
    ],
)
def test_a_runbook_that_is_none_is_refused(text: str, says: str) -> None:
    assert says in "\n".join(problems(text))


@given(st.text())
def test_a_value_is_never_several_words_of_a_command(value: str) -> None:
    assert command_words("run -- echo {ref} '{ref} x' {other}", {"ref": value}) == (
        *("run", "--", "echo", value, f"{value} x", "{other}"),
    )


def test_every_key_is_documented() -> None:
    def keys(model: Any) -> list[str]:
        return [name for name, each in model.model_fields.items() if not each.description]

    from lockstitch.runbooks.settings import ExpectedTimes, StageSettings, StartDelay
    from lockstitch.runbooks.window import ChangeWindow

    models = [RunbookSettings, StageSettings, ExpectedTimes, StartDelay, ChangeWindow]
    assert [name for model in models for name in keys(model)] == []


PUBLISHED = json.loads((ROOT / "docs" / "runbook.schema.json").read_text())


def test_the_published_schema_is_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema.Draft202012Validator.check_schema(PUBLISHED)
    assert __main__.main(["schema", "runbook"]) == 0
    assert json.loads(capsys.readouterr().out) == PUBLISHED == published_runbook()


def test_editors_take_what_is_read() -> None:
    seconds = "stages: [a: {run: smoke, expect: 300}, b: {run: smoke, after: 1m30s, expect: {rollback: 5m}}]"
    texts = [
        RELEASE,
        seconds,
        *re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "runbooks.md").read_text(), re.DOTALL),
    ]
    whole = [text for text in texts if "stages:" in text]
    assert len(whole) == 5
    for text in whole:
        assert problems(text) == []
        jsonschema.validate(yaml.safe_load(text), PUBLISHED)


@pytest.mark.parametrize(
    "text",
    [
        "stages: []",
        "title: x",
        "stages: [a: {runs: smoke}]",
        "stages: [a: {run: smoke, risk: huge}]",
        "stages: [a: {run: smoke, after: 15 minutes}]",
        "stages: [a: {sign: x, not: [everybody]}]",
        "{stages: [a: {run: smoke}], needs: {cy: green}}",
        "{stages: [a: {run: smoke}], window: {days: mon-thu}}",
        "{stages: [a: {run: smoke}], undo: {a: 5}}",
    ],
)
def test_editors_mark_what_is_wrong(text: str) -> None:
    assert problems(text)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), PUBLISHED)
