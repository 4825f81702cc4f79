"""Searches for a line: a person's finding that its signer is not registered rests on one by name and one by address."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

# Of the reads that are on record, the lookups that were made for a line.
LINE = """
CREATE INDEX lookup_audit_line ON lookup_audit (county_id, petition_id, (places[1]))
WHERE kind IN ('name', 'address') AND petition_id IS NOT NULL
"""


def upgrade() -> None:
    """Index them."""
    op.execute(LINE)


def downgrade() -> None:
    """Drop the index."""
    op.execute("DROP INDEX lookup_audit_line")
