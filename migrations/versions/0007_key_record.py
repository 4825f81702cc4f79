"""Who issued a key, and who revoked it."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them; of keys from before, and of those that are not revoked, nobody is known."""
    op.execute("ALTER TABLE api_key ADD COLUMN issued_by text, ADD COLUMN revoked_by text")
    op.execute("GRANT UPDATE (revoked_by) ON api_key TO recall_service")


def downgrade() -> None:
    """Forget them."""
    op.execute("ALTER TABLE api_key DROP COLUMN issued_by, DROP COLUMN revoked_by")
