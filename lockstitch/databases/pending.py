"""The value Pending: what the code that serves has not applied to its database, as its own tool lists it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

# What the question for pending migrations ends with where nothing is deployed.
NOTHING_THERE = 100


@dataclass(frozen=True)
class Pending:
    """Migrations that the code that serves has not applied: a line for each migration, or why nobody knows."""

    names: tuple[str, ...] = ()
    problem: str = ""

    def __str__(self) -> str:
        if self.problem:
            return f"whether it has migrations pending is not known: {self.problem}"
        more = f" and {len(self.names) - 5} more" if len(self.names) > 5 else ""
        return f"migrations pending in the code that serves: {', '.join(self.names[:5])}{more}"


def parse_pending(text: str, code: int) -> Pending | None:
    """The migrations that a tool lists, a line each; None where nothing is deployed."""
    lines = tuple(" ".join(line.split()) for line in text.split("\n") if line.strip())
    if code == NOTHING_THERE:
        return None
    if code:
        said = " / ".join(lines[-5:]) or "nothing was said"
        return Pending(problem=f"the command that lists them ended with exit code {code}: {said}")
    return Pending(lines)
