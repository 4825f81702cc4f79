"""Persons: each exists once in a county, by the look of the name, with keys; and when a key was first seen expired."""

import sqlalchemy as sa
from alembic import op

from app.access.names import look_of, tidied

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE person (
    county_id text NOT NULL REFERENCES county,
    -- What all names that look alike have in common, by app.access.names.
    look text NOT NULL,
    name text NOT NULL,
    added_at timestamptz NOT NULL,
    added_by text,
    PRIMARY KEY (county_id, look)
);
GRANT SELECT, INSERT ON person TO recall_service;
ALTER TABLE api_key ADD COLUMN look text, ADD COLUMN expired_at timestamptz;
GRANT UPDATE (expired_at) ON api_key TO recall_service
"""
NAMES = """
SELECT DISTINCT ON (county_id, principal) county_id, principal, created_at, issued_by
FROM api_key ORDER BY county_id, principal, created_at
"""
# Of names that look alike, the first one is the person's. The keys of the others keep their names: what they sent is
# recognized as before. They are the same person's all the same.
ADD_PERSON = """
INSERT INTO person (county_id, look, name, added_at, added_by) VALUES (:county_id, :look, :name, :at, :by)
ON CONFLICT DO NOTHING
"""
SET_LOOK = "UPDATE api_key SET look = :look WHERE county_id = :county_id AND principal = :name"
KEYS = """
ALTER TABLE api_key ALTER COLUMN look SET NOT NULL, ADD FOREIGN KEY (county_id, look) REFERENCES person
"""


def upgrade() -> None:
    """Make persons of the owners of keys. Keys keep the ends that they have."""
    for statement in UP.split(";\n"):
        op.execute(statement)
    connection = op.get_bind()
    found = sorted(connection.execute(sa.text(NAMES)), key=lambda row: row.created_at)
    for row in found:
        person = {"county_id": row.county_id, "look": look_of(row.principal)}
        added = {"name": tidied(row.principal), "at": row.created_at, "by": row.issued_by}
        connection.execute(sa.text(ADD_PERSON), person | added)
        connection.execute(sa.text(SET_LOOK), person | {"name": row.principal})
    op.execute(KEYS)


def downgrade() -> None:
    """Forget persons."""
    op.execute("ALTER TABLE api_key DROP COLUMN look, DROP COLUMN expired_at")
    op.execute("DROP TABLE person")
