"""A petition's registration with its date and source, its office, and attempts that lapsed without a filing."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# What petitions that were opened before do not have stays empty. Date and source come together (EC 11221(b)).
TERMS = """
ALTER TABLE petition
    ADD COLUMN office text,
    ADD COLUMN district text,
    ADD COLUMN registration_reported_on date,
    ADD COLUMN registration_source text,
    ADD COLUMN form_approved_on date,
    ADD COLUMN window_exception text,
    ADD CONSTRAINT petition_registration CHECK (
        num_nulls(registration_reported_on, registration_source) IN (0, 2)
        AND registration_source <> '' AND registration_reported_on <= form_approved_on
    )
"""

# An attempt to recall an officer that was never filed: it has no lines and no count. Each is known by its first day.
LAPSED = """
CREATE TABLE lapsed_attempt (
    county_id text NOT NULL REFERENCES county,
    attempt_id uuid NOT NULL,
    officer text NOT NULL,
    circulation_from date NOT NULL,
    circulation_to date NOT NULL CHECK (circulation_to >= circulation_from),
    title text NOT NULL,
    office text,
    district text,
    note text NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, officer, circulation_from)
)
"""


def upgrade() -> None:
    """Add the columns and the table; attempts are added and read, never changed."""
    op.execute(TERMS)
    op.execute(LAPSED)
    op.execute("GRANT SELECT, INSERT ON lapsed_attempt TO recall_service")


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE lapsed_attempt")
    op.execute(
        "ALTER TABLE petition DROP CONSTRAINT petition_registration, DROP COLUMN office, DROP COLUMN district,"
        " DROP COLUMN registration_reported_on, DROP COLUMN registration_source, DROP COLUMN form_approved_on,"
        " DROP COLUMN window_exception"
    )
