"""What people propose and confirm of the raw count."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE raw_count_proposal (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    proposal_no integer NOT NULL CHECK (proposal_no > 0),
    kind text NOT NULL CHECK (kind IN ('freeze', 'correction')),
    raw integer NOT NULL CHECK (raw >= 0),
    list_hash bytea NOT NULL CHECK (octet_length(list_hash) = 32),
    reason text NOT NULL CHECK (kind <> 'correction' OR reason <> ''),
    notes text NOT NULL,  -- JSON: section -> why its control totals differ
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    salt bytea NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (county_id, petition_id, proposal_no),
    FOREIGN KEY (county_id, petition_id) REFERENCES petition
);
CREATE TABLE raw_count_confirmation (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    proposal_no integer NOT NULL,
    confirmed_by text NOT NULL,
    confirmed_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, petition_id, proposal_no),
    FOREIGN KEY (county_id, petition_id, proposal_no) REFERENCES raw_count_proposal
);
GRANT SELECT, INSERT ON raw_count_proposal, raw_count_confirmation TO recall_service
"""


def upgrade() -> None:
    """Make the tables; both are append-only for the service."""
    for statement in UP.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE raw_count_confirmation, raw_count_proposal")
