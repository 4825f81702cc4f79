"""SQL of requests to withdraw: the requests, people's decisions, searches for unknown voters, and revocations."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Connection, Record

from app.count.queries import Change
from app.law.petition import PetitionKey
from app.law.withdrawals import Revocation, VoterSearch, Withdrawal, WithdrawalState
from app.matching.blocking import KEYS_VERSION

# A request, its decision, its revocation, and the search in the newest roll: by the primary keys.
_WITHDRAWAL = """
SELECT w.content, d.content, r.revoked_by, r.revoked_at, r.note, s.roll_version, s.voter_id, withdrawal_id
FROM withdrawal w
LEFT JOIN withdrawal_decision d USING (county_id, petition_id, withdrawal_id)
LEFT JOIN withdrawal_revocation r USING (county_id, petition_id, withdrawal_id)
LEFT JOIN LATERAL (
    SELECT roll_version, voter_id FROM withdrawal_search
    WHERE (county_id, petition_id, withdrawal_id) = (w.county_id, w.petition_id, w.withdrawal_id)
    ORDER BY roll_version DESC LIMIT 1
) s ON true
WHERE county_id = $1 AND petition_id = $2
"""

# A voter's withdrawal that was accepted and not revoked, by the indexes withdrawal_voter and withdrawal_decision_voter.
# Under the slot's lock there is at most one.
IN_FORCE = f"""{_WITHDRAWAL} AND r.withdrawal_id IS NULL AND withdrawal_id IN (
    SELECT withdrawal_id FROM withdrawal
    WHERE county_id = $1 AND petition_id = $2 AND voter_id = $3 AND state = 'accepted'
    UNION ALL
    SELECT withdrawal_id FROM withdrawal_decision
    WHERE county_id = $1 AND petition_id = $2 AND voter_id = $3 AND state = 'accepted')
"""  # noqa: S608  # a literal of ours

# A request by its id, which is the primary key.
BY_ID = f"{_WITHDRAWAL} AND withdrawal_id = $3"

# A page in the order of recording, which is the order of the ids, by the primary key.
_PAGE = f"""{_WITHDRAWAL} AND ($3::uuid IS NULL OR withdrawal_id > $3)
  AND ($5::text IS NULL OR coalesce(d.state, w.state) = $5)
ORDER BY withdrawal_id LIMIT $4
"""

# Open requests of unknown voters that were not searched in the roll in use, by withdrawal_open and the primary keys.
_TO_SEARCH = """
SELECT w.content, roll_version FROM withdrawal w
CROSS JOIN (SELECT roll_version FROM roll WHERE county_id = $1 AND state = 'active' AND keys_version = $3) AS roll
WHERE county_id = $1 AND petition_id = $2 AND state = 'open' AND voter_id IS NULL
  AND NOT EXISTS (SELECT FROM withdrawal_decision d WHERE (d.county_id, d.petition_id, d.withdrawal_id)
    = (w.county_id, w.petition_id, w.withdrawal_id))
  AND NOT EXISTS (SELECT FROM withdrawal_search s WHERE (s.county_id, s.petition_id, s.withdrawal_id, s.roll_version)
    = (w.county_id, w.petition_id, w.withdrawal_id, roll.roll_version))
ORDER BY withdrawal_id LIMIT 500
"""

# The first process to search keeps its result: it depends on nothing but the request and the roll.
_ADD_SEARCH = """
INSERT INTO withdrawal_search (county_id, petition_id, withdrawal_id, roll_version, voter_id, searched_at)
SELECT $1, $2, withdrawal_id, $3, voter_id, $4 FROM unnest($5::uuid[], $6::text[]) AS found (withdrawal_id, voter_id)
ORDER BY withdrawal_id ON CONFLICT DO NOTHING
"""

_ADD_REQUEST = """
INSERT INTO withdrawal (county_id, petition_id, withdrawal_id, salt, content, state, voter_id, received_on, recorded_by,
                        recorded_at, note)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
# Of two people who decide at the same time the second finds the primary key taken, and gets no row.
_ADD_DECISION = """
INSERT INTO withdrawal_decision (county_id, petition_id, withdrawal_id, salt, content, state, voter_id)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING withdrawal_id
"""
_ADD_REVOCATION = """
INSERT INTO withdrawal_revocation (county_id, petition_id, withdrawal_id, salt, content, revoked_by, revoked_at, note)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_SET_SLOT = "UPDATE slot SET withdrawn_on = $4 WHERE county_id = $1 AND petition_id = $2 AND voter_id = $3"


def _withdrawal(row: Record) -> Withdrawal:
    content, decision, by, at, note, searched, found, withdrawal_id = row
    return Withdrawal.stored(content, decision)._replace(
        revocation=Revocation(withdrawal_id, by, at, note) if by is not None else None,
        search=VoterSearch(searched, found) if searched is not None else None,
    )


async def find_withdrawal(connection: Connection, query: str, *values: object) -> Withdrawal | None:
    """The request that one of these queries asks for; None without one."""
    row = await connection.fetchrow(query, *values)
    return row and _withdrawal(row)


async def page_of_withdrawals(
    connection: Connection,
    petition: PetitionKey,
    *,
    after: UUID | None,
    limit: int,
    state: WithdrawalState | None = None,
) -> list[Withdrawal]:
    """Up to `limit` requests that follow `after`, the oldest first.

    Args:
        connection: any; only read.
        petition: whose requests.
        after: the last request of the page before; None: the first page.
        limit: how many requests at most.
        state: only those that stand like this; None: all.
    """
    return [_withdrawal(row) for row in await connection.fetch(_PAGE, *petition, after, limit, state)]


async def add_request(change: Change, new: Withdrawal, salt: bytes) -> None:
    """Append a request."""
    request, recorded = new.request, (new.recorded_by, new.recorded_at, new.note)
    facts = (new.withdrawal_id, salt, new.sealed(), new.ruling.state, request.voter_id, request.received_on, *recorded)
    await change.connection.execute(_ADD_REQUEST, *change.petition.key, *facts)


async def add_decision(change: Change, decided: Withdrawal, salt: bytes) -> bool:
    """Append the decision that a request has now; False if another person has just decided it."""
    state, voter_id = decided.standing.state, decided.voter_id
    row = (*change.petition.key, decided.withdrawal_id, salt, decided.sealed(), state, voter_id)
    return await change.connection.fetchval(_ADD_DECISION, *row) is not None


async def add_revocation(change: Change, revoked: Withdrawal, salt: bytes) -> None:
    """Append the revocation that a withdrawal has now."""
    _, *said = revoked.revocation or (None,)
    row = (*change.petition.key, revoked.withdrawal_id, salt, revoked.sealed(), *said)
    await change.connection.execute(_ADD_REVOCATION, *row)


async def set_slot(change: Change, withdrawal: Withdrawal) -> None:
    """Note in the voter's slot, which is locked, since when a withdrawal holds; a revoked one does not."""
    since = None if withdrawal.revocation else withdrawal.request.received_on
    await change.connection.execute(_SET_SLOT, *change.petition.key, withdrawal.voter_id, since)


async def to_search(connection: Connection, petition: PetitionKey) -> tuple[int | None, list[Withdrawal]]:
    """The version of the roll in use, and some requests of unknown voters to look for in it; None: there are none."""
    found = await connection.fetch(_TO_SEARCH, *petition, KEYS_VERSION)
    return (found[0][1] if found else None), [Withdrawal.stored(row[0], None) for row in found]


async def add_searches(
    connection: Connection,
    petition: PetitionKey,
    roll_version: int,
    now: datetime,
    found: Sequence[tuple[UUID, str | None]],
) -> None:
    """Store what searches found.

    Args:
        connection: any.
        petition: whose requests.
        roll_version: that was searched.
        now: goes on record.
        found: by the request's id, the voter; None: no voter, or several.
    """
    await connection.execute(_ADD_SEARCH, *petition, roll_version, now, *zip(*found, strict=True))
