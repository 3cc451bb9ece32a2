"""What has to work before the notes are switched to; the database is left alone."""

import main
from fastapi.testclient import TestClient


def test_the_notes_tell_what_they_run():
    answer = TestClient(main.app).get("/healthz").json()
    assert answer["version"] == main.VERSION
    assert answer["revision"] == main.REVISION
