"""Reads of pairs of signatures that are compared."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

KINDS = "'name', 'address', 'name_and_address', 'line', 'lines', 'withdrawals', 'sample', 'export'"
KIND = """
ALTER TABLE lookup_audit
    DROP CONSTRAINT lookup_audit_kind_check,
    ADD CONSTRAINT lookup_audit_kind_check CHECK (kind IN ({kinds}))
"""


def upgrade() -> None:
    """Allow the new kind."""
    op.execute(KIND.format(kinds=f"{KINDS}, 'comparison'"))


def downgrade() -> None:
    """Call them lists of lines, as which an earlier program would have recorded them."""
    op.execute("UPDATE lookup_audit SET kind = 'lines' WHERE kind = 'comparison'")
    op.execute(KIND.format(kinds=KINDS))
