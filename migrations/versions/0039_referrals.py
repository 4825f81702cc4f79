"""A further kind of note: a line is referred to the officer of confidential voters."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Allow it."""
    op.execute("ALTER TABLE line_note DROP CONSTRAINT line_note_kind_check")
    op.execute(
        "ALTER TABLE line_note ADD CONSTRAINT line_note_kind_check"
        " CHECK (kind IN ('note', 'escalation', 'return', 'referral'))"
    )


def downgrade() -> None:
    """Refuse it; fails while there is one."""
    op.execute("ALTER TABLE line_note DROP CONSTRAINT line_note_kind_check")
    op.execute(
        "ALTER TABLE line_note ADD CONSTRAINT line_note_kind_check CHECK (kind IN ('note', 'escalation', 'return'))"
    )
