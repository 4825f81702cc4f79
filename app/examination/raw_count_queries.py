"""SQL of the raw count: its list, and what people propose and confirm of it."""

import json
from typing import NamedTuple

from asyncpg import Connection

from app.count.queries import Change
from app.law.petition import PetitionKey
from app.law.raw_count import Proposal, RawList, SectionRange

# The raw list in paper order, along the primary key. Reads every line: it is run before anything is locked.
_RAW_LIST = r"""
SELECT count(*), sha256(convert_to(coalesce(string_agg(concat(section, '-', page, '-', line, E'\n'), ''
       ORDER BY section, page, line), ''), 'UTF8'))
FROM line WHERE county_id = $1 AND petition_id = $2 AND status NOT IN ('blank', 'struck')
"""

# The petition's row is locked, so the number is free.
_ADD_PROPOSAL = """
INSERT INTO raw_count_proposal (county_id, petition_id, proposal_no, kind, raw, list_hash, reason, notes, proposed_by,
                                proposed_at, salt, content)
SELECT $1, $2, coalesce(max(proposal_no), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11
FROM raw_count_proposal WHERE county_id = $1 AND petition_id = $2
RETURNING proposal_no
"""

# The newest proposal, from the end of the primary key; it replaces those before.
_NEWEST = """
SELECT proposal_no, kind, raw, list_hash, reason, notes, proposed_by, proposed_at, salt, confirmed_by
FROM raw_count_proposal LEFT JOIN raw_count_confirmation USING (county_id, petition_id, proposal_no)
WHERE county_id = $1 AND petition_id = $2 ORDER BY proposal_no DESC LIMIT 1
"""

_CONFIRM = """
INSERT INTO raw_count_confirmation (county_id, petition_id, proposal_no, confirmed_by, confirmed_at)
VALUES ($1, $2, $3, $4, $5)
"""


# Where the petition stands, by the primary key. Locks nothing.
_VERSION = "SELECT version FROM head WHERE county_id = $1 AND petition_id = $2"

# Whether a later entry than $3 may have changed the raw list or the control totals. Along the primary key. Under the
# head's lock no entry is added.
_MOVED = """
SELECT EXISTS (SELECT FROM ledger WHERE county_id = $1 AND petition_id = $2 AND seq > $3
                  AND type NOT IN ('finding', 'reexamination', 'withdrawal'))
"""


class StoredProposal(NamedTuple):
    """A proposal, the salt of its hash in the ledger, and the person who confirmed it, if any."""

    proposal: Proposal
    salt: bytes
    confirmed_by: str | None


async def raw_list(connection: Connection, petition: PetitionKey) -> RawList:
    """The raw list as it is now."""
    return RawList(*await connection.fetchrow(_RAW_LIST, *petition))


async def version_of(connection: Connection, petition: PetitionKey) -> int:
    """The version that the petition has reached."""
    return int(await connection.fetchval(_VERSION, *petition))


async def moved_since(connection: Connection, petition: PetitionKey, version: int) -> bool:
    """Whether the raw list or the control totals may have changed since a version."""
    return bool(await connection.fetchval(_MOVED, *petition, version))


async def add_proposal(change: Change, new: Proposal, salt: bytes) -> int:
    """Store a proposal; returns its number."""
    notes = json.dumps({str(sections): note for sections, note in new.notes.items()}, ensure_ascii=False)
    words = (new.kind, *new.raw_list, new.reason, notes, new.proposed_by, new.proposed_at, salt, new.sealed())
    number: int = await change.connection.fetchval(_ADD_PROPOSAL, *change.petition.key, *words)
    return number


async def newest_proposal(connection: Connection, petition: PetitionKey) -> StoredProposal | None:
    """The newest proposal of a petition."""
    row = await connection.fetchrow(_NEWEST, *petition)
    if row is None:
        return None
    number, kind, raw, list_hash, reason, notes, by, at, salt, confirmed_by = row
    said = {SectionRange.stored(sections): note for sections, note in json.loads(notes).items()}
    return StoredProposal(Proposal(number, kind, RawList(raw, list_hash), reason, said, by, at), salt, confirmed_by)


async def add_confirmation(change: Change, proposal_no: int, *, by: str) -> None:
    """Store that a person confirmed a proposal."""
    await change.connection.execute(_CONFIRM, *change.petition.key, proposal_no, by, change.now)
