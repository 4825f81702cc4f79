"""The writing of lines that people decided without a voter, by which such a decision is found again."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

# A hash of the text without case, accents, punctuation and blanks. A line comes in when a person decides it, and never
# at intake; which of these decisions still hold, the line says.
TABLE = """
CREATE TABLE decided_writing (
    county_id text NOT NULL REFERENCES county,
    writing bytea NOT NULL,
    petition_id uuid NOT NULL,
    section integer NOT NULL,
    page integer NOT NULL,
    line integer NOT NULL,
    PRIMARY KEY (county_id, writing, petition_id, section, page, line)
)
"""


def upgrade() -> None:
    """Create the table, to which the service may add."""
    op.execute(TABLE)
    op.execute("GRANT SELECT, INSERT ON decided_writing TO recall_service")


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE decided_writing")
