"""Rulesets that compare duplicates and check people's decisions blindly; those of before read as they did."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# The limits of `app.law.ruleset`. A ruleset of before has neither parameter: off, and no share.
LIMITS = """
ALTER TABLE ruleset
    ADD CONSTRAINT ruleset_compare_duplicates CHECK (
        NOT (parameters::jsonb ? 'compare_duplicates')
        OR coalesce((parameters::jsonb ->> 'compare_duplicates')::boolean
                    <= (parameters::jsonb ->> 'compare_signatures')::boolean, false)),
    ADD CONSTRAINT ruleset_people_check CHECK (
        NOT (parameters::jsonb ? 'people_check_ppm')
        OR coalesce((parameters::jsonb ->> 'people_check_ppm')::integer BETWEEN 0 AND 1000000, false))
"""

# The ruleset before with both. As the newest of its day it is the default.
ADD = """
INSERT INTO ruleset (name, valid_from, parameters, note, added_by, added_at)
SELECT 'california-local-recall/3', valid_from,
       (parameters::jsonb || '{"compare_duplicates": true, "people_check_ppm": 10000}')::text,
       'Duplicates are compared too, and people''s decisions checked blindly.', 'service', now()
FROM ruleset WHERE name = 'california-local-recall/2'
"""


def upgrade() -> None:
    """Add the limits and the standard ruleset."""
    op.execute(LIMITS)
    op.execute(ADD)


def downgrade() -> None:
    """Drop them; refused while a petition uses the ruleset."""
    op.execute("DELETE FROM ruleset WHERE name = 'california-local-recall/3'")
    op.execute("ALTER TABLE ruleset DROP CONSTRAINT ruleset_compare_duplicates, DROP CONSTRAINT ruleset_people_check")
