"""The county's table of other names of streets and cities, in versions, and under which one a line was decided."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# One row per load. It stays, with its names, since findings name the version they were made under.
ALIAS_VERSION = """
CREATE TABLE alias_version (
    county_id text NOT NULL REFERENCES county,
    aliases_version integer NOT NULL CHECK (aliases_version > 0),
    streets integer NOT NULL CHECK (streets >= 0),
    cities integer NOT NULL CHECK (cities >= 0),
    source_sha256 text NOT NULL,
    loaded_by text NOT NULL,
    loaded_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, aliases_version)
)
"""

COUNTY_ALIAS = """
CREATE TABLE county_alias (
    county_id text NOT NULL,
    aliases_version integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('street', 'city')),
    alias text NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (county_id, aliases_version, kind, alias, name),
    FOREIGN KEY (county_id, aliases_version) REFERENCES alias_version
)
"""

# The version in use, 0 before the first. On the county's row, so that its lock orders loads and examinations.
IN_USE = "ALTER TABLE county ADD COLUMN aliases_version integer NOT NULL DEFAULT 0"

DECIDED_UNDER = "ALTER TABLE line ADD COLUMN aliases_version integer NOT NULL DEFAULT 0"

# What another name of a street or city may change, by the version it was last read under.
LINE_ALIASES = """
CREATE INDEX line_aliases ON line (county_id, petition_id, aliases_version)
    WHERE reason IN ('not_registered', 'registered_late', 'pending_registration', 'under_age', 'canceled',
                     'different_address', 'out_of_county', 'ambiguous', 'weak_match', 'possible_move')
"""


def upgrade() -> None:
    """Create the tables; a version and its names can be added and read, never changed."""
    for statement in (ALIAS_VERSION, COUNTY_ALIAS, IN_USE, DECIDED_UNDER, LINE_ALIASES):
        op.execute(statement)
    op.execute("GRANT SELECT, INSERT ON alias_version, county_alias TO recall_service")
    op.execute("GRANT UPDATE (aliases_version) ON county TO recall_service")


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP INDEX line_aliases")
    op.execute("ALTER TABLE line DROP COLUMN aliases_version")
    op.execute("ALTER TABLE county DROP COLUMN aliases_version")
    op.execute("DROP TABLE county_alias, alias_version")
