"""The gate of a health URL: what stands for the release in its expectations, and one set of words for all URLs."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from lockstitch.checks.network import judge_url
from lockstitch.inventory.app import Health
from lockstitch.inventory.checks import UrlChecks
from lockstitch.model.gate import HttpAnswer
from lockstitch.model.layout import layout
from lockstitch.plans.gates import _health
from lockstitch.services.release_context import ReleaseContext

REVISION = "a" * 40
HEALTH = Health.model_validate(
    {"url": "http://localhost/", "expect": {"release": "{release}", "build.id": "id-{revision}", "up": True}}
)


@pytest.mark.parametrize(
    ("release", "told", "passes"),
    [("R2", "R2", True), ("R2", "R1", False), ("", "R1", True)],
)
def test_expectations_name_the_release_that_is_to_serve(release: str, told: str, passes: bool) -> None:
    place = ReleaseContext("api", layout("releases", "/srv/api"), release, REVISION)
    body = {"release": told, "build": {"id": f"id-{REVISION}"}, "up": True}
    assert _health(HEALTH, place).judge(HttpAnswer(200, "{}", body)).passed is passes
    body["build"] = {"id": "id-b"}
    assert not _health(HEALTH, place).judge(HttpAnswer(200, "{}", body)).passed


@pytest.mark.parametrize(
    ("ref", "told", "passes"),
    [
        ("refs/tags/v1.4", {"tag": "v1.4", "ref": "v1.4"}, True),
        ("refs/tags/v1.4", {"tag": "v1.3", "ref": "v1.4"}, False),
        ("refs/tags/v1.4", {"tag": "v1.4", "ref": "v1.3"}, False),
        # A branch has no tag: what expects one is left out, the rest is judged.
        ("refs/heads/main", {"tag": "v1.4", "ref": "main"}, True),
        ("refs/heads/main", {"tag": "v1.4", "ref": "next"}, False),
        # Nothing is known of what an older version deployed.
        ("", {"tag": "v1.4", "ref": "main"}, True),
    ],
)
def test_expectations_name_the_ref_and_the_tag(ref: str, told: dict[str, str], passes: bool) -> None:
    settings = Health.model_validate({"url": "http://localhost/", "expect": {"tag": "{tag}", "ref": "{ref}"}})
    place = ReleaseContext("api", layout("releases", "/srv/api"), "R2", REVISION, ref=ref)
    assert _health(settings, place).judge(HttpAnswer(200, "{}", told)).passed is passes


@pytest.mark.parametrize("kind", [Health, UrlChecks])
def test_an_http_status_among_the_fields_is_refused_with_the_words_for_it(kind: type[Health] | type[UrlChecks]) -> None:
    with pytest.raises(ValidationError, match="the HTTP status is `status: 204`, beside it"):
        kind.model_validate({"url": "http://localhost/", "expect": {"status": 204}})
    assert kind.model_validate({"url": "http://localhost/", "expect": {"status": "healthy"}}).expect


@pytest.mark.parametrize(
    ("answer", "level", "says"),
    [
        (HttpAnswer(200, '{"up": true}', {"up": True}), "pass", "http://localhost/ answered 200"),
        (HttpAnswer(500, ""), "fail", "http://localhost/ answered 500, expected 200"),
        (HttpAnswer(200, "{}", {}), "fail", "http://localhost/: up is missing, expected True"),
    ],
)
def test_urls_have_the_same_expectations(answer: HttpAnswer, level: str, says: str) -> None:
    settings = UrlChecks.model_validate({"url": "http://localhost/", "expect": {"up": True}})
    (finding,) = judge_url(settings, answer)
    assert (finding.level, finding.says) == (level, says)
