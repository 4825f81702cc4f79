"""Which signatures on file were shown to whom beside which line: an opinion of a mismatch rests on them."""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

# Once for the same person, line and signatures, however often: the reads are on record apart. `voter_id` is the number
# or pseudonym by which the petition counts, and `look` the person's, as of leases.
TABLE = """
CREATE TABLE pair_shown (
    county_id text NOT NULL REFERENCES county,
    petition_id uuid NOT NULL,
    look text NOT NULL,
    section integer NOT NULL,
    page integer NOT NULL,
    line integer NOT NULL,
    voter_id text NOT NULL,
    reference_ids text[] NOT NULL,
    shown_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, petition_id, look, section, page, line, voter_id, reference_ids)
)
"""


def upgrade() -> None:
    """Create the table, to which the service may add."""
    op.execute(TABLE)
    op.execute("GRANT SELECT, INSERT ON pair_shown TO recall_service")


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE pair_shown")
