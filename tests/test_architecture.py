"""The rules of the design that no tool knows: which file may do what, read from the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.syntax import parsed

ROOT = Path(__file__).parents[1]
FILES = [
    path.relative_to(ROOT).as_posix()
    for folder in ("lockstitch", "tasks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
ENGINE = [file for file in FILES if file.startswith("lockstitch/")]
PURE = (
    "lockstitch/plans/",
    "lockstitch/services/",
    "lockstitch/report/",
    "lockstitch/runbooks/",
    "lockstitch/smoke/",
    "lockstitch/checks/",
    "lockstitch/databases/",
    "lockstitch/evidence/",
    "lockstitch/facts/",
    "lockstitch/flags/",
    "lockstitch/measures/",
    "lockstitch/metrics/",
    "lockstitch/model/",
)
VALUES = [
    "text",
    "errors",
    *(
        f"model.{name}"
        for name in (
            "lazy_dataclass",
            "command",
            "host",
            "release",
            "layout",
            "probe",
            "lock",
            "expectation",
            "gate",
            "hook",
            "identity",
            "wave_watch",
            "smoke_check",
            "flag",
            "plan",
        )
    ),
]
# A program of its own, whose answer is what it prints.
PRINTS = "lockstitch/__main__.py"
SEAMS = ("lockstitch/cli/", "lockstitch/remote/ssh/", "tasks/")
QUOTES = ("lockstitch/model/command.py", "lockstitch/remote/script.py")


@cache
def tree(file: str) -> ast.Module:
    return parsed((ROOT / file).read_text(encoding="utf-8"))


def nodes(file: str) -> Iterator[ast.AST]:
    return ast.walk(tree(file))


@cache
def imports(file: str) -> frozenset[str]:
    """Every module a file names, also within its functions: `a.b` of `import a.b` and of `from a.b import c`."""
    named: set[str] = set()
    for node in nodes(file):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            # The tasks are `tasks` here and `lockstitch.tasks` in the wheel.
            assert node.level == 0 or file.startswith("tasks/"), f"{file}: a relative import"
            named |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(named)


@cache
def calls(file: str) -> frozenset[str]:
    return frozenset(ast.unparse(node.func) for node in nodes(file) if isinstance(node, ast.Call))


def of(file: str, *packages: str) -> set[str]:
    """The imports of a file that are of these packages."""
    return {
        module for module in imports(file) if module.startswith(tuple(f"{p}." for p in packages)) or module in packages
    }


def offenders(files: Iterable[str], *, imports: Iterable[str] = (), calls_: Iterable[str] = ()) -> dict[str, set[str]]:
    """Files that import any of these packages or call any of these functions, and which."""
    found = {file: of(file, *imports) | (calls(file) & set(calls_)) for file in files}
    return {file: what for file, what in found.items() if what}


def test_there_is_something_to_judge() -> None:
    assert len(FILES) > 60
    assert all((ROOT / file_of(value)).exists() for value in VALUES)


def file_of(module: str) -> str:
    return f"lockstitch/{module.replace('.', '/')}.py"


def test_only_what_a_person_types_prints() -> None:
    files = [file for file in ENGINE if file != PRINTS and not file.startswith("lockstitch/cli/")]
    assert offenders(files, calls_=["print", "pprint", "sys.stdout.write", "sys.stderr.write", "input"]) == {}


def test_only_the_seams_know_fabric() -> None:
    files = [file for file in FILES if not file.startswith(SEAMS)]
    assert offenders(files, imports=["fabric", "invoke", "paramiko"]) == {}


def test_the_engine_does_not_know_who_uses_it() -> None:
    assert offenders(ENGINE, imports=["tasks", "tests", "scripts", "fabfile"]) == {}


def test_what_is_pure_imports_no_effect_and_has_none() -> None:
    # The doctor also looks at the machine it runs on; and threads may use a dataclass first at the same time.
    others = ("lockstitch/checks/doctor/", "lockstitch/model/lazy_dataclass.py")
    files = [file for file in ENGINE if file.startswith(PURE) and not file.startswith(others)]
    assert len(files) > 15
    effects = [f"lockstitch.{name}" for name in ("engine", "remote", "cli")]
    world = ["subprocess", "socket", "threading", "os", "shutil", "time", "random", "requests", "sys"]
    clocks = ["open", "exec", "eval", "datetime.now", "datetime.utcnow", "date.today"]
    assert offenders(files, imports=[*effects, *world], calls_=clocks) == {}


def test_values_import_only_values_before_them() -> None:
    for name in VALUES:
        allowed = [f"lockstitch.{value}" for value in VALUES[: VALUES.index(name)]]
        file = file_of(name)
        assert of(file, "lockstitch") == of(file, *allowed), name


def test_only_command_quotes_for_a_shell() -> None:
    """Others ask it for a line of words; `script.py` puts whole texts into its own. Splitting what is read is no quoting."""
    files = [file for file in FILES if file not in QUOTES]
    ways = ["quote", "shlex.quote", "shlex.join", "os.system", "os.popen"]
    assert offenders(files, imports=["pipes", "lockstitch.model.command.quote"], calls_=ways) == {}
    through_a_shell = [
        file
        for file in FILES
        for node in nodes(file)
        if isinstance(node, ast.Call) and any(keyword.arg == "shell" for keyword in node.keywords)
    ]
    assert through_a_shell == []


SHELL_TEXT = re.compile(r"(?m)^\s*(set -e|cd |mkdir |rm |git |here |ln |mv |export )")


def test_no_value_is_pasted_into_a_text_for_a_shell() -> None:
    """What a Command is made of is constant: a string that is formatted never looks like a shell's."""
    pasted = []
    for file in FILES:
        for node in nodes(file):
            if isinstance(node, ast.JoinedStr) and any(isinstance(part, ast.FormattedValue) for part in node.values):
                parts = [part.value for part in node.values if isinstance(part, ast.Constant)]
                if SHELL_TEXT.search("".join(map(str, parts))) and file not in QUOTES:
                    pasted.append(f"{file}:{node.lineno}: {ast.unparse(node)}")
    assert pasted == []


def test_a_second_signal_does_not_cut_off_what_the_first_one_puts_away() -> None:
    """A handler that exits runs the EXIT handler, in which another signal would end everything at once."""
    handlers = [
        (path.name, action)
        for path in (ROOT / "lockstitch").rglob("*.sh")
        for action in re.findall(r"trap '([^']*\bexit 1[0-9][0-9])'", path.read_text(encoding="utf-8"))
    ]
    assert len(handlers) > 5 and [each for each in handlers if not each[1].startswith('trap "" ')] == []


def test_every_file_says_what_it_is_for() -> None:
    assert [file for file in FILES if not ast.get_docstring(tree(file))] == []


def test_no_file_nor_function_grows_too_long() -> None:
    assert [file for file in FILES if len((ROOT / file).read_text(encoding="utf-8").splitlines()) > 350] == []
    functions = [
        (file, node)
        for file in FILES
        for node in nodes(file)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [f"{file}: {f.name}" for file, f in functions if (f.end_lineno or 0) - f.lineno >= 50] == []


def test_nothing_global_changes() -> None:
    assert [file for file in FILES for node in nodes(file) if isinstance(node, ast.Global)] == []


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("f'cd {x}'", True),
        ("f'rm -rf {x}'", True),
        ("f'recorded {x}'", False),
        ("'cd $x'", False),
        ("f'a\\ngit {x}'", True),
    ],
)
def test_pasting_would_be_seen(text: str, bad: bool) -> None:
    (node,) = [node for node in ast.walk(parsed(text)) if isinstance(node, ast.JoinedStr | ast.Constant)][:1]
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    said = "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
    assert bool(SHELL_TEXT.search(said)) == bad
