"""Signed checkpoints of the ledgers. Like the ledgers, they are added and read and never changed."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# `frontier` holds the roots of the log's full subtrees, so that the next checkpoint reads the new entries alone.
CHECKPOINT = """
CREATE TABLE checkpoint (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    checkpoint_no integer NOT NULL CHECK (checkpoint_no > 0),
    tree_size bigint NOT NULL CHECK (tree_size > 0),
    frontier bytea NOT NULL,
    note text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, petition_id, checkpoint_no),
    UNIQUE (county_id, petition_id, tree_size),
    FOREIGN KEY (county_id, petition_id) REFERENCES petition
)
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(CHECKPOINT)
    op.execute("GRANT SELECT, INSERT ON checkpoint TO recall_service")


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE checkpoint")
