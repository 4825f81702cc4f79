"""The standard ruleset by which two people find a section defective: that strikes all its lines, the good ones too."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

# As the newest of its day it is the default.
ADD = """
INSERT INTO ruleset (name, valid_from, parameters, note, added_by, added_at)
SELECT 'california-local-recall/4', valid_from,
       jsonb_set(parameters::jsonb, '{confirmations,section_defect}', '2')::text,
       'Two people find a section defective.', 'service', now()
FROM ruleset WHERE name = 'california-local-recall/3'
"""


def upgrade() -> None:
    """Add the standard ruleset."""
    op.execute(ADD)


def downgrade() -> None:
    """Remove it; refused while a petition uses it."""
    op.execute("DELETE FROM ruleset WHERE name = 'california-local-recall/4'")
