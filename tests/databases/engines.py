"""Which engine a test is for, where it is not for each of them."""

from __future__ import annotations

import pytest

only_postgres = pytest.mark.parametrize("local_server", ["postgres"], indirect=True)
only_mariadb = pytest.mark.parametrize("local_server", ["mariadb"], indirect=True)
# What the engine has no part in, so that another one would show nothing more.
one_engine = only_postgres
