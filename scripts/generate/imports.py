"""The picture docs/images/architecture.svg, from the imports in the code."""

from __future__ import annotations

from itertools import product
from xml.sax.saxutils import escape

import grimp

PACKAGE = "lockstitch"
TASKS = "tasks"
# The part of each package that a newcomer should know it by.
PURPOSES = {
    TASKS: "what a user can type",
    "__main__": "python -m lockstitch",
    "cli": "the seam with Fabric: executor, session",
    "engine": "effects: survey, runs, locks, journals",
    "report": "outcomes as text and JSON",
    "plans": "(fleet, facts) → Plan, one module a task",
    "checks": "facts judged before a change",
    "facts": "probes and their parsers",
    "remote": "scripts to hosts: SSH, local, fake",
    "inventory": "hosts/*.yml: load, merge, select",
    "services": "plug-ins: what runs an app",
    "databases": "plug-ins: engines, backups",
    "model": "frozen values: Command, Host, Plan",
    "errors": "errors with hint and exit code",
    "concurrency": "parallel work, interrupts",
    "text": "text from hosts, made safe to show",
}
WIDTH, BOX, HEIGHT, ROW, TOP = 1060, 290, 46, 92, 60
# The right margin, for arrows that pass a row.
MARGIN = 120
Point = tuple[int, int]
Edge = tuple[str, str]


def picture() -> str:
    """Return the SVG: whatever imports stands above what it imports, with an arrow for each import that no longer path
    of arrows implies."""
    edges = direct(imports())
    rows = layers(edges)
    level = {name: number for number, row in enumerate(rows) for name in row}
    passing = sorted(edge for edge in edges if level[edge[1]] - level[edge[0]] > 1)
    ends = {name for edge in passing for name in edge}
    places = {
        name: ((WIDTH - MARGIN) * (2 * column + 1) // (2 * len(row)), TOP + ROW * number + HEIGHT // 2)
        for number, row in enumerate(rows)
        for column, name in enumerate(sorted(row, key=lambda name: (name in ends, name)))
    }
    height = TOP + ROW * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif">',
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#57606a"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{WIDTH // 2}" y="30" text-anchor="middle" font-size="15" fill="#57606a">'
        "An arrow points to what is imported. Imports that a path of arrows implies are left out.</text>",
        *(down(places[importer], places[target]) for importer, target in sorted(edges - set(passing))),
        *(aside(places[importer], places[target], lane) for lane, (importer, target) in enumerate(passing)),
        *(box(name, *at) for name, at in places.items()),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def imports() -> set[Edge]:
    """Return which top-level part of the code imports which, imports in function bodies included."""
    graph = grimp.build_graph(PACKAGE, TASKS, cache_dir=None)
    pairs = {
        (part(module), part(target))
        for module in graph.modules
        for target in graph.find_modules_directly_imported_by(module)
    }
    return {
        (importer, target) for importer, target in pairs if importer != target and PACKAGE not in (importer, target)
    }


def part(module: str) -> str:
    """Return the top-level part that a module belongs to: `lockstitch.model.plan` to `model`."""
    first, *rest = module.split(".")
    return rest[0] if first == PACKAGE and rest else first


def direct(edges: set[Edge]) -> set[Edge]:
    """Return the transitive reduction of an acyclic graph."""
    reach = set(edges)
    nodes = sorted({name for edge in edges for name in edge})
    for middle, start, end in product(nodes, repeat=3):
        if (start, middle) in reach and (middle, end) in reach:
            reach.add((start, end))
    return {(a, b) for a, b in edges if not any((a, middle) in reach and (middle, b) in reach for middle in nodes)}


def layers(edges: set[Edge]) -> list[list[str]]:
    """Return rows of names, from the top: each name stands just above the highest of what it imports."""
    targets: dict[str, set[str]] = {name: set() for edge in edges for name in edge}
    for importer, target in edges:
        targets[importer].add(target)
    rows: list[list[str]] = []
    placed: set[str] = set()
    while len(placed) < len(targets):
        rows.append(sorted(name for name in targets if name not in placed and targets[name] <= placed))
        placed.update(rows[-1])
    return rows[::-1]


def box(name: str, x: int, y: int) -> str:
    """Return the box of a part, with its name and purpose."""
    return (
        f'<rect x="{x - BOX // 2}" y="{y - HEIGHT // 2}" width="{BOX}" height="{HEIGHT}" rx="6" '
        f'fill="#f6f8fa" stroke="#8c959f"/><text x="{x}" y="{y - 3}" text-anchor="middle" font-size="16" '
        f'font-weight="600" fill="#1f2328">{escape(name)}</text><text x="{x}" y="{y + 15}" text-anchor="middle" '
        f'font-size="13" fill="#57606a">{escape(PURPOSES.get(name, ""))}</text>'
    )


def down(start: Point, end: Point) -> str:
    """Return a straight arrow from a box to one in the next row."""
    return arrow(f"M{start[0]} {start[1] + HEIGHT // 2} L{end[0]} {end[1] - HEIGHT // 2}")


def aside(start: Point, end: Point, lane: int) -> str:
    """Return an arrow that passes rows in a lane of the right margin."""
    x = WIDTH - MARGIN + 30 + 25 * lane
    return arrow(f"M{start[0] + BOX // 2} {start[1]} H{x} V{end[1] - 6 * lane} H{end[0] + BOX // 2}")


def arrow(path: str) -> str:
    """Return an arrow along a path."""
    return f'<path d="{path}" fill="none" stroke="#57606a" stroke-width="1.4" marker-end="url(#head)"/>'
