"""The archive of a run: what is in it, and what is not."""

from __future__ import annotations

import io
import json
import tarfile

from lockstitch.engine.redact import redacted
from lockstitch.facts.history import RunFacts
from lockstitch.facts.run_events import FoundRun
from lockstitch.model.layout import layout
from lockstitch.model.plan import Site
from lockstitch.report.export import archive, run_files

SITE = Site("../../etc", "api", layout("releases", "/srv/api"))
SECRETS = "PASSWORD=swordfish at https://ada:tulip@example.com/"


def members(data: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        made = {}
        for entry in tar.getmembers():
            read = tar.extractfile(entry)
            assert entry.isfile() and read is not None and (entry.uid, entry.mode) == (0, 0o640)
            made[entry.name] = read.read().decode()
        return made


def test_it_has_everything_in_one_folder_and_no_secret() -> None:
    step = {"host": "one", "app": "api", "name": "build"}
    events = (
        {"event": "run", "run": "r1", "message": SECRETS, "token": "rosebud", "notes": [SECRETS]},
        {"event": "output", **step, "line": f"{SECRETS}\x1b[2J\nnext: x"},
    )
    facts = RunFacts(lines=({"event": "begin", "reason": SECRETS},), kept=({"event": "run", "message": SECRETS},))
    found = FoundRun("r1", events, "this machine", (SECRETS,), whole=False)
    files = run_files(found, {SITE: facts}, {"../report.html": f"<p>{SECRETS}</p>"}, SECRETS, redacted)
    made = members(archive("r1", files))
    assert sorted(made) == [
        "r1/README.txt",
        "r1/events.jsonl",
        "r1/history.txt",
        "r1/hosts/_.._etc/api.journal.jsonl",
        "r1/hosts/_.._etc/api.record.jsonl",
        "r1/reports/_report.html",
        "r1/steps.txt",
    ]
    assert not [name for name, text in made.items() for word in ("swordfish", "tulip", "rosebud") if word in text]
    assert len(made["r1/steps.txt"].splitlines()) == 1 and "\x1b" not in made["r1/steps.txt"]
    for name in (name for name in made if name.endswith(".jsonl")):
        assert all(json.loads(line) for line in made[name].splitlines())


def test_it_says_what_it_lacks_and_nothing_empty_is_in_it() -> None:
    found = FoundRun("r1", ({"event": "run"},), "the hosts one", ("two could not be asked",), whole=False)
    files = run_files(found, {SITE: RunFacts()}, {}, "shown", redacted)
    assert list(files) == ["README.txt", "history.txt", "events.jsonl"]
    assert "the hosts one" in files["README.txt"] and "! two could not be asked" in files["README.txt"]
