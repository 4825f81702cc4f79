"""The blind double check covers what people decided: who they were, and what the machine had decided before them."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# `decided_*` is the decision as the answer found it; no one in `people`: the machine's alone. `machine_*`: what the
# machine had decided of a line that people decided since; null where it had left the line to them.
COLUMNS = """
ALTER TABLE quality_check
    ADD COLUMN people text[] NOT NULL DEFAULT '{}',
    ADD COLUMN machine_status text CHECK (machine_status IN ('valid', 'invalid')),
    ADD COLUMN machine_reason text,
    ADD COLUMN machine_voter_id text
"""


def upgrade() -> None:
    """Add the columns; earlier answers were compared with the machine's decision alone."""
    op.execute(COLUMNS)


def downgrade() -> None:
    """Drop them."""
    op.execute(
        "ALTER TABLE quality_check DROP COLUMN people, DROP COLUMN machine_status, DROP COLUMN machine_reason,"
        " DROP COLUMN machine_voter_id"
    )
