"""The seam with Fabric's command line, seen from outside: real `fab` in small projects."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from invoke.parser.argument import Argument
from invoke.parser.context import ParserContext

from lockstitch.cli.executor import named
from scripts.sandbox import Sandbox
from scripts.sandbox.processes import state
from tests.containers.project import FAB, ROOT, Running

FABRIC_YAML = """
tasks: {executor_class: lockstitch.cli.Executor}
lockstitch: {environment: prod}
"""
PROD = """
groups:
  backend: {hosts: [api1, api2]}
  frontend: {hosts: [web1]}
"""
TASKS = '''
import os
import signal
import sys
import time

from fabric import task as plain
from invoke import Collection, task as here

from lockstitch import errors
from lockstitch.cli import fleet_task, remote_for


@fleet_task(help={"ref": "what to deploy"})
def deploy(c, ref="", count=1):
    """Deploy it all."""
    print("deploy", *(host.name for host in c.hosts), f"ref={ref} count={count}")
    print("dry" if c.dry else "wet", "defaulted" if c.defaulted else "chosen", repr(c.remainder))


@fleet_task(remainder=True)
def run(c):
    print("run", *(host.name for host in c.hosts), repr(c.remainder))


@plain
def who(c):
    c.run("echo $USER on $LOCKSTITCH_SANDBOX_HOST", hide=True)
    print("who", c.hop.name, c.run("echo $USER", hide=True).stdout.strip())


@plain(hosts=["web1", {"host": "api1", "user": "ada"}])
def pinned(c):
    print("pinned", c.user, c.hop.name)


@plain
def bad(c):
    c.run("echo said; exit 42", hide=True)


@here
def local(c):
    print("local", type(c).__name__)


@here(pre=[local], post=[local])
def around(c):
    print("around")


@plain
def slow(c):
    c.run("echo $$; exec sleep 600")


@fleet_task
def connect(c):
    remote = remote_for(c)
    try:
        for error in remote.connect(c.hosts).values():
            raise error
        print("connected")
    finally:
        remote.close()


@fleet_task
def boom(c, what=""):
    raise {
        "locked": errors.LockHeldError("prod is locked\\x1b[2J", hint="wait"),
        "defect": ZeroDivisionError("oops"),
        "reset": ConnectionResetError(104, "Connection reset by peer"),
        "eof": EOFError(),
        "file": FileNotFoundError(2, "No such file or directory", "/no/where"),
        "interrupt": KeyboardInterrupt(),
    }[what]


@fleet_task
def wait(c):
    try:
        print("waiting", flush=True)
        time.sleep(30)
    finally:
        print("put back", flush=True)
        time.sleep(0.3)
        print("and unlocked", flush=True)


namespace = Collection(deploy, run, who, pinned, bad, slow, local, around, connect, boom, wait)
'''


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


class Project:
    """A small project in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "hosts").mkdir()
        (root / "hosts/prod.yml").write_text(PROD)
        (root / "fabric.yaml").write_text(FABRIC_YAML)
        (root / "tasks.py").write_text(TASKS)
        (root / "fabfile.py").write_text((ROOT / "fabfile.py").read_text())
        self.env = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(root), "NO_COLOR": "1"}
        self.env.pop("SSH_AUTH_SOCK", None)

    def fab(self, *words: str, where: str = ".") -> Ended:
        ran = Running([str(FAB), *words], self.root / where, self.env, preloaded=True).finish(30)
        return Ended(ran.code, ran.out, ran.err)

    @contextmanager
    def started(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(
            [str(FAB), *words],
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("sandbox"), ["api1", "api2", "web1"]) as sandbox:
        yield sandbox


@pytest.fixture
def reach(project: Project, sandbox: Sandbox) -> Callable[..., Ended]:
    """`fab` with the sandbox's ssh_config."""
    return lambda *words: project.fab("-S", str(sandbox.place.ssh_config), *words)


def lines(ended: Ended) -> list[str]:
    assert ended.code == 0, ended
    return ended.out.splitlines()


ALL = "deploy api1 api2 web1 ref= count=1"


def test_a_fleet_task_is_called_once_with_all_that_was_selected(project: Project) -> None:
    assert lines(project.fab("-H", "prod", "deploy")) == [ALL, "wet chosen ''"]
    assert lines(project.fab("deploy", "-H", "prod")) == [ALL, "wet chosen ''"]
    assert lines(project.fab("-H", "prod:backend,!api2", "deploy", "--ref", "v1"))[0] == "deploy api1 ref=v1 count=1"


def test_without_h_it_is_the_default_environment(project: Project) -> None:
    assert lines(project.fab("deploy")) == [ALL, "wet defaulted ''"]
    (project.root / "fabric.yaml").write_text("tasks: {executor_class: lockstitch.cli.Executor}\n")
    ended = project.fab("deploy")
    assert ended.code == 2 and ended.err.startswith("no hosts are selected\nHINT: fab -H ENV")


def test_plain_names_come_after_the_environments(project: Project) -> None:
    assert lines(project.fab("-H", "prod:web1", "deploy"))[0] == "deploy web1 ref= count=1"
    assert lines(project.fab("-H", "ada@192.0.2.1:2222,prod", "deploy"))[0].startswith("deploy api1 api2 web1 ada@")


def test_it_works_from_a_folder_below(project: Project) -> None:
    (project.root / "deep/er").mkdir(parents=True)
    assert lines(project.fab("-H", "prod", "deploy", where="deep/er"))[0] == ALL


def test_dry(project: Project) -> None:
    assert lines(project.fab("--dry", "-H", "prod", "deploy"))[1] == "dry chosen ''"
    assert lines(project.fab("-R", "-H", "prod", "deploy"))[1] == "dry chosen ''"


def test_the_command_after_two_dashes(project: Project) -> None:
    assert lines(project.fab("-H", "prod", "run", "--", "df", "-h", "/")) == ["run api1 api2 web1 'df -h /'"]
    assert lines(project.fab("-H", "prod:web1", "run", "--", "echo 'a  b' | wc")) == [
        """run web1 "echo 'a  b' | wc\""""
    ]
    ended = project.fab("-H", "prod", "deploy", "--", "uptime")
    assert ended.code == 2 and "HINT: fab -H ENV run -- uptime" in ended.err and ended.out == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["-R", "prod", "deploy"],
            "`-R` is `--dry`, there are no roles\nHINT: hosts are selected with -H: fab -H prod",
        ),
        (["-R", "web", "deploy"], "web is no task; `-R` is `--dry`"),
        (["prod", "deploy"], "HINT: hosts are selected with -H: fab -H prod deploy"),
        (["deplyo"], "there is no task deplyo: did you mean deploy?"),
        (["-H", "prod:bckend", "deploy"], "prod has no group or host bckend: did you mean backend?"),
        (
            ["deploy", "--reff", "x"],
            "deploy has no option --reff: did you mean --ref?\nHINT: fab --help deploy shows them",
        ),
        (["deploy", "--ref"], "--ref needs a value"),
        (["deploy", "--count", "x"], "invalid literal"),
        (["deploy", "-ref", "x"], "a long option has two dashes"),
        (["-S", "nowhere", "deploy"], "nowhere does not exist"),
    ],
)
def test_what_was_typed_wrong_is_told_in_words(project: Project, words: list[str], said: str) -> None:
    ended = project.fab(*words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err and "Traceback" not in ended.err and len(ended.err.splitlines()) <= 2


@pytest.mark.parametrize("option", ["--prompt-for-login-password", "--prompt-for-passphrase"])
def test_a_password_that_cannot_be_typed_is_told(project: Project, option: str) -> None:
    ended = project.fab(option, "-H", "prod", "deploy")
    assert (ended.code, ended.out) == (2, "")
    assert "a password is asked for, and there is no terminal" in ended.err and "Traceback" not in ended.err


def test_a_broken_inventory_is_told(project: Project) -> None:
    (project.root / "hosts/prod.yml").write_text("gruops: {}\n")
    ended = project.fab("-H", "prod", "deploy")
    assert ended.code == 2 and "hosts/prod.yml:1" in ended.err and "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ("locked", 4, "prod is locked␛[2J\nHINT: wait\n"),
        ("reset", 3, "connection reset by peer\n"),
        ("eof", 3, "the connection dropped\n"),
        ("file", 2, "/no/where: no such file or directory\n"),
        ("interrupt", 130, "interrupted\n"),
    ],
)
def test_how_errors_end(project: Project, what: str, code: int, said: str) -> None:
    assert project.fab("boom", "--what", what) == Ended(code, "", said)


def test_only_a_defect_has_a_traceback(project: Project) -> None:
    ended = project.fab("boom", "--what", "defect")
    assert ended.code == 1 and "Traceback" in ended.err and "ZeroDivisionError: oops" in ended.err


def test_a_plain_task_is_called_for_each_host(reach: Callable[..., Ended]) -> None:
    assert [line.split()[:2] for line in lines(reach("-H", "prod", "who"))] == [
        ["who", "api1"],
        ["who", "api2"],
        ["who", "web1"],
    ]


def test_a_plain_task_knows_its_own_hosts(project: Project) -> None:
    me = lines(project.fab("pinned"))
    assert me[0].endswith(" web1") and me[1] == "pinned ada api1"
    assert [line.split()[2] for line in lines(project.fab("-H", "prod:backend", "pinned"))] == ["api1", "api2"]


def test_a_plain_task_without_hosts_does_not_run_here(project: Project) -> None:
    ended = project.fab("who")
    assert ended.code == 2 and "who works on hosts, and none are selected" in ended.err


def test_a_task_of_this_machine_needs_no_hosts(project: Project) -> None:
    assert lines(project.fab("local")) == ["local Context"]
    assert lines(project.fab("around")) == ["local Context", "around", "local Context"]


def test_a_plain_task_trusts_no_unknown_host(project: Project, sandbox: Sandbox, tmp_path: Path) -> None:
    config = tmp_path / "bare_config"
    config.write_text(sandbox.place.ssh_config.read_text().replace(str(sandbox.place.known_hosts), "/dev/null"))
    ended = project.fab("-S", str(config), "-H", "prod:web1", "who")
    assert ended.code == 3 and "web1: its host key is unknown" in ended.err and "Traceback" not in ended.err
    assert "fab -H prod:web1 trust" in ended.err


def test_what_only_openssh_can_read_is_read_also_by_a_plain_task(
    project: Project, sandbox: Sandbox, tmp_path: Path
) -> None:
    config = tmp_path / "odd_config"
    text = sandbox.place.ssh_config.read_text()
    config.write_text('Match host="web1" # it\'s "odd\n  Port {} # x\n'.format(sandbox.host("web1").port) + text)
    assert lines(project.fab("-S", str(config), "-H", "prod:web1", "connect")) == ["connected"]


def test_an_error_in_ssh_config_is_a_two_in_the_words_of_ssh(project: Project, tmp_path: Path) -> None:
    config = tmp_path / "wrong_config"
    config.write_text("Host *\n  Prot 22\n")
    for task in ("who", "connect"):
        ended = project.fab("-S", str(config), "-H", "prod:web1", task)
        assert ended.code == 2 and f"{config}: line 2: Bad configuration option: prot" in ended.err, ended
        assert "Traceback" not in ended.err


def test_a_command_that_fails_on_a_host_is_a_seven(reach: Callable[..., Ended]) -> None:
    ended = reach("-H", "prod:web1", "bad")
    assert ended == Ended(7, "", "`echo said; exit 42` failed with exit code 42\n    | said\n")


def test_what_the_command_line_says_reaches_the_connections(project: Project, sandbox: Sandbox, tmp_path: Path) -> None:
    config = tmp_path / "keyless_config"
    text = sandbox.place.ssh_config.read_text()
    config.write_text("".join(line for line in text.splitlines(True) if "IdentityFile" not in line))
    without = project.fab("-S", str(config), "-H", "prod", "connect")
    assert without.code == 3 and "there was no key to try" in without.err
    assert lines(project.fab("-S", str(config), "-i", str(sandbox.place.key), "-H", "prod", "connect")) == ["connected"]
    missing = project.fab("-S", str(config), "-i", "/no/key", "-H", "prod:web1", "connect")
    assert missing.code == 3 and "the identity file /no/key does not exist" in missing.err


def test_the_timeout_of_the_command_line(project: Project) -> None:
    began = time.monotonic()
    ended = project.fab("-t", "1", "-H", "192.0.2.1", "connect")
    assert ended.code == 3 and time.monotonic() - began < 10, ended


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_and_lets_the_task_put_things_back(project: Project, number: signal.Signals) -> None:
    with project.started("wait") as process:
        assert process.stdout is not None and process.stdout.readline() == "waiting\n"
        process.send_signal(number)
        assert process.stdout.readline() == "put back\n"
        # A CI system asks again while things are being put back: that is no reason to stop.
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, "and unlocked\n", "interrupted\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_of_a_plain_task(project: Project, sandbox: Sandbox, number: signal.Signals) -> None:
    with project.started("-S", str(sandbox.place.ssh_config), "-H", "prod:web1", "slow") as process:
        assert process.stdout is not None
        remote = int(process.stdout.readline())
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "interrupted\n")
    until = time.monotonic() + 10
    while state(remote) not in ("", "Z"):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_closed_terminal_does_not_keep_things_from_being_put_back(project: Project) -> None:
    done = project.root / "done"
    text = (project.root / "tasks.py").read_text()
    marked = text.replace(
        'print("and unlocked", flush=True)', f'print("x" * 9999, flush=True); open({str(done)!r}, "w")'
    )
    (project.root / "tasks.py").write_text(marked)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(project.root)
        os.execve(FAB, [str(FAB), "wait"], project.env)
    said = b""
    while b"waiting" not in said:
        said += os.read(terminal, 1000)
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert done.exists() and os.waitstatus_to_exitcode(status) == 130


def test_listing_the_tasks_loads_nothing_heavy(project: Project) -> None:
    heavy = "print(*sorted({'pydantic', 'rich', 'requests'} & set(sys.modules)))"
    with (project.root / "fabfile.py").open("a") as fabfile:
        fabfile.write(f"\nimport atexit\natexit.register(lambda: {heavy})\n")
    with project.started("--list") as process:
        out, _ = process.communicate(timeout=30)
    assert "deploy" in out and "Deploy it all." in out
    assert out.splitlines()[-1].strip() == ""


def test_the_project_itself_lists_its_tasks_and_has_help(project: Project) -> None:
    for words, told in ((["--list"], "deploy"), (["--help", "deploy"], "do not ask, where the environment")):
        done = subprocess.run([str(FAB), *words], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0 and told in done.stdout, done.stderr


@pytest.mark.parametrize("words", [["--list"], ["--help", "deploy"]])
def test_a_list_that_nobody_reads_on_ends_quietly(words: list[str]) -> None:
    """`fab --list | head`, where head was the quicker."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nobody:
        pipes: dict[str, Any] = {"stdout": nobody, "stderr": subprocess.PIPE, "text": True}
        done = subprocess.run([str(FAB), *words], cwd=ROOT, timeout=30, check=False, **pipes)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (["a.b", "x"], ["a.b", "--name", "x"]),
        (["a.b", "--json", "x"], ["a.b", "--json", "--name", "x"]),
        (["a.b", "--to", "x"], ["a.b", "--to", "x"]),
        (["a.b", "--to", "x", "y", "z"], ["a.b", "--to", "x", "--name", "y", "z"]),
        (["a.b", "c", "x"], ["a.b", "c", "x"]),
        (["c", "x"], ["c", "x"]),
        (["x", "a.b"], ["x", "a.b"]),
        (["a.b"], ["a.b"]),
    ],
)
def test_a_bare_word_stands_for_the_argument_its_task_takes(typed: list[str], read: list[str]) -> None:
    flags = [Argument(name="json", kind=bool, default=False), Argument(name="to"), Argument(name="name")]
    contexts = {"a.b": ParserContext("a.b", args=flags), "c": ParserContext("c")}
    assert named(typed, {"a.b": "name"}, contexts) == read
