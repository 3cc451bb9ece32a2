"""The tasks of a checkout, which lie beside the package. The wheel has the package `lockstitch.tasks` instead."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_spec = spec_from_file_location(__name__, Path(__file__).resolve().parents[1] / "tasks" / "__init__.py")
assert _spec and _spec.loader
sys.modules[__name__] = _module = module_from_spec(_spec)
_spec.loader.exec_module(_module)
