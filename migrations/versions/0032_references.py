"""The voters' signatures on file, with which those on the petition are compared."""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

# Neither images nor anything else of the voter: the id is the county's.
TABLE = """
CREATE TABLE signature_reference (
    county_id text NOT NULL REFERENCES county,
    voter_id text NOT NULL,
    reference_id text NOT NULL,
    image_sha256 text NOT NULL,
    added_by text NOT NULL,
    added_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, voter_id, reference_id)
)
"""


def upgrade() -> None:
    """Create the table, to which the service may add."""
    op.execute(TABLE)
    op.execute("GRANT SELECT, INSERT ON signature_reference TO recall_service")


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE signature_reference")
