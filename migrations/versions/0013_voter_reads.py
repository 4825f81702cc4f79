"""Every read of voter data on record, not lookups alone; and which lines a reader has read on a day."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# Of a read: the petition, the places of its lines or the ids of its withdrawals, and how many lines it counted as. A
# lookup has neither petition nor place, and `candidates` is how many voters any read showed.
UP = """
ALTER TABLE lookup_audit
    ADD COLUMN petition_id uuid,
    ADD COLUMN places text[] NOT NULL DEFAULT '{}',
    ADD COLUMN counted integer NOT NULL DEFAULT 1 CHECK (counted >= 0),
    ALTER COLUMN roll_version DROP NOT NULL,
    ALTER COLUMN confidential SET DEFAULT false,
    DROP CONSTRAINT lookup_audit_kind_check,
    ADD CONSTRAINT lookup_audit_kind_check CHECK
        (kind IN ('name', 'address', 'name_and_address', 'line', 'lines', 'withdrawals', 'sample', 'export'));
CREATE INDEX lookup_audit_principal ON lookup_audit (county_id, principal, lookup_id);
CREATE TABLE lookup_seen (
    county_id text NOT NULL REFERENCES county,
    principal text NOT NULL,
    day date NOT NULL,
    petition_id uuid NOT NULL,
    place text NOT NULL,
    PRIMARY KEY (county_id, principal, day, petition_id, place)
);
GRANT SELECT, INSERT ON lookup_seen TO recall_service
"""

DOWN = """
DROP TABLE lookup_seen;
DROP INDEX lookup_audit_principal;
DELETE FROM lookup_audit WHERE kind NOT IN ('name', 'address', 'name_and_address');
ALTER TABLE lookup_audit
    DROP COLUMN petition_id, DROP COLUMN places, DROP COLUMN counted,
    ALTER COLUMN roll_version SET NOT NULL,
    ALTER COLUMN confidential DROP DEFAULT,
    DROP CONSTRAINT lookup_audit_kind_check,
    ADD CONSTRAINT lookup_audit_kind_check CHECK (kind IN ('name', 'address', 'name_and_address'))
"""


def upgrade() -> None:
    """Extend the record of lookups, whose rows stay as they are."""
    for statement in UP.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Forget all reads but lookups."""
    for statement in DOWN.split(";\n"):
        op.execute(statement)
