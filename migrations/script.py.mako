"""${message}.

Say here what changes, why, and what it locks: `lock_timeout` is 5 s and `statement_timeout` 15 min (env.py).
A table gets its grants for `recall_service` in the migration that creates it.
"""

from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """${message}."""
    ${upgrades if upgrades else "op.execute(...)"}


def downgrade() -> None:
    """Undo it."""
    ${downgrades if downgrades else "op.execute(...)"}
