"""The options that many tasks take, and what `fab --help` says of them."""

from __future__ import annotations

JSON = {"json": "print it as JSON"}
WAY = {
    **JSON,
    "serial": "one host after the other",
    "parallel": "at most so many hosts at the same time; 64 without it",
    "timeout": "end it on a host after so many seconds",
}
