"""Which lines a reader has read on a day is forgotten when the day is over: it serves that day's budget alone."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let the service delete these rows; the record of reads stays as it is."""
    op.execute("GRANT DELETE ON lookup_seen TO recall_service")


def downgrade() -> None:
    """Let it keep them."""
    op.execute("REVOKE DELETE ON lookup_seen FROM recall_service")
