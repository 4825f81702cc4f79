"""Which histories this database has been in, since a restore begins another one, and a row to try a write with."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE database_history (
    cluster text PRIMARY KEY,
    history text NOT NULL UNIQUE,
    first_seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT, INSERT ON database_history TO recall_service;
CREATE TABLE heartbeat (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    beat_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON heartbeat TO recall_service
"""


def upgrade() -> None:
    """Make the tables; the service adds the history that it finds when it starts."""
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE heartbeat, database_history")
