"""Which registrations count is a parameter of rulesets, with limits; how far lines were examined again for it."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

# The limits of `app.law.ruleset`. A ruleset of before has no such parameter, and its text stays as it is.
LIMITS = """
ALTER TABLE ruleset ADD CONSTRAINT ruleset_registration CHECK (
    NOT (parameters::jsonb ? 'registration')
    OR coalesce((parameters::jsonb #>> '{registration,inactive_counts}')::boolean IS NOT NULL
        AND (parameters::jsonb #>> '{registration,voting_age}')::integer BETWEEN 16 AND 18
        AND parameters::jsonb #>> '{registration,age_reached_by}' IN ('interval_start', 'interval_end', 'filing')
        AND parameters::jsonb #>> '{registration,affidavit_signed_by}' IN ('interval_start', 'interval_end')
        AND (parameters::jsonb #>> '{registration,affidavit_days_before_filing}')::integer BETWEEN 0 AND 366
        AND parameters::jsonb #>> '{registration,undated_cancellation}' IN ('review', 'registered'), false))
"""

# In the head row, which a change of the ruleset locks: section, page and line up to which lines were examined again
# since another rule came into force; null: all were.
HEAD = "ALTER TABLE head ADD COLUMN examine_after integer[] CHECK (cardinality(examine_after) = 3)"


def upgrade() -> None:
    """Add the limits and the column."""
    op.execute(LIMITS)
    op.execute(HEAD)


def downgrade() -> None:
    """Drop them."""
    op.execute("ALTER TABLE head DROP COLUMN examine_after")
    op.execute("ALTER TABLE ruleset DROP CONSTRAINT ruleset_registration")
