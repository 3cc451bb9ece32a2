"""Measure `bundle`: the sizes of what was built, its growth, and secrets and texts that must not be in it.

scan.sh     what is asked of a host: POSIX sh, find, gzip, grep
count.awk   how often texts stand in files
forms.py    the forms of a secret; names without hashes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, StrictInt, model_validator

from lockstitch.measures.base import Measure, MeasuredSite, MeasureResult, blind, bounded
from lockstitch.measures.bundle.forms import SHORTEST, as_expression, secret_forms, stable_name
from lockstitch.measures.settings import BundleSize, Growth
from lockstitch.metrics.judgement import Answer
from lockstitch.metrics.settings import Url
from lockstitch.model.command import Command, Secret, Value, plain
from lockstitch.model.format import sized
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, collect, fields, number
from lockstitch.model.shell import shell_text

_SCAN, _COUNT = shell_text(__package__, "scan.sh"), shell_text(__package__, "count.awk")
_MOST_FILES, _SHOWN = 5000, 10
_SECONDS = 300.0


def _path(value: str) -> str:
    parts = value.split("/")
    if value.startswith(("/", "~", "-")) or ".." in parts or not value.isprintable() or not value.strip():
        raise ValueError(f"{value!r} is no folder in the release: write it relative to the release, such as dist")
    return value.rstrip("/")


def _text(value: str) -> str:
    if not value or not value.isprintable():
        raise ValueError("a text that is counted has one line")
    return value


FolderInRelease = Annotated[str, AfterValidator(_path)]
CountedText = Annotated[str, AfterValidator(_text)]


@dataclass(frozen=True)
class Chunk:
    """A built file: its path below the folder, its size in bytes by gzip, and as it is."""

    path: str
    compressed: int
    size: int


@dataclass(frozen=True)
class BundleFacts:
    """Findings of a host: its chunks, and `before` those of the release it is compared with; secrets by their numbers,
    with the files they are in; how often each text stands there, by its number. `unreadable` is what could not be read,
    `lost` the same of the release before."""

    chunks: tuple[Chunk, ...] = ()
    before: tuple[Chunk, ...] = ()
    secrets: tuple[tuple[int, str], ...] = ()
    counts: Mapping[int, int] | None = None
    unreadable: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


class BundleMeasure(Measure):
    """Measure of the files built for browsers, in the release that serves. Sizes are those that gzip makes of them."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": ".next/static", "max_chunk": "500kB", "growth": "10%"},
        {"path": "dist", "total": "1MB", "max": {"process.env": 5}, "page": "http://localhost:3000/"},
    )

    kind: Literal["bundle"] = Field(description="sizes and contents of what was built for browsers")
    path: FolderInRelease = Field(description="the folder in the release, such as `.next/static`")
    files: tuple[str, ...] = Field((".js", ".mjs", ".css"), description="ends of the names of files that are chunks")
    max_chunk: BundleSize | None = Field(None, description="the largest size of a chunk, by gzip: `500kB`")
    total: BundleSize | None = Field(None, description="the largest size of all chunks together")
    growth: Growth | None = Field(
        None, description="by how much all together may be larger than in the last good release: `10%`, or `-30%`"
    )
    never: tuple[str, ...] = Field(
        (), description="secrets of the app whose values must not be in any file there, source maps included"
    )
    max: dict[CountedText, Annotated[StrictInt, Field(ge=0)]] = Field(
        {}, description="how often a text may stand in all files together: `{process.env: 5}`"
    )
    page: Url | None = Field(None, description="a page whose text is searched as well, as each host asks for it")

    @model_validator(mode="after")
    def _judges(self) -> BundleMeasure:
        if self.growth is None and not self._has_limits():
            raise ValueError("it judges nothing: write max_chunk, total, growth, never or max")
        if bad := [end for end in self.files if not end.startswith(".") or " " in end or not end.isprintable()]:
            raise ValueError(f"{bad[0]!r} is no end of a file's name: write it like .js")
        return self

    def secret_names(self) -> tuple[str, ...]:
        return self.never

    def refusal(self, site: MeasuredSite) -> str:
        for name in self.never:
            if len(plain(site.known.get(name, ""))) < SHORTEST:
                why = f"has fewer than {SHORTEST} characters, and would be in files by chance"
                return f"{name} {why}: take it from `never`"
            if not secret_forms(plain(site.known[name])):
                return f"{name} has no line of {SHORTEST} characters that could be searched: take it from `never`"
        return ""

    def seconds(self, samples: int) -> float:
        return _SECONDS

    def probe(self, site: MeasuredSite, begin: int, end: int) -> Probe[BundleFacts]:
        lines = [
            f"{number} {form}"
            for number, name in enumerate(self.never)
            for form in secret_forms(plain(site.known[name]))
        ]
        values: dict[str, Value] = {
            "directory": site.directory,
            "path": self.path,
            "before": site.before if self.growth is not None else "",
            "kinds": " ".join(self.files),
            "texts": "\n".join(map(as_expression, self.max)),
            "patterns": Secret("\n".join(lines)) if lines else "",
            "page": self.page or "",
            "most": str(_MOST_FILES),
            "counting": _COUNT,
        }
        # The script does not read these: what stands in them is masked in an answer.
        values |= {f"never_{at}": site.known[name] for at, name in enumerate(self.never)}
        return Probe(f"measure {site.name}", Command(_SCAN, values=values), partial(parse_bundle, texts=len(self.max)))

    def judge(self, site: MeasuredSite, sample: Any, before: Mapping[str, float] | None) -> MeasureResult:
        assert isinstance(sample, BundleFacts)
        failures = [*self._secrets_in(sample), *self._texts_in(sample), *self._too_large(sample)]
        open_questions, notes = self._unread(sample), []
        earlier = sum(chunk.compressed for chunk in sample.before)
        if not sample.before and not sample.lost and before:
            earlier = int(before.get("total", 0))
        total = sum(chunk.compressed for chunk in sample.chunks)
        compared = self.growth is None
        if self.growth is not None and not open_questions:
            compared = bool(earlier)
            change = f"{(total - earlier) / earlier * 100:+.1f} %" if earlier else ""
            if sample.lost:
                open_questions.append(f"the release before cannot be read: {sample.lost[0]}")
            elif not earlier and site.unknown:
                open_questions.append(f"the release before is not known: {site.unknown}")
            elif not earlier:
                notes.append("nothing is known of a good release before this one: its growth is not judged")
            elif total > earlier * (1 + self.growth):
                failures.append(f"{change} since {site.earlier}, at most {self.growth * 100:+g} %")
            else:
                notes.append(f"{change} since {site.earlier} ({sized(earlier)})")
        numbers = self._numbers(sample, total)
        lines = _largest(sample.chunks, sample.before)
        says = f"{len(sample.chunks)} chunks, {sized(total)} by gzip"
        if failures:
            return MeasureResult(Answer.FAIL, "; ".join([*failures, *open_questions]), "", tuple(notes), numbers, lines)
        if open_questions:
            return blind(
                "; ".join(open_questions[:3]), "an unreadable folder is no pass: is `path` right, and may it be read?"
            )
        answer = Answer.PASS if compared or self._has_limits() else Answer.FEW
        return MeasureResult(answer, says, "", tuple(notes), numbers, lines)

    def _has_limits(self) -> bool:
        return any((self.max_chunk, self.total, self.never, self.max))

    def _secrets_in(self, sample: BundleFacts) -> list[str]:
        files: dict[str, list[str]] = {}
        for at, file in sample.secrets:
            if at < len(self.never):
                files.setdefault(self.never[at], []).append(file)
        return [
            f"the value of {name} is in {', '.join(some[:3])}{f' and {len(some) - 3} more' if len(some) > 3 else ''}"
            for name, some in files.items()
        ]

    def _texts_in(self, sample: BundleFacts) -> list[str]:
        counts = [(text, most, (sample.counts or {}).get(at, 0)) for at, (text, most) in enumerate(self.max.items(), 1)]
        return [f"{text} stands there {count} times, at most {most}" for text, most, count in counts if count > most]

    def _too_large(self, sample: BundleFacts) -> list[str]:
        failures = []
        large = sorted((c for c in sample.chunks if self.max_chunk and c.compressed > self.max_chunk), key=_by_size)
        failures += [f"{c.path} has {sized(c.compressed)}, at most {sized(self.max_chunk or 0)}" for c in large[:3]]
        total = sum(chunk.compressed for chunk in sample.chunks)
        if self.total is not None and total > self.total:
            failures.append(f"all chunks have {sized(total)}, at most {sized(self.total)}")
        return failures

    def _unread(self, sample: BundleFacts) -> list[str]:
        unread = [f"unreadable: {why}" for why in sample.unreadable]
        if not sample.chunks and not unread:
            unread.append(f"no file below {self.path} ends with {' or '.join(self.files)}")
        if self.max and not unread and len(sample.counts or {}) < len(self.max):
            unread.append("the host did not count to the end")
        return unread

    def _numbers(self, sample: BundleFacts, total: int) -> dict[str, float]:
        largest = max((chunk.compressed for chunk in sample.chunks), default=0)
        numbers: dict[str, float] = {"total": total, "largest": largest, "chunks": len(sample.chunks)}
        for at, text in enumerate(self.max, 1):
            numbers[f"count {text}"] = (sample.counts or {}).get(at, 0)
        return {**numbers, **{f"chunk {name}": size for name, size in _by_name(sample.chunks).items()}}


def parse_bundle(text: str, code: int, *, texts: int) -> BundleFacts:
    """Parse what a host found. A line that is not known is one that could not be read."""
    said = collect(text, {"chunk", "was", "secret", "count", "unreadable", "lost", "files", "end"})
    unreadable = list(dict.fromkeys([*said["unreadable"], *said[""]]))
    if code or "end" not in said:
        unreadable.append(f"the host did not look to the end (exit code {code})")
    if any((number(line) or 0) < len(said["chunk"]) for line in said["files"]):
        unreadable.append("the host did not search all files")

    def rows(word: str, numbers: int) -> list[list[str]]:
        split = [fields(line, numbers + 1) for line in said[word]]
        bad = [row for row in split if None in map(number, row[:numbers])]
        unreadable.extend(f"{word} {' '.join(row)}" for row in bad)
        return [row for row in split if row not in bad]

    counts: dict[int, int] = {}
    for at, many, _ in rows("count", 2):
        counts[int(at)] = counts.get(int(at), 0) + int(many)
    secrets = tuple((int(at), file) for at, file in rows("secret", 1))
    chunks, before = (
        tuple(Chunk(path, int(small), int(whole)) for small, whole, path in rows(word, 2)) for word in ("chunk", "was")
    )
    counts = {at: many for at, many in counts.items() if 0 < at <= texts}
    return BundleFacts(chunks, before, secrets, counts, tuple(unreadable), tuple(said["lost"]))


def _by_size(chunk: Chunk) -> int:
    return -chunk.compressed


def _by_name(chunks: Sequence[Chunk]) -> dict[str, int]:
    """Return the sizes by names without hashes, the largest first; those of one name are added up."""
    sizes: dict[str, int] = {}
    for chunk in chunks:
        name = stable_name(chunk.path)
        sizes[name] = sizes.get(name, 0) + chunk.compressed
    return dict(sorted(sizes.items(), key=lambda each: (-each[1], each[0])))


def _largest(chunks: Sequence[Chunk], before: Sequence[Chunk]) -> tuple[str, ...]:
    """Return a line for each of the largest chunks, with the size it had before."""
    earlier = _by_name(before)
    lines = []
    for name, size in list(_by_name(chunks).items())[:_SHOWN]:
        was = f" ({sized(earlier[name])} before)" if name in earlier else " (new)" if before else ""
        lines.append(f"{sized(size)}  {name}{was}")
    more = len(_by_name(chunks)) - len(lines)
    return bounded([*lines, *([f"and {more} smaller ones"] if more > 0 else [])], "chunks")
