"""Held lines whose findings were undone go back to the officer of confidential voters, as they do since."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

GIVE_BACK = """
UPDATE held_line SET decided_by = NULL, decided_at = NULL FROM line
WHERE (line.county_id, line.petition_id, line.section, line.page, line.line)
    = (held_line.county_id, held_line.petition_id, held_line.section, held_line.page, held_line.line)
  AND decided_at IS NOT NULL AND status = 'review' AND reason IN ('undone', 'quality_check')
"""


def upgrade() -> None:
    """Give them back."""
    op.execute(GIVE_BACK)


def downgrade() -> None:
    """Leave them to the officer."""
