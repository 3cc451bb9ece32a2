"""Git on a host as people have it: servers that chatter, names that became folders, checkouts made in other ways."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lockstitch import plans
from lockstitch.checks import apps
from lockstitch.errors import CheckError
from lockstitch.facts.git import GIT_LOCKS
from lockstitch.facts.queries import resolve
from lockstitch.facts.site import CheckoutFacts, Target
from lockstitch.model.plan import Script, Step
from tests.engine.conftest import MakeWorld
from tests.engine.world import NOBODYS_CONFIG, World
from tests.remote import openssh
from tests.remote.sshd import Sshd

HERE = ("a", "api")


def place(world: World) -> CheckoutFacts:
    """Return what a survey says of the one site."""
    (facts,) = world.surveyed(plans.usual_asks(world.fleet("box:a"))).facts.values()
    return facts.place


def target(world: World, ref: str) -> Target:
    """Return what a ref means, asked on the one site."""
    (host, app), *_ = world.fleet("box:a").sites()
    probe = resolve(app, ref)
    (result,) = world.remote.run(host, Script((Step("target", "", probe.command),)))
    return probe.parse(result.output, result.code)


def deployed(world: World, ref: str, **wanted: bool) -> str:
    """Deploy to the one site; the revision that lies there then."""
    ended = world.deploy(ref, "box:a", **wanted)
    assert ended.code == 0, ended.outcome
    return world.revision(*HERE)


@pytest.fixture
def chatty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A real git server over SSH that greets everybody, in words that our own answers begin with too."""
    if openssh.server() is None:
        pytest.skip("no sshd can be had")
    root = tmp_path_factory.mktemp("chatty")
    banner = root / "banner"
    banner.write_text("problem reports to ops\nrevision 7\ndirty yes\ncommit nothing here\nmigration on Sunday\n")
    server = Sshd(root / "sshd", {"Banner": str(banner)})
    yield server
    server.stop()


def over_ssh(world: World, server: Sshd, **options: str) -> World:
    """The world with its repository behind that server; `ssh` on the hosts knows the way, and says so each time."""
    programs = world.root / "programs"
    programs.mkdir(exist_ok=True)
    usual = {"IdentityFile": server.key, "StrictHostKeyChecking": "accept-new", "UserKnownHostsFile": "/dev/null"}
    words = " ".join(f"-o {name}={value}" for name, value in {**usual, **options}.items())
    (programs / "ssh").write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F none {words} "$@"\n')
    (programs / "ssh").chmod(0o755)
    world.remote.env = {**world.remote.env, "PATH": f"{programs}:{os.environ['PATH']}"}
    world.url = f"ssh://{server.user}@127.0.0.1:{server.port}{world.repository}"
    return world


def test_a_server_that_chatters_is_answered_by_stdout_alone(make_world: MakeWorld, chatty: Sshd) -> None:
    world = over_ssh(make_world("in_place"), chatty)
    asked = world.rev("v3")
    for ref in ("main", "refs/tags/v2", asked[:10]):
        assert target(world, ref).revision == world.rev(ref), "where nothing is yet"
    assert deployed(world, asked) == asked
    for ref in ("v4", asked[:10], asked):
        found = target(world, ref)
        assert (found.revision, found.migrations) == (world.rev(ref), ())
        assert [commit.subject for commit in found.commits] == (["release v4"] if ref == "v4" else [])
    (host, app), *_ = world.fleet("box:a").sites()
    git = apps.repository(app).probe
    (result,) = world.remote.run(host, Script((Step("git", "", git.command),)))
    assert git.parse(result.output, result.code) == (True, "branches: 1")
    world.git("tag", "main")
    assert target(world, "main").problem == "it is a branch and a tag: name refs/heads/main or refs/tags/main"
    assert target(world, "nothing").problem == "the repository has no branch, tag or commit nothing"
    assert target(world, "nothing").hint == f"there: git ls-remote {world.url}"
    assert target(world, "V4").hint == "did you mean v4?"
    chatty.stop()
    assert "Connection refused" in target(world, "main").problem


WHY = {
    "unknown key": ({"StrictHostKeyChecking": "yes"}, "No ED25519 host key is known for", "ssh -T -p {port} {user}@"),
    "refused login": ({"IdentityFile": "{host_key}"}, "Permission denied (publickey", "deploy key"),
    "no repository": ({}, "does not appear to be a git repository", "correct `repository`"),
    "other's repository": ({}, "dubious ownership in repository", "safe.directory {root}/theirs"),
}


@pytest.mark.parametrize(("options", "reason", "hint"), WHY.values(), ids=WHY)
def test_why_the_git_server_refuses_is_told_with_the_next_command(
    make_world: MakeWorld, chatty: Sshd, options: dict[str, str], reason: str, hint: str, request: pytest.FixtureRequest
) -> None:
    words = {name: value.format(host_key=chatty.host_key) for name, value in options.items()}
    world = over_ssh(make_world("in_place"), chatty, **words)
    if "other" in request.node.callspec.id:
        if os.geteuid():
            pytest.skip("only root can give a folder to somebody else")
        shutil.copytree(world.repository, world.root / "theirs")
        subprocess.run(["chown", "-R", "1234", world.root / "theirs"], check=True)
        world.url = f"ssh://{chatty.user}@127.0.0.1:{chatty.port}{world.root}/theirs"
    elif not options:
        world.url += "/nothing"
    with pytest.raises(CheckError) as refused:
        world.plan_deploy("main", "box:a")
    assert "a: api: the git server did not answer: " in refused.value.message and reason in refused.value.message
    assert "correct access rights" not in refused.value.message
    assert hint.format(port=chatty.port, user=chatty.user, root=world.root) in refused.value.hint
    (host, app), *_ = world.fleet("box:a").sites()
    git = apps.repository(app)
    (result,) = world.remote.run(host, Script((Step("git", "", git.probe.command),)))
    (told,) = git.judge(git.probe.parse(result.output, result.code))
    assert reason in told.says and told.hint == refused.value.hint


def test_why_a_step_of_git_fails_is_told_with_the_next_command(make_world: MakeWorld, chatty: Sshd) -> None:
    world = over_ssh(make_world("in_place"), chatty)
    plan = world.plan_deploy("main", "box:a")
    over_ssh(world, chatty, IdentityFile=str(chatty.host_key))
    (failure,) = world.run(plan).outcome.failures
    assert failure.what == "fetch" and "Permission denied (publickey" in failure.reason
    assert "deploy key" in failure.hint


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk that is full")
def test_a_full_folder_for_temporary_files_is_no_missing_branch(make_world: MakeWorld, tmp_path: Path) -> None:
    world, full = make_world("in_place"), tmp_path / "full"
    full.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=6", "none", full], check=False).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        world.remote.env["TMPDIR"] = str(full)
        with pytest.raises(CheckError, match="No space left on device") as refused:
            world.plan_deploy("main", "box:a")
        assert "df -i" in refused.value.hint, "no inodes"
        subprocess.run(["mount", "-o", "remount,size=64k,nr_inodes=600", full], check=True)
        (full / "log").write_bytes(bytes(48 << 10))
        with pytest.raises(CheckError, match="the folder .* cannot be used: .*No space left on device|No space left"):
            world.plan_deploy("main", "box:a")
        with suppress(OSError):
            (full / "more").write_bytes(bytes(64 << 10))
        with pytest.raises(CheckError, match="the folder .*/full cannot be used: .*No space left on device"):
            world.plan_deploy("main", "box:a")
    finally:
        subprocess.run(["umount", full], check=True)


def test_a_name_that_became_a_folder_of_itself_and_back(any_world: World) -> None:
    world = any_world
    at = {name: world.rev(name) for name in ("v1", "v2", "v3", "v4")}
    world.git("branch", "feature", "v2")
    world.git("tag", "rel", "v3")
    assert deployed(world, "feature") == at["v2"]
    world.git("tag", "mine", "v2", at=world.clone(*HERE))
    for branch, tag in (("feature/x", "rel/a"), ("feature", "rel")):
        for kind in ("branch", "tag"):
            for old in world.git(kind, "--list", "feature*", "rel*").split():
                world.git(kind, "-D" if kind == "branch" else "-d", old)
        world.git("branch", branch, "v1")
        world.git("tag", tag, "v4")
        assert deployed(world, branch) == at["v1"]
        assert deployed(world, tag) == at["v4"]
        world.git("pack-refs", "--all", at=world.clone(*HERE))
    assert world.git("branch", "-r", at=world.clone(*HERE)) == ""
    world.repository.rename(world.root / "away")
    for tag, version in (("rel", "v4"), ("mine", "v2"), ("v1", "v1")):
        assert world.rollback(f"refs/tags/{tag}", "box:a", force=True).code == 0
        assert world.revision(*HERE) == at[version]


def test_a_tag_that_was_moved_at_the_server_and_one_that_was_made_here(world: World) -> None:
    at = {name: world.rev(name) for name in ("v1", "v2", "v3", "v4")}
    world.git("tag", "live", "v2")
    assert deployed(world, "main") == at["v4"]
    clone = world.clone(*HERE)
    world.git("tag", "late", "v1", at=clone)
    world.git("tag", "-f", "live", "v3")
    world.git("tag", "late", "v2")
    assert deployed(world, "live") == at["v3"]
    assert world.git("rev-parse", "live", at=clone) == at["v3"], "what `git describe` of a build sees"
    assert world.git("rev-parse", "late", at=clone) == at["v1"], "somebody's own"
    world.git("tag", "-d", "live", "late")
    assert deployed(world, "main") == at["v4"]
    world.repository.rename(world.root / "away")
    assert world.rollback("refs/tags/live", "box:a").code == 0
    assert world.revision(*HERE) == at["v3"]


CHECKOUTS = {
    "upstream": ("clone -q -o upstream {url} {at}",),
    "two refspecs": ("clone -q {url} {at}", "-C {at} config --add remote.origin.fetch +refs/pull/*:refs/pull/*"),
    "shallow": ("clone -q --depth 1 -b v2 {url} {at}",),
    "blobless": ("clone -q --filter=blob:none {url} {at}",),
    "mirror": (
        "clone -q {url} {at}",
        "-C {at} config remote.origin.mirror true",
        "-C {at} config remote.origin.fetch +refs/*:refs/*",
    ),
    "no remote": ("clone -q {url} {at}", "-C {at} remote remove origin"),
    "shared": ("clone -q --shared {path} {at}",),
}


@pytest.mark.parametrize("how", CHECKOUTS)
def test_a_checkout_that_was_made_in_another_way(make_world: MakeWorld, how: str) -> None:
    world = make_world("in_place")
    at = world.path(*HERE)
    at.parent.mkdir(parents=True)
    world.git("config", "uploadpack.allowFilter", "true")
    for words in CHECKOUTS[how]:
        world.git(*words.format(url=f"file://{world.repository}", path=world.repository, at=at).split(), at=world.root)
    world.git("checkout", "-q", "v2", at=at)
    world.git("tag", "mine", at=at)
    config = (at / ".git" / "config").read_text()
    world.commit("v5")
    assert deployed(world, "main") == world.rev("v5")
    assert (at / ".git" / "config").read_text() == config, "the remotes are the owner's"
    world.git("checkout", "-q", "-b", "side", "v1")
    world.commit("v6")
    assert deployed(world, "side") == world.rev("v6")
    assert how == "shallow" or place(world).branch == "main -4 +1"
    v2, v3 = world.rev("v2"), world.rev("v3")
    assert deployed(world, "v4") == world.rev("v4")
    world.repository.rename(world.root / "away")
    # These two have not all of it themselves.
    for name, revision in (("refs/tags/v3", v3), ("refs/tags/mine", v2)) if how not in ("blobless", "shared") else ():
        assert world.rollback(name, "box:a").code == 0
        assert revision == world.revision(*HERE)


def test_a_clone_that_an_older_version_fetched_goes_back_and_says_how_far_it_is(world: World) -> None:
    old, between = world.rev("v1"), world.rev("v2")
    assert deployed(world, "v1") == old
    clone = world.clone(*HERE)
    for name in world.git("for-each-ref", "--format=%(refname)", "refs/lockstitch", at=clone).split():
        world.git("update-ref", "-d", name, at=clone)
    config = ("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    world.git(*config, at=clone)
    world.git(
        "fetch", "-q", "--force", "origin", "+refs/heads/*:refs/remotes/origin/*", "refs/tags/*:refs/tags/*", at=clone
    )
    assert (place(world).branch, place(world).tag) == ("main -3", "v1")
    world.git("checkout", "-q", "--detach", "v3")
    world.git("branch", "-D", "main")
    world.git("branch", "main/x")
    assert deployed(world, "main/x") == world.rev("v3")
    world.repository.rename(world.root / "away")
    assert world.rollback("refs/tags/v2", "box:a").code == 0
    assert world.revision(*HERE) == between


LOCKS = (
    "index.lock",
    "HEAD.lock",
    "config.lock",
    "packed-refs.lock",
    "shallow.lock",
    "refs/lockstitch/heads/main.lock",
)


def test_stale_locks_of_git_are_refused_before_anything_is_changed(world: World) -> None:
    assert deployed(world, "v1") == world.rev("v1")
    assert deployed(world, "v2") == world.rev("v2")
    clone = world.clone(*HERE)
    for name in LOCKS:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).touch()
        os.utime(clone / name, (time.time() - 7530,) * 2)
    (clone / "modules" / "lib" / "objects").mkdir(parents=True)
    (clone / "modules" / "lib" / "objects" / "maintenance.lock").touch()
    with pytest.raises(CheckError) as refused:
        world.plan_deploy("v3", "box:a")
    said = refused.value.message.splitlines()
    for name in LOCKS:
        (line,) = (line for line in said if name in line)
        at = clone.relative_to(world.remote.home("a")) / name
        # A machine with containers runs git processes of users that it does not know.
        assert f"{at} is a lock of git, 2 h 5 min old, and " in line
        assert "no git process works there: " in line or "other users' git processes run here: " in line
        assert line.endswith(f"remove it: rm {at}")
    assert len(said) == len(LOCKS) + 1 and refused.value.exit_code == 7
    if world.layout == "releases":
        assert world.rollback("", "box:a").code == 0, "a rollback to a folder that is there needs no git"
    else:
        with pytest.raises(CheckError, match=r"index\.lock"):
            world.plan_rollback("", "box:a")


def test_who_holds_a_lock_of_git_is_named_and_one_that_goes_is_no_obstacle(make_world: MakeWorld) -> None:
    world = make_world("in_place")
    assert deployed(world, "v1") == world.rev("v1")
    at = world.path(*HERE)
    # A commit whose message is still being written: git holds the lock until the editor ends.
    editor = world.root / "editor"
    editor.write_text('#!/bin/sh\n: >"$0.open"\nread -r line <"$0.gate"\n')
    editor.chmod(0o755)
    os.mkfifo(f"{editor}.gate")
    env = {"PATH": os.environ["PATH"], **NOBODYS_CONFIG, "GIT_EDITOR": str(editor)}
    held = subprocess.Popen(["git", "commit", "-q", "--allow-empty", "-a"], cwd=at, env=env, stderr=subprocess.DEVNULL)
    while not Path(f"{editor}.open").exists():
        assert held.poll() is None
    (lock,) = place(world).locks
    assert (lock.path, lock.holder) == ("srv/api/.git/index.lock", held.pid)
    with pytest.raises(CheckError, match=f"git process {held.pid} works there, wait for it"):
        world.plan_deploy("v2", "box:a")
    Path(f"{editor}.gate").write_text("\n")
    held.wait(60)
    assert place(world).locks == ()


def test_a_lock_that_comes_between_survey_and_checkout_leaves_nothing_to_put_back(make_world: MakeWorld) -> None:
    world = make_world("in_place")
    assert deployed(world, "v1") == world.rev("v1")
    plan = world.plan_deploy("v2", "box:a")
    (world.clone(*HERE) / "index.lock").touch()
    ended = world.run(plan)
    assert ended.code == 5, ended.outcome
    assert [failure.what for failure in ended.outcome.failures] == ["checkout"]
    assert (ended.outcome.manual_actions, world.revision(*HERE)) == ((), world.rev("v1"))


@pytest.mark.parametrize("discard", [False, True])
def test_a_checkout_that_is_killed_is_put_back_although_git_has_left_its_lock(
    make_world: MakeWorld, discard: bool
) -> None:
    world = make_world("in_place").given("v1")
    at, programs = world.path(*HERE), world.root / "programs"
    if discard:
        (at / ".gitignore").write_text("mine\n")
    programs.mkdir()
    (programs / "git").write_text(f"""#!/bin/sh
case " $* " in *" checkout "*)
    if mkdir {programs}/once 2>/dev/null; then
        echo half >{at}/VERSION; : >{at}/.git/index.lock; mkdir -p {at}/.git/modules/lib; : >{at}/.git/modules/lib/index.lock
        kill -KILL $$
    fi ;;
esac
exec {shutil.which("git")} "$@"
""")
    (programs / "git").chmod(0o755)
    world.remote.env = {**world.remote.env, "PATH": f"{programs}:{os.environ['PATH']}"}
    ended = world.deploy("v2", "box:a", discard=discard)
    assert (ended.code, ended.outcome.manual_actions) == (5, ())
    assert (world.revision(*HERE), (at / "VERSION").read_text()) == (world.rev("v1"), "v1\n")
    assert (at / ".gitignore").read_text() == ("mine\n" if discard else "built\n")
    assert list((at / ".git").rglob("*.lock")) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="who mounts is root")
@pytest.mark.parametrize("hidepid", ["0", "1", "2"])
def test_processes_that_are_hidden_are_not_taken_for_none(hidepid: str) -> None:
    script = f"cd /; clone=nowhere\n{GIT_LOCKS}\ngit_holder /nowhere 2>/dev/null\n"
    inside = 'mount -t proc -o hidepid="$1" none /proc && setpriv --reuid 65534 --regid 65534 --clear-groups sh -c "$0"; exit'
    words = ["unshare", "-m", "-p", "--fork", "sh", "-c", inside, script, hidepid]
    told = subprocess.run(words, capture_output=True, text=True)
    if told.returncode:
        pytest.skip(f"nothing can be mounted here: {told.stderr.strip()}")
    assert told.stdout == ("0\n" if hidepid == "0" else "?\n")
