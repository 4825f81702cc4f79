"""The lines of a voter that people decided, in all petitions of a county; and reads of pairs of signatures."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# No line is in it before a person decides it, so it costs nothing at intake.
INDEX = """
CREATE INDEX line_decided_by_people ON line (county_id, voter_id) WHERE confirmed_by <> '{}' AND voter_id IS NOT NULL
"""


def upgrade() -> None:
    """Create the index."""
    op.execute(INDEX)


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP INDEX line_decided_by_people")
