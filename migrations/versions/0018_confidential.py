"""Confidential voters (EC 2166 ff.) apart from the searched roll, and the lines that are held for their officer.

A roll with confidential voters that was loaded before counts their words in its dictionary: its search keys are marked
as an earlier program's, so that it is made anew before it is searched (`python -m app roll rekey`).
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# All registrations of the voters of whom a version has a confidential one. A pseudonym stands in the count for a voter
# who is confidential, or ever was: a petition that knows the voter by it must not count the voter by the number too.
TABLES = """
CREATE TABLE confidential_registration (LIKE registration, PRIMARY KEY (county_id, roll_version, registration_no));
CREATE TABLE confidential_voter (
    county_id text NOT NULL REFERENCES county,
    voter_id text NOT NULL,
    pseudonym text NOT NULL,
    PRIMARY KEY (county_id, voter_id),
    UNIQUE (county_id, pseudonym)
);
CREATE TABLE held_line (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    section integer NOT NULL,
    page integer NOT NULL,
    line integer NOT NULL,
    decided_by text,
    decided_at timestamptz,
    PRIMARY KEY (county_id, petition_id, section, page, line),
    FOREIGN KEY (county_id, petition_id, section, page, line) REFERENCES signature
);
CREATE INDEX held_line_undecided ON held_line (county_id, petition_id, section, page, line) WHERE decided_at IS NULL;
CREATE TABLE held_through (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    roll_version integer NOT NULL,
    PRIMARY KEY (county_id, petition_id),
    FOREIGN KEY (county_id, petition_id) REFERENCES petition
)
"""

# Moves the registrations of confidential voters out of a table that `roll_stage` made and a load has filled.
SET_APART = """
CREATE FUNCTION roll_set_apart(county text, version integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM FROM roll WHERE county_id = county AND roll_version = version AND state = 'loading';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such roll is loading' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    EXECUTE format(
        'WITH apart AS (DELETE FROM %1$I WHERE voter_id IN (SELECT voter_id FROM %1$I WHERE confidential) RETURNING *)'
        ' INSERT INTO confidential_registration SELECT * FROM apart', roll_partition(county, version));
    INSERT INTO confidential_voter
    SELECT county, voter_id, replace(gen_random_uuid()::text, '-', '')
    FROM (SELECT DISTINCT voter_id FROM confidential_registration WHERE county_id = county AND roll_version = version) v
    ON CONFLICT DO NOTHING;
END
$$
"""

# The same for the versions that were loaded before.
MOVE = """
WITH apart AS (
    DELETE FROM registration WHERE (county_id, roll_version, voter_id)
        IN (SELECT county_id, roll_version, voter_id FROM registration WHERE confidential)
    RETURNING *
)
INSERT INTO confidential_registration SELECT * FROM apart
"""
NAME = """
INSERT INTO confidential_voter
SELECT county_id, voter_id, replace(gen_random_uuid()::text, '-', '')
FROM (SELECT DISTINCT county_id, voter_id FROM confidential_registration) v
"""
REKEY = """
UPDATE roll SET keys_version = 0
WHERE (county_id, roll_version) IN (SELECT county_id, roll_version FROM confidential_registration)
"""

ROLL_DROP = """
CREATE OR REPLACE FUNCTION roll_drop(county text, version integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE roll SET dropped_at = now(), state = CASE state WHEN 'loaded' THEN 'retired' ELSE state END
    WHERE county_id = county AND roll_version = version AND state IN ('loaded', 'retired') AND dropped_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'not a roll out of use' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    EXECUTE format('DROP TABLE %I', roll_partition(county, version));
    DELETE FROM roll_token WHERE county_id = county AND roll_version = version;
    DELETE FROM roll_variant WHERE county_id = county AND roll_version = version;
    {confidential}
END
$$
"""
DROP_CONFIDENTIAL = "DELETE FROM confidential_registration WHERE county_id = county AND roll_version = version;"

# What a newer roll version may change. Lines that an earlier program marked as a confidential voter's are examined
# again, after which they look like any other line in review.
LINE_REEXAMINATION = """
CREATE INDEX line_reexamination ON line (county_id, petition_id, roll_version) WHERE reason IN ({reasons})
"""
REASONS = "'not_registered', 'no_roll', 'confidential'"
REASONS_BEFORE = "'not_registered', 'no_roll'"

ROLES = "'station', 'system', 'clerk', 'supervisor', 'auditor', 'monitor', 'admin'"
ROLE_CHECK = "ALTER TABLE api_key ADD CONSTRAINT api_key_role_check CHECK (role IN ({roles}))"

GRANTS = """
GRANT SELECT ON confidential_registration, confidential_voter TO recall_service;
GRANT SELECT, INSERT, UPDATE (decided_by, decided_at) ON held_line TO recall_service;
GRANT SELECT, INSERT, UPDATE (roll_version) ON held_through TO recall_service;
REVOKE EXECUTE ON FUNCTION roll_set_apart(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION roll_set_apart(text, integer) TO recall_service
"""


def upgrade() -> None:
    """Set them apart."""
    for statement in (*TABLES.split(";\n"), SET_APART, MOVE, NAME, REKEY, *GRANTS.split(";\n")):
        op.execute(statement)
    op.execute(ROLL_DROP.format(confidential=DROP_CONFIDENTIAL))
    op.execute("DROP INDEX line_reexamination")
    op.execute(LINE_REEXAMINATION.format(reasons=REASONS))
    op.execute("ALTER TABLE api_key DROP CONSTRAINT api_key_role_check")
    op.execute(ROLE_CHECK.format(roles=f"{ROLES}, 'confidential'"))


def downgrade() -> None:
    """Put them back, without search keys: the earlier program makes those anew."""
    op.execute("ALTER TABLE api_key DROP CONSTRAINT api_key_role_check")
    op.execute("DELETE FROM api_key WHERE role = 'confidential'")
    op.execute(ROLE_CHECK.format(roles=ROLES))
    op.execute("DROP INDEX line_reexamination")
    op.execute(LINE_REEXAMINATION.format(reasons=REASONS_BEFORE))
    op.execute(ROLL_DROP.format(confidential=""))
    op.execute("DROP FUNCTION roll_set_apart(text, integer)")
    op.execute(REKEY)
    op.execute("INSERT INTO registration SELECT * FROM confidential_registration")
    op.execute("DROP TABLE held_through, held_line, confidential_voter, confidential_registration")
