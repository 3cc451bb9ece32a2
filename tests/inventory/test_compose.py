"""YAML into trees: lines, and what is refused."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.inventory.compose import compose


def problems(text: str) -> list[str]:
    return [str(problem) for problem in compose(text, "f.yml")[1]]


def plain(text: str) -> object:
    tree, found = compose(text, "f.yml")
    assert not found
    return tree.plain()


def test_every_piece_knows_its_line_and_its_path() -> None:
    tree, _ = compose("a:\n  b:\n    - x\n    - {c: y,\n       d: z}\n", "f.yml")
    assert (tree.at(["a", "b", 0]).line, tree.at(["a", "b", 0]).path) == (3, "a.b[0]")
    assert (tree.at(["a", "b", 1, "d"]).line, tree.at(["a", "b", 1, "d"]).path) == (5, "a.b[1].d")
    assert tree.at(["a", "nope", "b"]).path == "a.b"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("false", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("010", "010"),
        ("0", 0),
        ("-7", -7),
        ("1_000", "1_000"),
        ("0x1f", "0x1f"),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"),
        ("1.5", 1.5),
        (".inf", ".inf"),
        ("~", None),
        ("null", None),
        ("", None),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("9" * 30, "9" * 30),
        ("1e3", "1e3"),
    ],
)
def test_plain_words_mean_what_yaml_1_2_says(written: str, value: object) -> None:
    found = plain(f"a: {written}\n")
    assert found == {"a": value}
    assert isinstance(found, dict)
    assert type(found["a"]) is type(value)


def test_aliases_and_merge_keys() -> None:
    assert plain("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\ne: *x\n") == {
        "a": {"b": 1, "c": 2},
        "d": {"b": 1, "c": 3},
        "e": {"b": 1, "c": 2},
    }
    assert plain("a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne: {<<: [*x, *y]}\n")["e"] == {"b": 1, "d": 3}  # type: ignore[index]


def test_an_empty_file_is_an_empty_mapping() -> None:
    assert plain("") == plain("# nothing\n") == plain("---\n") == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yml:1: a: is written again on line 3: keep one of the two"),
        ("a: !!python/name:os.system x\n", "f.yml:1: a: the YAML tag !!python/name:os.system is not allowed"),
        ("a: !vault x\n", "f.yml:1: a: the YAML tag !vault is not allowed"),
        ("a: !!binary aGk=\n", "f.yml:1: a: the YAML tag !!binary is not allowed"),
        ("a: &x [*x]\n", "f.yml:1: a[0]: an alias holds itself"),
        ("b: 1\n? [c]\n: 1\n", "f.yml:2: a key must be a plain word"),
        ("a: 1\nb: c: d\n", "f.yml:2: is not valid YAML: mapping values are not allowed here"),
        ("a: 1\n--- \nb: 2\n", "f.yml:2: is not valid YAML: "),
        ("a: [1,\n", "f.yml:2: is not valid YAML: "),
        ("a:\n\t- b\n", "f.yml:2: is not valid YAML: "),
        ("a: \x07\n", "f.yml:1: is not valid YAML: "),
    ],
)
def test_what_is_refused(text: str, says: str) -> None:
    (found,) = problems(text)
    assert found.startswith(says)


def test_more_than_one_problem() -> None:
    assert len(problems("a: 1\na: 2\nb: !x y\n")) == 2


@given(st.one_of(st.text(), st.text(alphabet="ab:-[]{}&*!<>|?'\" \n#,%@`~01"), st.text("[{", max_size=300)))
def test_any_text_is_a_tree_or_a_problem(text: str) -> None:
    tree, found = compose(text, "f.yml")
    assert found or tree.plain() is not None or tree.content is None


def aliased(levels: int, times: int) -> str:
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * times)}]" for n in range(1, levels)]
    return "\n".join(["a0: &a0 x", *lines, ""])


MERGED = "\n".join(
    ["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 4)}]}}" for n in range(1, 30))]
)


@pytest.mark.parametrize("text", [aliased(9, 9), aliased(60, 2), aliased(2000, 1), MERGED], ids=len)
def test_aliases_that_stand_for_too_much_are_refused_at_once(text: str) -> None:
    """Without a bound these take minutes, and all memory there is."""
    tree, (problem,) = compose(text, "f.yml")
    assert "its aliases stand for more than" in str(problem) or "nested too deeply" in str(problem)
    assert problem.file == "f.yml" and problem.line > 0 and tree.plain() == {}


def test_aliases_that_many_hosts_share_are_fine() -> None:
    keys = ", ".join(f"key{n}: {n}" for n in range(20))
    text = f"base: &base {{{keys}}}\nhosts:\n" + "".join(f"  - {{<<: *base, name: h{n}}}\n" for n in range(1000))
    tree, problems = compose(text, "f.yml")
    assert problems == [] and len(tree.get("hosts").items[999].entries) == 21


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["no", "~", "010"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
WRITTEN = st.builds(
    lambda value, flow, width: yaml.safe_dump(value, default_flow_style=flow, width=width, allow_unicode=True),
    VALUES,
    st.sampled_from([True, False, None]),
    st.sampled_from([5, 80]),
)
PIECES = st.lists(
    st.sampled_from(
        [
            "a:",
            " ",
            "  ",
            "\n",
            "- ",
            "{",
            "}",
            "[x, ",
            "]",
            "&b ",
            "*b",
            "|",
            ">-",
            "'",
            '"',
            "#",
            "<<: ",
            "!!x",
            "\t",
            "?",
            "%",
        ]
    )
)


@given(WRITTEN | PIECES.map("".join) | st.text(max_size=30))
def test_both_parsers_read_the_same(text: str) -> None:
    """The one of libyaml, where it is there, and the one in Python, which takes no more than that."""
    fast = compose(text, "f.yml")
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "CSafeLoader", raising=False)
        slow = compose(text, "f.yml")
    assert fast == slow or any("is not valid YAML" in problem.what for problem in slow[1])
