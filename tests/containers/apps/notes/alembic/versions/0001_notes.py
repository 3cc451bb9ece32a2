"""The notes."""

from alembic import op

revision, down_revision = "0001", None


def upgrade() -> None:
    op.execute("CREATE TABLE notes (id bigserial PRIMARY KEY, text text NOT NULL, made timestamptz DEFAULT now())")


def downgrade() -> None:
    op.execute("DROP TABLE notes")
