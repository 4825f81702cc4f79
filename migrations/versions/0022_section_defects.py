"""Sections' defects: found, confirmed and taken back, each as one act for all lines of the section."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# The newest act of a section says all that holds: which people found the defect, and the tally's version since when its
# lines are invalid, which is null until enough people agree and after it was taken back. The ledger's payload holds
# SHA-256(0x00, salt, content).
DEFECTS = """
CREATE TABLE section_defect (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    section integer NOT NULL CHECK (section > 0),
    act_no integer NOT NULL CHECK (act_no > 0),
    kind text NOT NULL CHECK (kind IN ('found', 'confirmed', 'taken_back')),
    codes text[] NOT NULL CHECK (cardinality(codes) > 0),
    people text[] NOT NULL CHECK (cardinality(people) > 0 AND all_different(people)),
    note text NOT NULL CHECK (note <> '' OR kind = 'confirmed' OR (kind = 'found' AND 'other' <> ALL (codes))),
    acted_by text NOT NULL,
    acted_at timestamptz NOT NULL,
    in_force_from bigint CHECK (in_force_from IS NULL OR kind <> 'taken_back'),
    salt bytea NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (county_id, petition_id, section, act_no),
    FOREIGN KEY (county_id, petition_id) REFERENCES petition
)
"""


def upgrade() -> None:
    """Make the table, append-only for the service."""
    op.execute(DEFECTS)
    op.execute("GRANT SELECT, INSERT ON section_defect TO recall_service")


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE section_defect")
