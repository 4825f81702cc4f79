"""The ruleset in force of a petition, and its changes: proposed by one person, confirmed by another."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# In the head row, which every writing transaction locks: so each decides under the ruleset in force. While
# `redecide_from`, the version of the last change, is set, there may be lines that were decided under the one before.
HEAD = """
ALTER TABLE head ADD COLUMN ruleset_in_force text REFERENCES ruleset, ADD COLUMN redecide_from bigint;
UPDATE head SET ruleset_in_force = (
    SELECT ruleset FROM petition p WHERE (p.county_id, p.petition_id) = (head.county_id, head.petition_id));
ALTER TABLE head
    ALTER COLUMN ruleset_in_force SET NOT NULL,
    ADD CONSTRAINT head_ruleset CHECK (
        starts_with(ruleset_in_force, 'california-') OR starts_with(ruleset_in_force, county_id || '/'))
"""

# The second key makes one person's act impossible: the confirmation repeats who proposed the change.
CHANGES = """
CREATE TABLE ruleset_change (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    change_no integer NOT NULL CHECK (change_no > 0),
    ruleset text NOT NULL REFERENCES ruleset,
    reason text NOT NULL CHECK (reason <> ''),
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, petition_id, change_no),
    UNIQUE (county_id, petition_id, change_no, proposed_by),
    FOREIGN KEY (county_id, petition_id) REFERENCES petition
);
CREATE TABLE ruleset_confirmation (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    change_no integer NOT NULL,
    proposed_by text NOT NULL,
    confirmed_by text NOT NULL CHECK (confirmed_by <> proposed_by),
    confirmed_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, petition_id, change_no),
    FOREIGN KEY (county_id, petition_id, change_no, proposed_by)
        REFERENCES ruleset_change (county_id, petition_id, change_no, proposed_by)
);
GRANT SELECT, INSERT ON ruleset_change, ruleset_confirmation TO recall_service
"""


def upgrade() -> None:
    """Put into force what each petition was opened with."""
    for statement in (HEAD + ";\n" + CHANGES).split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    """Forget the changes."""
    op.execute("DROP TABLE ruleset_confirmation, ruleset_change")
    op.execute("ALTER TABLE head DROP COLUMN ruleset_in_force, DROP COLUMN redecide_from")
