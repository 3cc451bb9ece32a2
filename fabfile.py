"""What `fab` loads: the tasks of this project."""

import sys

sys.dont_write_bytecode = False  # fab turns it on, and then compiles everything at each call

from tasks import namespace  # noqa: E402

__all__ = ["namespace"]
