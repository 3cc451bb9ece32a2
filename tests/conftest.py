"""What every test starts from."""

from __future__ import annotations

import signal

from hypothesis import settings

from tests.mariadb import local_mariadb
from tests.postgres import local_postgres

__all__ = ["local_mariadb", "local_postgres"]

# How long an example takes says something of the machine, and nothing of what is tested.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# A shell starts what runs in the background with SIGINT ignored, and that is inherited: tests that send it to a `fab`
# of theirs would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)
