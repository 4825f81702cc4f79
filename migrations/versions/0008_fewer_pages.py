"""Less to write for a line: one index of voters fewer, and no pages written again that will not change any more."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# A voter's eligible lines are the one that counts, in line_counts_once, and the few of these.
UNCOUNTED = """
CREATE INDEX line_uncounted ON line (county_id, petition_id, voter_id)
    WHERE status = 'invalid' AND reason IN ('duplicate', 'withdrawn')
"""

# Rows are added to these, and seldom changed. Whenever they grew by a fifth, autovacuum came to mark what was new, and
# with checksums each page that it marks goes to the log whole: as much again as writing the lines. Nobody gains by it
# while a petition grows. Dead rows are cleared away as before, and what is old is frozen before the numbers run out.
# They are analysed as their numbers grow by half, and not by a tenth: no plan of the hot path depends on how many.
GROWING = ("signature", "line", "slot", "finding", "ledger", "idempotency")
SELDOM = """
ALTER TABLE {table} SET (autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_scale_factor = 0.5)
"""
AS_BEFORE = "ALTER TABLE {table} RESET (autovacuum_vacuum_insert_threshold, autovacuum_analyze_scale_factor)"


def upgrade() -> None:
    """Put the smaller index in the place of the larger one."""
    op.execute(UNCOUNTED)
    op.execute("DROP INDEX line_voter")
    for table in GROWING:
        op.execute(SELDOM.format(table=table))


def downgrade() -> None:
    """The other way round."""
    op.execute("CREATE INDEX line_voter ON line (county_id, petition_id, voter_id) WHERE voter_id IS NOT NULL")
    op.execute("DROP INDEX line_uncounted")
    for table in GROWING:
        op.execute(AS_BEFORE.format(table=table))
