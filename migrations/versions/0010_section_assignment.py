"""To which sections a station may post."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# The last one of a principal holds. Without ranges, and without a row, that is every section.
SECTION_ASSIGNMENT = """
CREATE TABLE section_assignment (
    county_id text NOT NULL REFERENCES county,
    principal text NOT NULL,
    assignment_no integer NOT NULL,
    sections int4multirange NOT NULL,
    assigned_by text NOT NULL,
    assigned_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, principal, assignment_no)
)
"""


def upgrade() -> None:
    """Create the table; assignments are added and read, never changed."""
    op.execute(SECTION_ASSIGNMENT)
    op.execute("GRANT SELECT, INSERT ON section_assignment TO recall_service")


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE section_assignment")
