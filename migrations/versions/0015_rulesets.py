"""Rulesets as rows: named, with a version, and never edited. No ruleset and no row gets around the law's limits."""

import json

from alembic import op
from sqlalchemy import text

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# A standard ruleset has no county, and a name that begins with `california-`; a county's own begins with its code. The
# limits are those of `app.law.ruleset`: 2 CCR 20960 wants different people, and what is seen on paper takes a person.
RULESET = """
CREATE TABLE ruleset (
    name text PRIMARY KEY CHECK (name <> '' AND length(name) <= 100),
    county_id text REFERENCES county,
    valid_from date,
    parameters text NOT NULL CHECK (
        (parameters::jsonb ->> 'compare_signatures')::boolean IS NOT NULL
        AND coalesce((parameters::jsonb ->> 'double_check_ppm')::integer BETWEEN 0 AND 1000000, false)
        AND coalesce((parameters::jsonb #>> '{confirmations,signature_mismatch}')::integer >= 2, false)
        AND coalesce((parameters::jsonb #>> '{confirmations,not_personally_affixed}')::integer >= 1, false)
        AND coalesce((parameters::jsonb #>> '{confirmations,illegible}')::integer >= 1, false)
        AND coalesce((parameters::jsonb #>> '{confirmations,other}')::integer >= 1, false)
    ),
    note text NOT NULL CHECK (note <> ''),
    added_by text NOT NULL,
    added_at timestamptz NOT NULL,
    CHECK ((county_id IS NULL) = starts_with(name, 'california-')),
    CHECK (county_id IS NULL OR starts_with(name, county_id || '/'))
)
"""

PERSONS = dict.fromkeys(
    (
        "not_registered", "registered_late", "pending_registration", "under_age", "canceled", "different_address",
        "illegible", "not_personally_affixed", "section_defect", "out_of_district", "other",
    ),
    1,
)  # fmt: skip
OF_2022 = {
    "compare_signatures": False,
    "double_check_ppm": 10_000,
    "confirmations": PERSONS | {"signature_mismatch": 3},
    "required_percent": [[1_000, 30], [10_000, 25], [50_000, 20], [100_000, 15], [None, 10]],
    "circulation_days": [[1_000, 40], [5_000, 60], [10_000, 90], [50_000, 120], [None, 160]],
    "examination_days": 30,
}
COMPARED = OF_2022 | {"compare_signatures": True}
STANDARD = (
    ("california-local-recall/1", "1900-01-01", OF_2022, "Signatures are compared where a person asks for it."),
    ("california-local-recall-compared/1", None, COMPARED, "Every counted signature is compared (2 CCR 20960(a))."),
    ("california-local-recall/2", "2020-09-28", COMPARED, "Every counted signature is compared (2 CCR 20960(a))."),
)
ADD = """
INSERT INTO ruleset (name, valid_from, parameters, note, added_by, added_at)
VALUES (:name, cast(:valid_from AS text)::date, :parameters, :note, 'service', now())
"""

# A petition names a ruleset that its county may use.
USED = """
ALTER TABLE petition
    ADD FOREIGN KEY (ruleset) REFERENCES ruleset,
    ADD CONSTRAINT petition_ruleset CHECK (
        starts_with(ruleset, 'california-') OR starts_with(ruleset, county_id || '/'))
"""

# The line's check took the number from the row itself: with 1 in it one person passed. Old rows have 3 and pass.
LINE = """
ALTER TABLE line ADD CONSTRAINT line_mismatch_people CHECK (
    reason IS DISTINCT FROM 'signature_mismatch' OR status <> 'invalid'
    OR (cardinality(confirmed_by) >= 2 AND all_different(confirmed_by)))
"""

# The same of what is on record for good. The content is read as JSON only where it has the code at all.
AGREED = """
CREATE FUNCTION mismatch_is_agreed(content text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT RETURN (
    SELECT said ->> 'status' <> 'invalid' OR said ->> 'reason' IS DISTINCT FROM 'signature_mismatch'
        OR (SELECT count(DISTINCT person) >= 2 FROM jsonb_array_elements_text(said -> 'confirmed_by') AS person)
    FROM (SELECT content::jsonb AS said) AS finding)
"""
FINDING = """
ALTER TABLE finding ADD CONSTRAINT finding_mismatch_people CHECK (
    strpos(content, '"signature_mismatch"') = 0 OR mismatch_is_agreed(content))
"""


def upgrade() -> None:
    """Create the table with the rulesets that the program had in its code, and tighten the checks."""
    op.execute(RULESET)
    op.execute("GRANT SELECT, INSERT ON ruleset TO recall_service")
    for name, valid_from, parameters, note in STANDARD:
        values = {"name": name, "valid_from": valid_from, "parameters": json.dumps(parameters), "note": note}
        op.get_bind().execute(text(ADD), values)
    for statement in (USED, LINE, AGREED, FINDING):
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.execute("ALTER TABLE finding DROP CONSTRAINT finding_mismatch_people")
    op.execute("DROP FUNCTION mismatch_is_agreed")
    op.execute("ALTER TABLE line DROP CONSTRAINT line_mismatch_people")
    op.execute("ALTER TABLE petition DROP CONSTRAINT petition_ruleset, DROP CONSTRAINT petition_ruleset_fkey")
    op.execute("DROP TABLE ruleset")
