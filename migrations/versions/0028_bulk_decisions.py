"""Bulk decisions as they were previewed, and how far each was carried out or undone."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# `finding_nos` are those of the lines' last findings at the preview; `versions` those of the tally that a run made.
TABLES = """
CREATE TABLE bulk_decision (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    bulk_id uuid NOT NULL,
    said text NOT NULL,  -- JSON: status, reason, note
    sections integer[] NOT NULL,
    pages integer[] NOT NULL,
    lines integer[] NOT NULL,
    finding_nos integer[] NOT NULL,
    state_hash bytea NOT NULL CHECK (octet_length(state_hash) = 32),
    shown text NOT NULL,  -- JSON: what the preview found besides
    previewed_by text NOT NULL,
    previewed_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, petition_id, bulk_id),
    FOREIGN KEY (county_id, petition_id) REFERENCES petition
);
CREATE TABLE bulk_run (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    bulk_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('execution', 'undo')),
    started_by text NOT NULL,
    started_at timestamptz NOT NULL,
    note text NOT NULL,
    done integer NOT NULL DEFAULT 0,
    left_out integer NOT NULL DEFAULT 0,
    versions bigint[] NOT NULL DEFAULT '{}',
    finished_at timestamptz,
    PRIMARY KEY (county_id, petition_id, bulk_id, kind),
    FOREIGN KEY (county_id, petition_id, bulk_id) REFERENCES bulk_decision,
    CHECK (kind <> 'undo' OR note <> '')
);
GRANT SELECT, INSERT ON bulk_decision, bulk_run TO recall_service;
GRANT UPDATE (done, left_out, versions, finished_at) ON bulk_run TO recall_service
"""


def upgrade() -> None:
    """Add them."""
    for statement in TABLES.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop them. The findings that they made stay."""
    op.execute("DROP TABLE bulk_run, bulk_decision")
