"""Records of runs on hosts, written and read by a real shell."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lockstitch import plans
from lockstitch.engine.ask import Query, ask
from lockstitch.engine.kept_runs import keep_run
from lockstitch.facts.history import RunFacts, history_probe, run_probe
from lockstitch.facts.run_events import found_on_hosts
from lockstitch.model.command import quote
from lockstitch.model.host import Host
from lockstitch.model.plan import Site
from lockstitch.model.shell import shell_text
from lockstitch.plans.kept_runs import KEPT_RUNS
from tests.engine.conftest import MakeWorld
from tests.engine.world import World


def place(world: World, name: str = "a") -> tuple[Site, Host]:
    host, app = next((host, app) for host, app in world.fleet().sites() if host.name == name)
    return plans.site(host.name, app), host


def state(world: World) -> Path:
    site, _ = place(world)
    return world.remote.home("a") / site.layout.state


def facts_of(world: World, run: str, *sites: Site) -> list[RunFacts]:
    _, host = place(world)
    queries = [Query(str(n), host, (run_probe(site, run),)) for n, site in enumerate(sites or [place(world)[0]])]
    return [reply.facts[0] for reply in ask(world.remote, queries).values()]


def events(file: Path, run: str, kind: str = "deploy") -> Path:
    about = {"event": "run", "run": run, "kind": kind, "by": "ada", "message": "it's $(touch /tmp/x)", "at": "2026"}
    file.write_text(json.dumps(about) + "\n" + json.dumps({"event": "outcome", "result": "done"}) + "\n")
    return file


@pytest.fixture
def deployed(make_world: MakeWorld) -> World:
    return make_world("releases").given("v1", "v2")


def test_a_run_is_kept_at_its_sites_and_found_by_another_machine(deployed: World, tmp_path: Path) -> None:
    site, host = place(deployed)
    run = next(iter(json.loads(line)["run"] for line in (state(deployed) / "journal.jsonl").read_text().splitlines()))
    assert keep_run(deployed.remote, events(tmp_path / "e", run), run, {site: host}) == []
    found = found_on_hosts(run, {site: facts_of(deployed, run)[0]})
    assert found.whole and found.source == "the hosts a", found.notes
    assert found.events[0]["message"] == "it's $(touch /tmp/x)"
    assert {"build", "activate", "reload"} <= {event.get("name") for event in found.events}
    # Again, as after a watch: the newer one takes its place.
    assert keep_run(deployed.remote, tmp_path / "e", run, {site: host}) == []
    assert [file.name for file in (state(deployed) / "runs").iterdir()] == [f"{run}.jsonl"]


def test_a_site_keeps_the_newest_only(deployed: World, tmp_path: Path) -> None:
    site, host = place(deployed)
    folder = state(deployed) / "runs"
    folder.mkdir()
    for n in range(KEPT_RUNS + 5):
        (folder / f"20260101T{n:06}Z-aaaa.jsonl").write_text("{}\n")
    run = "20261124T130312Z-b7b0"
    assert keep_run(deployed.remote, events(tmp_path / "e", run), run, {site: host}) == []
    names = sorted(file.name for file in folder.iterdir())
    assert len(names) == KEPT_RUNS and names[-1] == f"{run}.jsonl" and names[0].startswith("20260101T000006")


def test_a_host_that_cannot_keep_it_is_told_and_fails_nothing(deployed: World, tmp_path: Path) -> None:
    site, host = place(deployed)
    (state(deployed) / "runs").write_text("in the way")
    (said,) = keep_run(deployed.remote, events(tmp_path / "e", "r"), "r", {site: host})
    assert said.startswith("api@a keeps no record of this run: ")
    assert "is unreadable" in keep_run(deployed.remote, tmp_path / "none", "r", {site: host})[0]


def test_nothing_is_made_where_nothing_was_ever_done(any_world: World, tmp_path: Path) -> None:
    site, host = place(any_world)
    assert keep_run(any_world.remote, events(tmp_path / "e", "r"), "r", {site: host}) == []
    assert not state(any_world).exists()


@pytest.mark.parametrize("name", ["../lock", ".x", "a/b", ""])
def test_no_run_names_another_file(deployed: World, name: str) -> None:
    assert facts_of(deployed, name)[0].kept == ()


def test_a_kill_at_any_event_leaves_what_can_be_read(deployed: World) -> None:
    """Cuts the journal of a host after each byte of interest: at the end of each line, and within it."""
    whole = (state(deployed) / "journal.jsonl").read_bytes().splitlines(keepends=True)
    run = json.loads(whole[-1])["run"]
    first = next(n for n, line in enumerate(whole) if json.loads(line)["run"] == run)
    site, host = place(deployed)
    sites = []
    for n in range(first + 1, len(whole) + 1):
        for rest in (b"", whole[n][:25] if n < len(whole) else b"\0\0"):
            cut = f"cut/{n}{'part' if rest else ''}"
            (deployed.remote.home("a") / cut).mkdir(parents=True)
            (deployed.remote.home("a") / cut / "journal.jsonl").write_bytes(b"".join(whole[:n]) + rest)
            sites.append(replace(site, layout=replace(site.layout, state=cut)))
    for at, facts in zip(sites, facts_of(deployed, run, *sites), strict=True):
        found = found_on_hosts(run, {at: facts})
        assert found.events[0]["event"] == "run" and found.events[0]["kind"] == "deploy", at.layout.state
        assert any(event["event"] == "begin" for event in found.events), at.layout.state
        assert not facts.unreadable and facts.damaged == at.layout.state.endswith("part")
    queries = [Query(str(n), host, (history_probe(at, None, None),)) for n, at in enumerate(sites)]
    for at, reply in zip(sites, ask(deployed.remote, queries).values(), strict=True):
        newest = reply.facts[0].entries[-1]
        assert (newest.run, newest.kind) == (run, "deploy"), at.layout.state
        assert newest.result in ("open", "done")
    shutil.rmtree(deployed.remote.home("a") / "cut")


@pytest.mark.parametrize("script", ["keep_run.sh", "follow_add.sh"])
def test_a_host_that_dies_at_any_line_of_the_script_keeps_what_it_had(tmp_path: Path, script: str) -> None:
    """Ends the shell with SIGKILL after each command, then writes once more."""
    text = shell_text("lockstitch.plans", script)
    commands = [line for line in text.splitlines() if line and not line.startswith("#")]
    # Those that span lines end where the next one begins at the margin.
    ends = [n for n, line in enumerate(commands) if n + 1 == len(commands) or not commands[n + 1].startswith(" ")]
    for end in ends:
        state = tmp_path / script / str(end)
        (state / "runs").mkdir(parents=True)
        before = '{"event":"kept","run":"r0"}\n'
        (state / "runs" / "r0.jsonl").write_text(before)
        (state / "follow.jsonl").write_text('{"event":"follow","id":"f-0"}\n')
        values = {
            "state": str(state),
            "kept": str(state / "runs"),
            "file": str(state / "follow.jsonl"),
            "run": "r1",
            "most": "5",
            "record": '{"event":"kept","run":"r1"}',
            "line": '{"event":"follow","id":"f-1"}',
        }
        head = "".join(f"{name}={quote(value)}\n" for name, value in values.items())
        cut = "\n".join([*commands[: end + 1], "kill -KILL $$"])
        assert subprocess.run(["sh", "-c", head + cut], check=False).returncode == -9
        assert (state / "runs" / "r0.jsonl").read_text() == before
        subprocess.run(["sh", "-c", head + text], check=True, capture_output=True)
        assert (
            json.loads((state / "runs" / "r1.jsonl").read_text() if "keep" in script else values["record"])["run"]
            == "r1"
        )
        known = [json.loads(line)["id"] for line in (state / "follow.jsonl").read_text().splitlines()]
        assert known[0] == "f-0" and known[-1] == ("f-0" if "keep" in script else "f-1")
