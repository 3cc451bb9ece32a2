"""How Alembic reaches the database: every upgrade is one transaction, so that it happens altogether or not at all."""

from logging.config import fileConfig

from alembic import context
from database import database_url
from sqlalchemy import create_engine

fileConfig(context.config.config_file_name)

if context.is_offline_mode():
    context.configure(url=database_url(), literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(database_url()).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
