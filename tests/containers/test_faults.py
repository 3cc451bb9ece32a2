"""What happens to hosts and to the controller in the middle of a deploy: injected, not imagined.

Each time: the right exit code, one message that names the host, the fleet as promised, and no hang.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers import keys
from tests.containers.fleet import Fleet
from tests.containers.project import Ran
from tests.containers.tiny import (
    GO,
    HOLD,
    LONG,
    SERVED,
    SERVICE,
    STUCK,
    WAIT,
    WAITING,
    Tiny,
    journal,
    make_repository,
    on,
    stands,
    wait_until,
)

# A frozen host is noticed within 15 s; the rest is for a busy machine.
NOTICED = 15 + 10
# Where the time itself is not what is tested.
HASTY = {"keepalive": {"interval": "1s", "timeout": "5s"}, "timeouts": {"connect": "6s", "banner": "6s"}, "tries": 1}


@pytest.fixture(scope="module")
def fresh(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tiny]:
    make_repository(fleet, tmp_path_factory.mktemp("repository"))
    app = Tiny(fleet, tmp_path_factory.mktemp("faults") / "project", "releases")
    yield app
    app.clear()


@pytest.fixture
def tiny(fresh: Tiny) -> Tiny:
    """The tiny app on v1, on api1 and api2, whatever the test before has left."""
    ssh = {"user": "deploy", "known_hosts": [str(fresh.fleet.known_hosts)]}
    fresh.inventory["ssh"] = {**ssh, "identity_files": [str(fresh.fleet.key.private)]}
    fresh.inventory["groups"]["all"]["hosts"] = [fresh.host(name) for name in fresh.hosts]
    fresh.plain()
    fresh.unblock()
    if not fresh.is_on("v1"):
        fresh.begin_on("v1")
    return fresh


def hasty(tiny: Tiny) -> None:
    tiny.inventory["ssh"] |= HASTY


def at(host: str, step: str) -> str:
    """What is said when a step that waits is under way."""
    return f"{host:<12} tiny: {step} | {WAITING}"


def assert_ended(ran: Ran, code: int, *words: str) -> None:
    assert ran.code == code, ran.said
    assert "Traceback" not in ran.said, ran.said
    for word in words:
        assert word in ran.out + ran.err, f"{word!r} is not said\n{ran.said}"


def assert_untouched(tiny: Tiny, before: dict[str, int]) -> None:
    assert tiny.stands() == tiny.all_on("v1")
    assert lengths(tiny) == before


def lengths(tiny: Tiny) -> dict[str, int]:
    """How long the hosts' journals are: nothing is done without a line in them."""
    return {machine.name: len(journal(machine)) for machine in tiny.machines()}


# Before anything has begun: exit code 3, and nothing is changed anywhere.


def test_a_host_that_is_down(tiny: Tiny, fleet: Fleet) -> None:
    before = lengths(tiny)
    tiny.inventory["groups"]["all"]["hosts"].append(tiny.host("web2"))
    fleet["web2"].stop()
    try:
        ran = tiny.deploy("v2")
    finally:
        fleet["web2"].start()
    assert_ended(ran, 3, "web2: ", f"127.0.0.1 port {fleet['web2'].ssh_port}")
    assert ran.err.count("web2: ") == 1
    assert_untouched(tiny, before)


def test_a_host_with_another_key(tiny: Tiny, fleet: Fleet, tmp_path: Path) -> None:
    before = lengths(tiny)
    known = fleet.known_hosts.read_text().splitlines()
    place, wrong = f"[127.0.0.1]:{fleet['api2'].ssh_port} ", f"[127.0.0.1]:{fleet['web1'].ssh_port} "
    others = [place + line.removeprefix(wrong) for line in known if line.startswith(wrong)]
    kept = [line for line in known if not line.startswith(place)]
    file = tmp_path / "known_hosts"
    file.write_text("".join(f"{line}\n" for line in [*kept, *others]))
    tiny.inventory["ssh"]["known_hosts"] = [str(file)]
    ran = tiny.deploy("v2")
    assert_ended(ran, 3, "api2: its host key has changed", f"{file}:{len(kept) + 1}", "fab -H prod:api2 trust")
    assert_untouched(tiny, before)


def test_a_host_whose_key_is_not_known(tiny: Tiny, fleet: Fleet, tmp_path: Path) -> None:
    before = lengths(tiny)
    file = tmp_path / "known_hosts"
    known = fleet.known_hosts.read_text().splitlines()
    file.write_text("".join(f"{line}\n" for line in known if f":{fleet['api2'].ssh_port} " not in line))
    tiny.inventory["ssh"]["known_hosts"] = [str(file)]
    ran = tiny.deploy("v2")
    assert_ended(ran, 3, "api2: its host key is unknown", "fab -H prod:api2 trust")
    assert_untouched(tiny, before)


def test_a_login_that_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    before = lengths(tiny)
    tiny.inventory["ssh"]["identity_files"] = [str(keys.make_pair(tmp_path, "nobody").private)]
    ran = tiny.deploy("v2")
    assert_ended(
        ran, 3, "api1: login as deploy was refused", "api2: login as deploy was refused", "nothing was changed"
    )
    assert_untouched(tiny, before)


def test_a_disk_that_is_full_before(tiny: Tiny, fleet: Fleet) -> None:
    before = lengths(tiny)
    fleet["api2"].fill_disk("/app")
    ran = tiny.deploy("v2")
    fleet["api2"].free_disk("/app")
    assert_ended(ran, 7, "api2: tiny: ", " are free at /app/tiny, 1.0 MiB are wanted (min_free)", "nothing was changed")
    assert_untouched(tiny, before)


def test_a_tool_that_a_host_lacks(tiny: Tiny) -> None:
    before = lengths(tiny)
    tiny.app["service"] = {**SERVICE, "needs": ["a-tool-nobody-has"]}
    assert_ended(tiny.deploy("v2"), 7, "api2: tiny: `a-tool-nobody-has` is not found on this host")
    assert_untouched(tiny, before)


def test_a_unit_that_sudo_does_not_allow(tiny: Tiny) -> None:
    tiny.app["service"] = {"kind": "systemd", "unit": "ssh", "reload": "reload"}
    ran = tiny.deploy("v2")
    words = ("deploy may not run `systemctl reload ssh` with sudo", "/etc/sudoers.d", "nothing that users can see")
    assert_ended(ran, 5, *words, "NOPASSWD: /usr/bin/systemctl reload ssh")
    assert tiny.stands() == tiny.all_on("v1")


def test_a_git_server_that_is_down(tiny: Tiny, fleet: Fleet) -> None:
    tiny.begin_on("v2")
    before = lengths(tiny)
    git = fleet["git"]
    git.check("systemctl stop ssh.socket ssh.service 2>/dev/null || systemctl stop ssh.service")
    try:
        ran = tiny.deploy("v3")
        assert_ended(ran, 7, "api1: tiny: the git server did not answer", "nothing was changed")
        assert (tiny.stands(), lengths(tiny)) == (tiny.all_on("v2"), before)
        back = tiny.fab("rollback")
        assert_ended(back, 0)
        assert tiny.stands() == tiny.all_on("v1")
    finally:
        git.check("systemctl start ssh.service")


def test_a_git_server_that_does_not_answer(tiny: Tiny, fleet: Fleet) -> None:
    before = lengths(tiny)
    fleet["git"].pause()
    try:
        ran = tiny.deploy("v2")
    finally:
        fleet["git"].unpause()
    assert_ended(ran, 7, "api1: tiny: the git server did not answer", "nothing was changed")
    assert_untouched(tiny, before)


# In the middle.


def test_a_host_that_freezes_while_it_is_prepared(tiny: Tiny, fleet: Fleet) -> None:
    # How soon it is noticed is the usual; how often it is tried again is not.
    tiny.inventory["ssh"] |= {"timeouts": HASTY["timeouts"], "tries": 1}
    tiny.app["build"] = [WAIT]
    api2 = fleet["api2"]
    with tiny.start("v2") as fab:
        fab.until(at("api1", "build"))
        fab.until(at("api2", "build"))
        api2.pause()
        try:
            # Although the other host is still busy.
            fab.until("api2: the connection froze", NOTICED)
            tiny.fleet["api1"].check(f"touch {GO}")
            ran = fab.finish()
        finally:
            api2.unpause()
    assert_ended(ran, 6, "the connection froze (no answer for 8 s) while `build` was running", "! tiny@api2: ")
    assert_ended(ran, 6, "next: fab -H prod:api2 status")
    assert stands(fleet["api1"]) == on("v1")
    # When it wakes up, its step is ended, and its lock says whose it is.
    wait_until(lambda: not api2.processes("seq 600"), "the step on api2 is ended")
    left = stands(api2)
    assert (left.serves, left.lies, left.locks) == ("v1", "v1", ("/app/.lockstitch/tiny/lock.json",))
    assert "cut" in [entry["event"] for entry in journal(api2)]


def assert_recovers(tiny: Tiny) -> None:
    """A lock was left: it says whose, keeps others out, is broken by its command, and then a deploy goes through."""
    shown = tiny.fab("lock.show")
    assert_ended(shown, 0, "ada@")
    tiny.plain()
    refused = tiny.deploy("v3")
    assert_ended(refused, 4, "is locked by ada@", "lock.break", "nothing was changed")
    broken = tiny.fab("lock.break", "--message", "that run is dead")
    assert_ended(broken, 0, "broke the lock of ada@")
    again = tiny.deploy("v3")
    assert_ended(again, 0)
    assert tiny.stands() == tiny.all_on("v3"), again.said


def test_a_host_that_freezes_for_a_while(tiny: Tiny, fleet: Fleet) -> None:
    hasty(tiny)
    tiny.app["build"] = [STUCK]
    tiny.inventory["groups"]["all"]["hosts"] = [tiny.host("api2")]
    with tiny.start("v2") as fab:
        fab.until(at("api2", "build"))
        fleet["api2"].pause()
        try:
            fab.until("api2: the connection froze", NOTICED)
        finally:
            fleet["api2"].unpause()
        ran = fab.finish()
    assert_ended(ran, 5, "every host is back where it was")
    assert tiny.stands() == tiny.all_on("v1")


def test_a_host_that_freezes_at_the_switch(tiny: Tiny, fleet: Fleet) -> None:
    hasty(tiny)
    # The second wave, when the first has gone to the new version.
    tiny.app["service"]["reload"] = f"cp VERSION {SERVED}; [ $(hostname) = api1 ] || {{ {WAIT}; }}"
    api2 = fleet["api2"]
    with tiny.start("v2") as fab:
        fab.until(at("api2", "reload"))
        assert stands(fleet["api1"]).serves == "v2"
        api2.pause()
        try:
            ran = fab.finish()
        finally:
            api2.unpause()
    assert_ended(ran, 6, "api2: the connection froze (no answer for 5 s) while `reload` was running", "! tiny@api2: ")
    assert_ended(ran, 6, "fab -H prod:api2 rollback --only tiny --to")
    assert stands(fleet["api1"]) == on("v1")
    assert "unknown" in [line for line in ran.out.splitlines() if line.startswith("api2 ") and "tiny" in line[:14]][-1]
    wait_until(lambda: not api2.processes("seq 600"), "the step on api2 is ended")
    # What it says is so: that host stands on the new version.
    assert (stands(api2).serves, stands(api2).lies) == ("v2", "v2")


def test_a_connection_that_drops_in_a_long_step(tiny: Tiny, fleet: Fleet) -> None:
    tiny.app["build"] = [f"[ $(hostname) = api1 ] || {{ {STUCK}; }}"]
    with tiny.start("v2") as fab:
        fab.until(at("api2", "build"))
        assert fleet["api2"].processes(LONG)
        assert fleet["api2"].kill_ssh_sessions() > 0
        fab.until("api2: the connection dropped", NOTICED)
        ran = fab.finish()
    assert_ended(ran, 5, "api2: the connection dropped while `build` was running", "every host is back where it was")
    assert tiny.stands() == tiny.all_on("v1")
    assert {tiny.verdicts(host)[-1] for host in tiny.hosts} == {"bad"}


def test_a_connection_that_drops_at_the_switch(tiny: Tiny, fleet: Fleet) -> None:
    tiny.app["service"]["reload"] = f"cp VERSION {SERVED}; [ $(hostname)$(cat VERSION) != api2v2 ] || {{ {STUCK}; }}"
    with tiny.start("v2") as fab:
        fab.until(at("api2", "reload"))
        fleet["api2"].kill_ssh_sessions()
        ran = fab.finish()
    assert_ended(ran, 5, "api2: the connection dropped while `reload` was running", "every host is back where it was")
    assert tiny.stands() == tiny.all_on("v1")


def test_a_host_that_is_cut_off_behind_a_gateway(tiny: Tiny, fleet: Fleet) -> None:
    hasty(tiny)
    tiny.inventory["ssh"]["gateway"] = f"deploy@127.0.0.1:{fleet['gw'].ssh_port}"
    tiny.inventory["groups"]["all"]["hosts"] = [{"name": n, "address": fleet[n].address} for n in tiny.hosts]
    tiny.app["build"] = [f"[ $(hostname) = api1 ] || {{ {STUCK}; }}"]
    # A gateway is logged in to as ~/.ssh/config says: an inventory's keys are those of its hosts.
    config = tiny.project.home / ".ssh" / "config"
    config.parent.mkdir(mode=0o700)
    config.write_text(f"Host 127.0.0.1\n  IdentityFile {fleet.key.private}\n")
    api2 = fleet["api2"]
    with tiny.start("v2") as fab:
        fab.until(at("api2", "build"))
        api2.cut()
        try:
            fab.until("api2: the connection froze", NOTICED)
            ran = fab.finish()
        finally:
            api2.reconnect()
    assert_ended(ran, 6, "api2: the connection froze", "while `build` was running", "! tiny@api2: ")
    assert stands(fleet["api1"]) == on("v1")
    # Its own sshd has not noticed: the step goes on until the next run ends it.
    left = stands(api2)
    assert (left.serves, left.lies, left.running) == ("v1", "v1", (LONG,))
    assert_recovers(tiny)


def test_a_disk_that_fills_in_the_middle(tiny: Tiny, fleet: Fleet) -> None:
    tiny.app["build"] = ["[ $(hostname) = api1 ] || cat /dev/zero >filler"]
    ran = tiny.deploy("v2")
    assert_ended(ran, 5, "No space left on device", "every host is back where it was")
    assert tiny.stands() == tiny.all_on("v1")
    # What filled the disk is gone, and the host has a record of what it was.
    assert {tiny.verdicts(host)[-1] for host in tiny.hosts} == {"bad"}
    assert int(fleet["api2"].check("df -Pm /app | awk 'NR == 2 { print $4 }'")) > 32


# The controller.


def test_a_controller_that_is_killed(tiny: Tiny) -> None:
    tiny.app["build"] = [STUCK]
    with tiny.start("v2", "--message", "night build") as fab:
        for host in tiny.hosts:
            fab.until(at(host, "build"))
        fab.signal(signal.SIGKILL)
    tiny.everywhere(lambda machine: wait_until(lambda: not machine.processes(LONG), f"{machine.name} ends its step"))
    assert all((each.serves, each.lies, len(each.locks)) == ("v1", "v1", 1) for each in tiny.stands().values())
    shown = tiny.fab("lock.show")
    assert shown.out.count("night build") == 2, shown.said
    assert_recovers(tiny)


def test_a_controller_that_is_killed_between_two_waves_of_a_checkout(fresh: Tiny, fleet: Fleet, tmp_path: Path) -> None:
    """In place, one host is on the new version, the other has its files and still serves the old one."""
    fresh.clear()
    tiny = Tiny(fleet, tmp_path / "project", "in_place")
    tiny.begin_on("v1")
    tiny.app["service"]["reload"] = f"[ $(hostname) = api1 ] || {{ {STUCK}; }}; cp VERSION {SERVED}"
    with tiny.start("v2") as fab:
        fab.until(at("api2", "reload"))
        fab.signal(signal.SIGKILL)
    wait_until(lambda: not fleet["api2"].processes(LONG), "api2 ends its step")
    left = {name: (each.serves, each.lies) for name, each in tiny.stands().items()}
    assert left == {"api1": ("v2", "v2"), "api2": ("v1", "v2")}
    # A status command that knows nothing of revisions, so that only what was recorded can tell.
    tiny.plain()
    tiny.app["service"]["status"] = "true"
    seen = tiny.fab("status")
    assert_ended(seen, 7, "! tiny@api2: what lies here was never proven to serve")
    assert_ended(tiny.fab("lock.break", "--yes"), 0)
    again = tiny.deploy("v2")
    assert_ended(again, 0)
    assert tiny.stands() == tiny.all_on("v2"), again.said
    tiny.clear()


POINTS = {
    "build": ("build", STUCK),
    "migrate": ("migrate", STUCK),
    "reload": ("reload", f"cp VERSION {SERVED}; grep -q v1 VERSION || {{ {STUCK}; }}"),
    "gate": ("status", f"cmp VERSION {SERVED} && {{ grep -q v1 VERSION || [ ! -e {HOLD} ]; }}"),
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_controller_that_is_interrupted(tiny: Tiny, number: signal.Signals) -> None:
    for point, (setting, line) in POINTS.items():
        tiny.plain()
        tiny.unblock()
        if setting in ("reload", "status"):
            tiny.app["service"][setting] = line
        else:
            tiny.app[setting] = [line] if setting == "build" else line
        tiny.everywhere(lambda machine: machine.check(f"touch {HOLD}"))
        with tiny.start("v2") as fab:
            fab.until("gate serving: not yet (1)" if point == "gate" else at("api1", point))
            fab.signal(number)
            began = time.monotonic()
            ran = fab.finish(30)
        assert_ended(ran, 130, "interrupted", "INTERRUPTED: every host is back where it was")
        assert tiny.stands() == tiny.all_on("v1"), f"{point}\n{ran.said}"
        assert time.monotonic() - began < 25, f"{point}\n{ran.said}"
        assert tiny.verdicts("api1")[-1] == "bad", point


def test_a_controller_that_is_interrupted_before_the_lock(tiny: Tiny) -> None:
    before = lengths(tiny)
    asked = tiny.project.folder / "asked"
    tiny.app["secrets"] = {"S": f"cmd:touch {asked}; sleep 8; echo hush"}
    with tiny.start("v2") as fab:
        wait_until(asked.exists, "the secret is asked for")
        fab.process.send_signal(signal.SIGINT)
        ran = fab.finish(30)
    assert_ended(ran, 130, "interrupted")
    assert_untouched(tiny, before)
