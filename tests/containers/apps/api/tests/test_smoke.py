"""What has to work before the API is switched to."""

import main
from fastapi.testclient import TestClient


def test_the_api_tells_what_it_runs():
    answer = TestClient(main.app).get("/healthz").json()
    assert answer["version"] == main.VERSION
    assert answer["revision"] == main.REVISION


def test_the_version_has_three_numbers():
    assert len(main.VERSION.split(".")) == 3
