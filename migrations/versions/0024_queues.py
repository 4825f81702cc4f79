"""The queues of people: an index for each, the leases on lines, escalated lines, and notes on lines."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# Each open line is in one of three partial indexes: line_review, which there was, or one of these.
INDEXES = """
CREATE INDEX line_to_confirm ON line (county_id, petition_id, section, page, line, reason)
    WHERE status = 'invalid' AND NOT settled AND reason NOT IN ('duplicate', 'withdrawn');
CREATE INDEX line_to_compare ON line (county_id, petition_id, section, page, line)
    WHERE NOT settled AND (status = 'valid' OR (status = 'invalid' AND reason IN ('duplicate', 'withdrawn')))
"""

# A lease is not on record: it ends with a finding, a release or its time. That of the officer of confidential voters is
# apart, so that no clerk meets it. `look` is that of the holder's name.
TABLES = """
CREATE TABLE lease (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    section integer NOT NULL,
    page integer NOT NULL,
    line integer NOT NULL,
    apart boolean NOT NULL,
    claim_id uuid NOT NULL,
    queue text NOT NULL,
    holder text NOT NULL,
    look text NOT NULL,
    claimed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, petition_id, section, page, line, apart)
);
-- The name first, so that no plan looks a place up by it.
CREATE INDEX lease_holder ON lease (look, county_id, petition_id);
CREATE TABLE escalated_line (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    section integer NOT NULL,
    page integer NOT NULL,
    line integer NOT NULL,
    escalated_by text NOT NULL,
    escalated_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, petition_id, section, page, line),
    FOREIGN KEY (county_id, petition_id, section, page, line) REFERENCES signature
);
CREATE TABLE line_note (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    section integer NOT NULL,
    page integer NOT NULL,
    line integer NOT NULL,
    note_no integer NOT NULL CHECK (note_no > 0),
    kind text NOT NULL CHECK (kind IN ('note', 'escalation', 'return')),
    note text NOT NULL CHECK (note <> ''),
    noted_by text NOT NULL,
    noted_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, petition_id, section, page, line, note_no),
    FOREIGN KEY (county_id, petition_id, section, page, line) REFERENCES signature
);
GRANT SELECT, INSERT, UPDATE, DELETE ON lease TO recall_service;
GRANT SELECT, INSERT, DELETE ON escalated_line TO recall_service;
GRANT SELECT, INSERT ON line_note TO recall_service
"""


def upgrade() -> None:
    """Add them."""
    for statement in (INDEXES.rstrip() + ";\n" + TABLES).split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop them, with the notes."""
    op.execute("DROP TABLE line_note, escalated_line, lease")
    op.execute("DROP INDEX line_to_compare, line_to_confirm")
