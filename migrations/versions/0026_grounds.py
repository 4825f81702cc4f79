"""What one person cannot settle alone: findings that the data contradict, and voters found without a comparison."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

LINE = """
ALTER TABLE line
    ADD COLUMN against_data boolean NOT NULL DEFAULT false,
    ADD COLUMN uncompared boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT line_against_data CHECK (
        NOT (against_data AND settled) OR (cardinality(confirmed_by) >= 2 AND all_different(confirmed_by)))
"""

# A ruleset without the parameter has 2, as the program does: else a signature is rejected alone under another reason.
RULESET = """
ALTER TABLE ruleset ADD CONSTRAINT ruleset_against_data CHECK (
    coalesce((parameters::jsonb ->> 'people_against_data')::integer, 2) >= 2)
"""

# The same of what is on record for good. The content is read as JSON only where it has the key at all.
AGREED = """
CREATE FUNCTION against_data_is_agreed(content text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT RETURN (
    SELECT said ->> 'against_data' <> 'true' OR said ->> 'settled' <> 'true'
        OR (SELECT count(DISTINCT person) >= 2 FROM jsonb_array_elements_text(said -> 'confirmed_by') AS person)
    FROM (SELECT content::jsonb AS said) AS finding)
"""
FINDING = """
ALTER TABLE finding ADD CONSTRAINT finding_against_data CHECK (
    strpos(content, '"against_data":') = 0 OR against_data_is_agreed(content))
"""


def upgrade() -> None:
    """Add the columns and the limits that no ruleset passes."""
    for statement in (LINE, RULESET, AGREED, FINDING):
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.execute("ALTER TABLE finding DROP CONSTRAINT finding_against_data")
    op.execute("DROP FUNCTION against_data_is_agreed")
    op.execute("ALTER TABLE ruleset DROP CONSTRAINT ruleset_against_data")
    op.execute("ALTER TABLE line DROP COLUMN against_data, DROP COLUMN uncompared")
