"""Which histories this database has been in: a restore or the promotion of a replica begins another one."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE database_history (
    history text PRIMARY KEY,
    first_seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT, INSERT ON database_history TO recall_service
"""


def upgrade() -> None:
    """Make the table; the service adds the history that it finds when it starts."""
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE database_history")
