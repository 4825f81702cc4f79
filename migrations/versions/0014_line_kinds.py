"""Struck and blank lines, which hold their place and are not in the raw count; unsettled valid lines counted apart."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE signature ADD struck boolean NOT NULL DEFAULT false;
ALTER TABLE signature_revision ADD struck boolean NOT NULL DEFAULT false;
ALTER TABLE line DROP CONSTRAINT line_status_check;
ALTER TABLE line ADD CONSTRAINT line_status_check
    CHECK (status IN ('received', 'valid', 'invalid', 'review', 'blank', 'struck'));
ALTER TABLE head ADD unsettled_valid integer NOT NULL DEFAULT 0 CHECK (unsettled_valid >= 0),
                 ADD blank integer NOT NULL DEFAULT 0 CHECK (blank >= 0),
                 ADD struck integer NOT NULL DEFAULT 0 CHECK (struck >= 0);
UPDATE head SET unsettled_valid = (
    SELECT count(*) FROM line
    WHERE line.county_id = head.county_id AND line.petition_id = head.petition_id AND status = 'valid' AND NOT settled)
"""

DOWN = """
ALTER TABLE head DROP unsettled_valid, DROP blank, DROP struck;
ALTER TABLE line DROP CONSTRAINT line_status_check;
ALTER TABLE line ADD CONSTRAINT line_status_check CHECK (status IN ('received', 'valid', 'invalid', 'review'));
ALTER TABLE signature_revision DROP struck;
ALTER TABLE signature DROP struck
"""


def upgrade() -> None:
    """Add the columns; existing lines keep their decisions."""
    for statement in UP.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop them. This fails while a line is struck or blank."""
    for statement in DOWN.split(";\n"):
        op.execute(statement)
