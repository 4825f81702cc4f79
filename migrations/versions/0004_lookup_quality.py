"""Who looked voters up and how often, and the blind double check of the machine's decisions."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# What was asked is not here: not the name, not the address, not a hash that could be searched for them.
LOOKUP_AUDIT = """
CREATE TABLE lookup_audit (
    county_id text NOT NULL REFERENCES county,
    lookup_id uuid NOT NULL,
    principal text NOT NULL,
    role text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('name', 'address', 'name_and_address')),
    roll_version integer NOT NULL,
    candidates integer NOT NULL,
    confidential boolean NOT NULL,
    looked_up_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, lookup_id)
)
"""

# One row per principal and day (UTC), so that its lock decides between lookups at the same time.
LOOKUP_BUDGET = """
CREATE TABLE lookup_budget (
    county_id text NOT NULL REFERENCES county,
    principal text NOT NULL,
    day date NOT NULL,
    used integer NOT NULL CHECK (used > 0),
    PRIMARY KEY (county_id, principal, day)
)
"""

# One independent answer for a drawn line: the primary key decides which of two people was first. The machine's
# decision stands beside it as it was at that moment.
QUALITY_CHECK = """
CREATE TABLE quality_check (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    section integer NOT NULL,
    page integer NOT NULL,
    line integer NOT NULL,
    finding_no integer NOT NULL,
    decided_status text NOT NULL CHECK (decided_status IN ('valid', 'invalid')),
    decided_reason text,
    decided_voter_id text,
    status text NOT NULL CHECK (status IN ('valid', 'invalid', 'review')),
    reason text,
    voter_id text,
    note text NOT NULL,
    checked_by text NOT NULL,
    checked_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, petition_id, section, page, line),
    FOREIGN KEY (county_id, petition_id, section, page, line) REFERENCES signature
)
"""


def upgrade() -> None:
    """Create the tables; what is audited and answered can be added and read, never changed."""
    for statement in (LOOKUP_AUDIT, LOOKUP_BUDGET, QUALITY_CHECK):
        op.execute(statement)
    op.execute("GRANT SELECT, INSERT ON lookup_audit, lookup_budget, quality_check TO recall_service")
    op.execute("GRANT UPDATE (used) ON lookup_budget TO recall_service")


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE quality_check, lookup_budget, lookup_audit")
