"""The registration of sections at receipt, and where the raw count stands."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

UP = """
-- A section as it was received: what was claimed of it, and its circulator's declaration (EC 104). `section` has the
-- dates, which may be corrected. A declaration may be entered later, with number 2 and the same claims. The ledger's
-- payload holds SHA-256(0x00, salt, content).
CREATE TABLE section_registration (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    section integer NOT NULL CHECK (section > 0),
    registration_no integer NOT NULL CHECK (registration_no IN (1, 2)),
    pages integer NOT NULL CHECK (pages > 0),
    lines integer NOT NULL CHECK (lines > 0),
    circulator_name text NOT NULL,
    circulator_address text NOT NULL,
    signed_from date,
    signed_to date,
    executed_on date,
    executed_at text NOT NULL,
    circulator_signed boolean NOT NULL,
    circulator_of_age boolean NOT NULL,
    declared boolean NOT NULL,
    registered_by text NOT NULL,
    registered_at timestamptz NOT NULL,
    salt bytea NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (county_id, petition_id, section, registration_no),
    FOREIGN KEY (county_id, petition_id) REFERENCES petition
);
-- That a person confirmed dates which are partly outside the circulation window.
CREATE TABLE section_confirmation (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    section integer NOT NULL,
    declaration_no integer NOT NULL,
    confirmed_by text NOT NULL,
    confirmed_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, petition_id, section, declaration_no),
    FOREIGN KEY (county_id, petition_id, section, declaration_no) REFERENCES section
);
GRANT SELECT, INSERT ON section_registration, section_confirmation TO recall_service;
ALTER TABLE head ADD raw_count text NOT NULL DEFAULT 'open' CHECK (raw_count IN ('open', 'filed', 'frozen')),
                 ADD unscanned bigint NOT NULL DEFAULT 0 CHECK (unscanned >= 0)
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in UP.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop them, with what they hold."""
    op.execute("ALTER TABLE head DROP raw_count, DROP unscanned")
    op.execute("DROP TABLE section_confirmation, section_registration")
