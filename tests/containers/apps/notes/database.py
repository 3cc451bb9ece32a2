"""Where the notes are kept: DATABASE_URL, as it is, with whatever characters its password has."""

import os
from functools import cache

from sqlalchemy import URL, Engine, create_engine, make_url


def database_url() -> URL:
    """The database of the environment, for psycopg 3."""
    return make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg")


@cache
def engine() -> Engine:
    """This worker's connections: one that was ended by the server is noticed and made anew."""
    return create_engine(database_url(), pool_size=2, pool_pre_ping=True)
