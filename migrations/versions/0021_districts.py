"""The districts of registrations, and the lines that a roll with districts or dates of cancellation may decide."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# A registration without districts takes no room for them.
DISTRICTS = "ALTER TABLE {table} ADD COLUMN districts text"
TABLES = ("registration", "confidential_registration")

LINE_REEXAMINATION = """
CREATE INDEX line_reexamination ON line (county_id, petition_id, roll_version) WHERE reason IN ({reasons})
"""
OF_ROLLS = "'not_registered', 'no_roll', 'confidential'"
LINE_ALIASES = """
CREATE INDEX line_aliases ON line (county_id, petition_id, aliases_version) WHERE reason IN ({reasons})
"""
OF_ALIASES = (
    "'not_registered', 'registered_late', 'pending_registration', 'under_age', 'canceled', 'different_address',"
    " 'out_of_county', 'ambiguous', 'weak_match', 'possible_move'"
)


def index_lines(of_rolls: str, of_aliases: str) -> None:
    """Make the indexes of lines to examine again, for these reasons."""
    op.execute("DROP INDEX line_reexamination")
    op.execute("DROP INDEX line_aliases")
    op.execute(LINE_REEXAMINATION.format(reasons=of_rolls))
    op.execute(LINE_ALIASES.format(reasons=of_aliases))


def upgrade() -> None:
    """Add them."""
    for table in TABLES:
        op.execute(DISTRICTS.format(table=table))
    index_lines(
        f"{OF_ROLLS}, 'no_district', 'undated_cancellation'", f"{OF_ALIASES}, 'out_of_district', 'undated_cancellation'"
    )


def downgrade() -> None:
    """Drop them."""
    index_lines(OF_ROLLS, OF_ALIASES)
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} DROP COLUMN districts")
