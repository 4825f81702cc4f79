"""Limits of two further parameters of rulesets; those of before lack them, and their text stays as it is."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

# The limits of `app.law.ruleset`.
LIMITS = """
ALTER TABLE ruleset
    ADD CONSTRAINT ruleset_characteristics CHECK (
        NOT (parameters::jsonb ? 'mismatch_characteristics')
        OR coalesce((parameters::jsonb ->> 'mismatch_characteristics')::integer BETWEEN 2 AND 13, false)),
    ADD CONSTRAINT ruleset_closed_days CHECK (
        NOT (parameters::jsonb ? 'closed_days')
        OR CASE WHEN jsonb_typeof(parameters::jsonb -> 'closed_days') = 'array'
           THEN jsonb_array_length(parameters::jsonb -> 'closed_days') <= 400 ELSE false END)
"""


def upgrade() -> None:
    """Add them."""
    op.execute(LIMITS)


def downgrade() -> None:
    """Drop them."""
    op.execute("ALTER TABLE ruleset DROP CONSTRAINT ruleset_characteristics, DROP CONSTRAINT ruleset_closed_days")
