"""Requests to withdraw as they were received: accepted, refused or open, and what becomes of open ones."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# What was recorded before was accepted. A refused or an open request may be of a voter whom the roll does not know.
REQUESTS = """
ALTER TABLE withdrawal
    ALTER COLUMN voter_id DROP NOT NULL,
    ADD COLUMN state text NOT NULL DEFAULT 'accepted' CHECK (state IN ('accepted', 'refused', 'open')),
    ADD CONSTRAINT withdrawal_accepted CHECK (state <> 'accepted' OR voter_id IS NOT NULL);
CREATE INDEX withdrawal_open ON withdrawal (county_id, petition_id, withdrawal_id) WHERE state = 'open';
CREATE TABLE withdrawal_decision (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    withdrawal_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('accepted', 'refused')),
    voter_id text,
    salt bytea NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (county_id, petition_id, withdrawal_id),
    FOREIGN KEY (county_id, petition_id, withdrawal_id) REFERENCES withdrawal,
    CHECK (state <> 'accepted' OR voter_id IS NOT NULL)
);
CREATE INDEX withdrawal_decision_voter ON withdrawal_decision (county_id, petition_id, voter_id);
CREATE TABLE withdrawal_search (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    withdrawal_id uuid NOT NULL,
    roll_version integer NOT NULL,
    voter_id text,
    searched_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, petition_id, withdrawal_id, roll_version),
    FOREIGN KEY (county_id, petition_id, withdrawal_id) REFERENCES withdrawal
);
GRANT SELECT, INSERT ON withdrawal_decision, withdrawal_search TO recall_service
"""


def upgrade() -> None:
    """Add them."""
    for statement in REQUESTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop what an earlier program cannot read."""
    op.execute("DROP TABLE withdrawal_search, withdrawal_decision")
    op.execute("DELETE FROM withdrawal WHERE state <> 'accepted'")
    op.execute("DROP INDEX withdrawal_open")
    op.execute("ALTER TABLE withdrawal DROP COLUMN state, ALTER COLUMN voter_id SET NOT NULL")
