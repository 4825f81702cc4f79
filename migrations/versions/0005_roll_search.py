"""What lets the search read less: a mark beside the keys, in their indexes, and the misspellings of a roll's words.

A roll that was loaded before has neither: its search keys are of another version, so it is not looked at until it is
made anew (`python -m app roll rekey`).
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Each key's index, and what stands in it besides: enough to tell its entries apart without reading the registrations.
INCLUDED = {
    "key_house_surname": "registration_no",
    "key_house_surname2": "registration_no",
    "key_given_surname": "registration_no",
    "key_given_surname2": "registration_no",
    "key_surname_street": "registration_no, house_mark",
    "key_surname2_street": "registration_no, house_mark",
    "key_house_given": "registration_no",
    "key_given_street": "registration_no, house_mark",
}

# A known word under itself and under itself with each of its letters left out.
VARIANT = """
CREATE TABLE roll_variant (
    county_id text NOT NULL,
    roll_version integer NOT NULL,
    kind text NOT NULL,
    variant text NOT NULL COLLATE "C",
    token text NOT NULL COLLATE "C",
    registrations integer NOT NULL,
    PRIMARY KEY (county_id, roll_version, kind, variant, token)
)
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
    {variants}
END
$$
"""
DROP_VARIANTS = "DELETE FROM roll_variant WHERE county_id = county AND roll_version = version;"


def upgrade() -> None:
    """Add the mark and the misspellings."""
    op.execute("ALTER TABLE registration ADD house_mark integer")
    for key, columns in INCLUDED.items():
        op.execute(f"DROP INDEX registration_{key}")
        op.execute(
            f"CREATE INDEX registration_{key} ON registration ({key}) INCLUDE ({columns}) WHERE {key} IS NOT NULL"
        )
    op.execute(VARIANT)
    op.execute("GRANT SELECT, INSERT ON roll_variant TO recall_service")
    op.execute(ROLL_DROP.format(variants=DROP_VARIANTS))


def downgrade() -> None:
    """Take them away; rolls that were loaded with them stay, and are read as before."""
    op.execute(ROLL_DROP.format(variants=""))
    op.execute("DROP TABLE roll_variant")
    for key in INCLUDED:
        op.execute(f"DROP INDEX registration_{key}")
        op.execute(f"CREATE INDEX registration_{key} ON registration ({key}) WHERE {key} IS NOT NULL")
    op.execute("ALTER TABLE registration DROP house_mark")
