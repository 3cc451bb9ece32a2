"""A tiny app for tests of what goes wrong: it is fetched and built in a moment, and what it serves is a file."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.containers.fleet import Fleet
from tests.containers.machine import Machine
from tests.containers.project import Project
from tests.containers.units import Layout

APP, PATH, STATE, SERVED = "tiny", "/app/tiny", "/app/.lockstitch/tiny", "/app/served"
AUTHOR = {f"GIT_{role}_{key}": f"ada{at}" for role in ("AUTHOR", "COMMITTER") for key, at in NAMES} if False else {}
SERVICE = {"kind": "command", "reload": f"cp VERSION {SERVED}", "status": f"cmp VERSION {SERVED}"}
