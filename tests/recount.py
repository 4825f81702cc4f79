"""What every story and every race must leave behind: a count on which the service and independent SQL agree.

The service's own verification compares ledger, findings, lines, tally and slots. But the people who wrote it also wrote
the count, so a wrong idea of which line counts could be in both. These statements therefore count the voters and the
tally once more, in another language and from the tables alone. (`tools/verify_bundle.py` is a third verifier, with
tests of its own. It takes too long to run after each of a race's hundreds of schedules.)
"""

import json
from uuid import UUID

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.law.petition import PetitionKey
from app.ledger.evidence import verify
from app.ledger.notes import Signer
from tests.http.county import COUNTY

_UNUSED_KEY = Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))

# The lines that are not what EC 105(b) and EC 11303 make of them: of the lines that pass every other rule a voter's
# lowest counts and the others are duplicates; those of a voter who withdrew are withdrawn, all of them.
_MISCOUNTED = """
SELECT voter_id, section, page, line, status, reason FROM (
    SELECT line.*, slot.withdrawn_on IS NOT NULL AS withdrawn, slot.voter_id IS NULL AS slotless,
           row_number() OVER (PARTITION BY line.voter_id ORDER BY section, page, line) AS nth
    FROM line LEFT JOIN slot USING (county_id, petition_id, voter_id)
    WHERE petition_id = $1 AND (status = 'valid' OR (status = 'invalid' AND reason IN ('duplicate', 'withdrawn')))
) AS eligible
WHERE slotless
   OR CASE WHEN withdrawn THEN 'withdrawn' WHEN nth > 1 THEN 'duplicate' ELSE '' END <> coalesce(reason, '')
"""

_COUNTED = """
SELECT count(*) FILTER (WHERE status = 'received') AS received, count(*) FILTER (WHERE status = 'valid') AS valid,
       count(*) FILTER (WHERE status = 'invalid') AS invalid, count(*) FILTER (WHERE status = 'review') AS review,
       count(*) FILTER (WHERE NOT settled) AS unsettled,
       count(*) FILTER (WHERE NOT settled AND status = 'valid') AS unsettled_valid,
       count(*) FILTER (WHERE status = 'blank') AS blank, count(*) FILTER (WHERE status = 'struck') AS struck
FROM line WHERE petition_id = $1
"""

_REASONS = """
SELECT reason, count(*) FROM line WHERE petition_id = $1 AND status = 'invalid' GROUP BY reason
"""


# The lines that sections claim beyond those scanned of each.
_UNSCANNED = """
SELECT coalesce(sum(greatest(lines - scanned, 0)), 0) AS unscanned FROM (
    SELECT section, max(lines) AS lines FROM section_registration WHERE petition_id = $1 GROUP BY section
) AS claimed LEFT JOIN LATERAL (
    SELECT count(*) AS scanned FROM line WHERE petition_id = $1 AND line.section = claimed.section
) AS seen ON true
"""


async def check(connection: asyncpg.Connection, petition_id: UUID, signer: Signer = _UNUSED_KEY) -> None:
    """The independent SQL and the service's verification find nothing wrong. No `signer`: there are no checkpoints."""
    await check_by_sql(connection, petition_id)
    found = await verify(connection, PetitionKey(COUNTY, petition_id), signer)
    assert found.agrees, found.faults


async def check_by_sql(connection: asyncpg.Connection, petition_id: UUID) -> None:
    """Every voter counts once, at the lowest good place, and the head's tally is what the lines add up to."""
    miscounted = await connection.fetch(_MISCOUNTED, petition_id)
    assert not miscounted, f"these do not follow from their voters' other lines: {miscounted}"
    head = await connection.fetchrow("SELECT * FROM head WHERE petition_id = $1", petition_id)
    counted = dict(await connection.fetchrow(_COUNTED, petition_id))
    counted |= dict(await connection.fetchrow(_UNSCANNED, petition_id))
    assert {name: head[name] for name in counted} == counted, "the head's numbers are not those of the lines"
    reasons = dict(await connection.fetch(_REASONS, petition_id))
    assert json.loads(head["by_reason"]) == reasons, "the head's reasons are not those of the lines"
