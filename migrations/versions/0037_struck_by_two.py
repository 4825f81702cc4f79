"""The standard ruleset by which two people find a section defective, and accept a request to withdraw.

Both strike lines that the data find good.
"""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

# A ruleset of before lacks the parameter: one person may.
LIMIT = """
ALTER TABLE ruleset ADD CONSTRAINT ruleset_withdrawals CHECK (
    NOT (parameters::jsonb ? 'withdrawals_by_two')
    OR coalesce(jsonb_typeof(parameters::jsonb -> 'withdrawals_by_two') = 'boolean', false))
"""

# As the newest of its day it is the default.
ADD = """
INSERT INTO ruleset (name, valid_from, parameters, note, added_by, added_at)
SELECT 'california-local-recall/4', valid_from,
       (jsonb_set(parameters::jsonb, '{confirmations,section_defect}', '2') || '{"withdrawals_by_two": true}')::text,
       'Two people find a section defective, and accept a request to withdraw.', 'service', now()
FROM ruleset WHERE name = 'california-local-recall/3'
"""


def upgrade() -> None:
    """Add the limit and the standard ruleset."""
    op.execute(LIMIT)
    op.execute(ADD)


def downgrade() -> None:
    """Remove them; refused while a petition uses the ruleset."""
    op.execute("DELETE FROM ruleset WHERE name = 'california-local-recall/4'")
    op.execute("ALTER TABLE ruleset DROP CONSTRAINT ruleset_withdrawals")
