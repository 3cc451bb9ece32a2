"""Whatever people and hosts write is taken literally or refused, and never executed: the whole way, on real hosts."""

from __future__ import annotations

import json
import signal
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.containers.fleet import Fleet
from tests.containers.project import Ran
from tests.containers.tiny import APP, WAIT, WAITING, Tiny, git, journal, make_repository
from tests.containers.units import Layout

PWNED = "pwned-by-lockstitch"
TOUCH = f"touch${{IFS}}/tmp/{PWNED}"
# A ref that git could have is asked for and does not exist (7); any other is refused before a host is asked (2): more of
# them in tests/engine/test_deploy.py.
REFS = {
    f"$({TOUCH})": 7,
    f"`{TOUCH}`": 7,
    f"v1;{TOUCH}": 7,
    f"v1'\";{TOUCH};'\"": 7,
    f"v1|{TOUCH}": 7,
    "ünïcode/→": 7,
    f"$(touch /tmp/{PWNED})": 2,
    f"v1\n{TOUCH}": 2,
    f"--upload-pack={TOUCH}": 2,
}
MESSAGE = f'#4711: it\'s "x" $(touch /tmp/{PWNED}) `{TOUCH}` ; \\n \\c \\u00fc ünïcode → %s\nand a second line'
BRANCH = f"feature/ü;x$({TOUCH})'\"&|<>!"
TAG = f"it's;$({TOUCH})\"ü%s&"
FOLDER = f'it\'s "an app" $(touch ${{HOME}}_{PWNED}) `touch {PWNED}`; ünï %s &'
VALUE = f"a'b\"c $(touch /tmp/{PWNED}) `{TOUCH}` ; \\n %s ü\nnew line"
SECRET = f"hush-hush one\n  second 'hushed' $(touch /tmp/{PWNED}) line\nthird"
# What a terminal would obey: a title, a cleared screen, an overwritten line, reversed and hidden text.
ESCAPES = "\x1b]0;title\x07 \x1b[2J\x1b[31m red \rover \x9b2J \u202egnp.exe\u2066 \x08\x08 \u200bend"
SHOWN = "␛]0;title␇ ␛[2J␛[31m red ␍over \\x9b2J \\u202egnp.exe\\u2066 ␈␈ \\u200bend"


@pytest.fixture(scope="module")
def repository(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make_repository(fleet, tmp_path_factory.mktemp("repository"))
    git(path, "branch", BRANCH, "v3")
    git(path, "checkout", "-q", "-b", "escapes", "v3")
    git(path, "commit", "-q", "--allow-empty", "-m", f"Say {ESCAPES}", GIT_AUTHOR_NAME="Ada \x1b[31mRed")
    git(path, "push", "-q", fleet.push_url(APP), "--all", **fleet.git_environment())
    return path


@pytest.fixture(scope="module")
def fresh(fleet: Fleet, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tiny]:
    app = Tiny(fleet, tmp_path_factory.mktemp("literal") / "project", "releases")
    app.everywhere(lambda machine: machine.check("rm -rf /app/* /app/.lockstitch"))
    app.begin_on("v1")
    yield app
    app.clear()


@pytest.fixture
def tiny(fresh: Tiny) -> Iterator[Tiny]:
    """The tiny app; whatever a test does, nothing of what it wrote was ever executed, here or there."""
    fresh.plain()
    fresh.unblock()
    yield fresh
    assert_not_executed(fresh)


def assert_not_executed(tiny: Tiny) -> None:
    look = f"find /tmp /app /home /root /var/tmp -name '*{PWNED}'"
    assert [machine.exec(look)[1] for machine in [*tiny.machines(), tiny.fleet["git"]]] == ["", "", ""]
    assert not Path("/tmp", PWNED).exists()
    assert not list(tiny.project.folder.rglob(f"*{PWNED}"))


def assert_ok(ran: Ran) -> Ran:
    assert ran.code == 0, ran.said
    return ran


def assert_nothing_to_obey(text: str) -> None:
    """No character that a terminal takes for more than a sign."""
    obeyed = {c for c in text if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert obeyed == set(), repr(obeyed)


@pytest.mark.parametrize("words", [("deploy", "--ref"), ("rollback", "--tag")], ids=["deploy", "rollback"])
def test_a_ref_is_taken_literally_or_refused(tiny: Tiny, words: tuple[str, str]) -> None:
    before = tiny.stands()
    for ref, code in REFS.items():
        ran = tiny.fab(words[0], f"{words[1]}={ref}")
        assert ran.code == code, f"{ref}: {ran.said}"
        assert "Traceback" not in ran.said and "usage" not in ran.said.lower(), f"{ref}: {ran.said}"
        assert_nothing_to_obey(ran.said)
    assert tiny.stands() == before


def test_a_branch_of_a_wild_name_is_deployed(tiny: Tiny, repository: Path) -> None:
    assert_ok(tiny.deploy(BRANCH))
    assert tiny.stands() == tiny.all_on("v3")
    tiny.app["ref"] = BRANCH
    (site, _) = json.loads(tiny.fab("status", "--json").out)["sites"]
    assert (site["branch"], site["revision"]) == (BRANCH, git(repository, "rev-parse", "v3"))


def test_a_message_and_a_tag_are_what_was_typed(tiny: Tiny, fleet: Fleet, repository: Path) -> None:
    tiny.begin_on("v1")
    tiny.app["build"] = [WAIT]
    with tiny.start("v2", "--message", MESSAGE, "--tag-before", TAG) as fab:
        fab.until(f"build | {WAITING}")
        locked = json.loads(fleet["api1"].read("/app/.lockstitch/tiny/lock.json"))
        shown = assert_ok(tiny.fab("lock.show", "--json")).json["locks"]
        refused = tiny.deploy("v3", "--message", "me too")
        tiny.go_on()
        ran = assert_ok(fab.finish())
    assert locked["message"] == MESSAGE
    assert [each["lock"]["message"] for each in shown] == [MESSAGE, MESSAGE]
    assert refused.code == 4 and MESSAGE.partition("\n")[0] in refused.err, refused.said
    assert [entry["message"] for entry in journal(fleet["api1"], "release")][-1] == MESSAGE
    assert next(tiny.project.events())["message"] == MESSAGE
    assert MESSAGE.partition("\n")[0] in ran.out
    assert {entry["message"] for entry in assert_ok(tiny.fab("history", "--limit", "1", "--json")).json["entries"]} == {
        MESSAGE
    }
    git(repository, "fetch", "-q", fleet.push_url(APP), f"refs/tags/{TAG}:refs/tags/{TAG}", **fleet.git_environment())
    assert git(repository, "rev-parse", f"{TAG}^{{commit}}") == git(repository, "rev-parse", "v1")
    assert git(repository, "cat-file", "tag", TAG).partition("\n\n")[2] == MESSAGE
    # A tag that is there already is refused, and stays what it was, on the hosts and at origin.
    again = tiny.deploy("v3", "--tag-before", TAG)
    assert again.code == 7 and "already exists" in again.out, again.said
    assert tiny.stands() == tiny.all_on("v2")
    url, environment = fleet.push_url(APP), fleet.git_environment()
    (line,) = git(repository, "ls-remote", url, f"refs/tags/{TAG}", **environment).splitlines()
    assert line.split("\t")[0] == git(repository, "rev-parse", f"refs/tags/{TAG}")
    assert_ok(tiny.fab("rollback", "--tag", TAG))
    assert tiny.stands() == tiny.all_on("v1")


@pytest.mark.parametrize("layout", ["releases"])
def test_a_path_and_values_of_the_environment_are_what_was_written(tiny: Tiny, fleet: Fleet, layout: Layout) -> None:
    path = f"/app/{FOLDER}"
    shared = {"shared": ['it\'s "shared" $(id)/']} if layout == "releases" else {}
    tiny.app |= {"path": path, "layout": layout, "env": {"TRICKY": VALUE}, "logs": [f"{path}/a 'log'"], **shared}
    tiny.app["build"] = ['printf %s "$TRICKY" >got']
    where = f"{path}/current" if layout == "releases" else path
    for ref in ("v1", "v2"):
        ran = assert_ok(tiny.deploy(ref))
        for machine in tiny.machines():
            assert machine.read(f"{where}/VERSION").decode().strip() == ref, ran.said
            assert machine.read(f"{where}/got").decode() == VALUE
    tiny.app["test"] = ["exit 3"]
    failed = tiny.deploy("v3")
    assert failed.code == 5, failed.said
    assert_ok(tiny.fab("rollback", "--tag", "v1"))
    assert {machine.read(f"{where}/VERSION").decode().strip() for machine in tiny.machines()} == {"v1"}
    assert_not_executed(tiny)
    tiny.everywhere(lambda machine: machine.container.exec_run(["rm", "-rf", path, f"/app/.lockstitch/{FOLDER}"]))


def test_a_secret_is_seen_by_the_app_alone(tiny: Tiny, fleet: Fleet) -> None:
    tiny.begin_on("v1")
    tiny.app["secrets"] = {"TOKEN": "env:THE_TOKEN"}
    tiny.app["build"] = ['printf %s "$TOKEN" >/app/got; printf "%s\\n" "$TOKEN"; echo "<$TOKEN>"; env', WAIT]
    tiny.app["service"]["status"] = 'grep -q v1 VERSION || { echo "not well: $TOKEN" | head -n 1; exit 1; }'
    words = ("-H", "prod", "deploy", "--ref", "v2", "--commands")
    with tiny.project.start_fab(*words, env={"THE_TOKEN": SECRET}, preloaded=False) as fab:
        fab.until(f"| {WAITING}")
        seen = [each.cmdline for machine in tiny.machines() for each in machine.processes()]
        seen += [text for file in Path("/proc").glob("[0-9]*") if (text := ours(file, fab.process.pid))]
        assert "deploy" in seen[-1]
        tiny.go_on()
        fab.until("gate serving: not yet (1): its status command: not well: ***")
        fab.signal(signal.SIGINT)
        ran = fab.finish()
    assert ran.code == 130, ran.said
    assert fleet["api1"].read("/app/got").decode() == SECRET
    fleet["api1"].check("rm /app/got")
    fleet["api2"].check("rm /app/got")
    kept = [file.read_text() for file in tiny.project.folder.rglob("*.jsonl")]
    for host in tiny.machines():
        kept.append(host.check("find /app/.lockstitch/tiny -type f -exec cat {} +"))
        assert host.exec("grep -rl hush /app /tmp /var/tmp /home /var/log 2>/dev/null")[1] == ""
    for text in [ran.out, ran.err, *kept, *seen]:
        assert "hush" not in text and "third" not in text


def ours(process: Path, session: int) -> str:
    """The command line of a process that `fab` started, or its own; nothing of the machine's others."""
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        return (process / "cmdline").read_text(errors="replace") if int(fields[3]) == session else ""
    except OSError:
        return ""


def test_what_a_host_prints_is_shown_and_not_obeyed(tiny: Tiny, fleet: Fleet) -> None:
    tiny.begin_on("v1")
    printed = "".join(f"\\{byte:03o}" for byte in ESCAPES.encode())
    tiny.app["build"] = [f"printf '{printed}\\n'"]
    tiny.app["logs"] = ["/app/hostile.log"]
    tiny.app["service"]["status"] = f"grep -q v1 VERSION || {{ printf '{printed}\\n'; exit 1; }}"
    tiny.everywhere(lambda machine: machine.put("/app/hostile.log", f"{ESCAPES}\n".encode()))
    with tiny.start("escapes") as fab:
        fab.until("gate serving: not yet (1)")
        fab.signal(signal.SIGINT)
        ran = fab.finish()
    assert ran.code == 130, ran.said
    assert_nothing_to_obey(ran.out + ran.err)
    # A step's output, the gate's reason, and the subject of the commit.
    shown = [line for line in ran.out.splitlines() if SHOWN in line]
    assert any("build | " in line for line in shown), ran.out
    assert any("gate serving: not yet" in line for line in shown), ran.out
    assert any("Say " in line and "Ada ␛[31mRed" in line for line in shown), ran.out
    # The last lines of a step that failed, and of the app's log.
    tiny.app["test"] = [f"printf '{printed}\\n'; exit 3"]
    failed = tiny.deploy("escapes")
    assert failed.code == 5, failed.said
    assert_nothing_to_obey(failed.out + failed.err)
    assert failed.out.partition("the last lines of")[2].count(SHOWN.partition("␍")[0]) >= 2, failed.out
    told = tiny.fab("deploy", "--ref", "escapes", "--json")
    assert told.code == 5 and told.json["exit_code"] == 5, told.said
    assert_nothing_to_obey(told.out + told.err)
    assert any(ESCAPES.partition("\r")[0] in line for line in told.json["failures"][0]["output"])
    asked = tiny.fab("run", "--", f"printf '{printed}\\n'")
    assert asked.out.count(SHOWN) == 2, asked.said
    for words in (("status",), ("history",), ("lock.show",)):
        assert_nothing_to_obey(tiny.fab(*words).said)


@pytest.mark.parametrize("layout", ["in_place"])
def test_two_people_deploy_the_same_app_in_turn(tiny: Tiny, fleet: Fleet, layout: Layout) -> None:
    tiny.clear()
    tiny.app["layout"] = layout
    ssh: dict[str, Any] = tiny.inventory["ssh"]
    try:
        for user, ref in (("deploy", "v1"), ("ops", "v2"), ("deploy", "v3"), ("ops", "v1")):
            ssh["user"] = user
            ran = assert_ok(tiny.deploy(ref, "--message", f"as {user}"))
            assert "dubious" not in ran.said and tiny.stands() == tiny.all_on(ref), ran.said
        ssh["user"] = "deploy"
        tiny.app["test"] = ["exit 3"]
        failed = tiny.deploy("v3")
        assert failed.code == 5 and tiny.stands() == tiny.all_on("v1"), failed.said
        tiny.app["test"] = []
        assert_ok(tiny.fab("lock.take", "--message", "mine"))
        ssh["user"] = "ops"
        assert tiny.deploy("v3").code == 4
        assert_ok(tiny.fab("lock.break"))
        assert_ok(tiny.deploy("v3"))
        assert_ok(tiny.fab("rollback", "--tag", "v2"))
        assert tiny.stands() == tiny.all_on("v2")
        assert [entry["message"] for entry in journal(fleet["api1"], "release")][:4:3] == ["as deploy", "as ops"]
    finally:
        ssh["user"] = "deploy"
        tiny.clear()
