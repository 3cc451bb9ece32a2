"""Programs that a user of a host does not find: which PATH was searched, and where they lie all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import KeyedLines, fields, last
from lockstitch.model.shell import shell_text

# The shell function `not_found`, whose lines `parse_search` reads.
NOT_FOUND = shell_text(__package__, "not_found.sh")


@dataclass(frozen=True)
class ToolSearch:
    """The `path` on which programs were looked for in vain, and by program the folder beyond it that has it."""

    path: str = ""
    folders: Mapping[str, str] = field(default_factory=dict)

    def words(self, tool: str) -> str:
        """Return where a program was looked for, as the end of a sentence that it is not found; empty where that is
        not known."""
        if not self.path:
            return ""
        lies = f"; it lies in {self.folders[tool]}" if tool in self.folders else ""
        return f": searched was {self.path}, without what login profiles add{lies}"

    def hint(self, tool: str, versions: str = "") -> str:
        """Return what to do about a program that is not found in the `versions` that it should have."""
        if tool in self.folders:
            return f"write into the app: env: {{PATH: '{self.folders[tool]}:{self.path}'}}"
        return f"install {tool}{versions} there; where it is on a PATH of its own: env: {{PATH: …}} of the app"


def parse_search(said: KeyedLines) -> ToolSearch:
    """Return the search from its lines; of several folders of one program the last, which has the newest version."""
    return ToolSearch(last(said, "searched"), dict(fields(line, 2) for line in said["lies"]))
