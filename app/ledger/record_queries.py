"""SQL of what a verification compares besides findings, and of what a bundle holds of it."""

import json
from collections.abc import AsyncIterator

from asyncpg import Connection

from app.law.petition import PetitionKey
from app.ledger.queries import stream
from app.ledger.records import StoredDates, StoredRecord

# Registrations of sections, acts about their defects, and proposals of the raw count with who confirmed them, each with
# its columns. By the primary keys.
_RECORDS = """
SELECT 'registration', concat('section ', section, ', registration ', registration_no), salt, content,
       (to_jsonb(r) - '{county_id, petition_id, salt, content}'::text[])::text
FROM section_registration r WHERE county_id = $1 AND petition_id = $2
UNION ALL
SELECT 'defect', concat('section ', section, ', act ', act_no), salt, content,
       (to_jsonb(d) - '{county_id, petition_id, salt, content}'::text[])::text
FROM section_defect d WHERE county_id = $1 AND petition_id = $2
UNION ALL
SELECT 'proposal', concat('proposal ', proposal_no), salt, content,
       jsonb_build_object('kind', kind, 'reason', reason, 'notes', notes::jsonb, 'raw', raw,
                          'list_hash', encode(list_hash, 'hex'), 'proposed_by', proposed_by,
                          'confirmed_by', confirmed_by)::text
FROM raw_count_proposal LEFT JOIN raw_count_confirmation USING (county_id, petition_id, proposal_no)
WHERE county_id = $1 AND petition_id = $2
"""

# Every declaration of sections' dates, with who confirmed it, along the primary key.
_DATES = """
SELECT section, signed_from::text, signed_to::text, confirmed_by
FROM section LEFT JOIN section_confirmation USING (county_id, petition_id, section, declaration_no)
WHERE county_id = $1 AND petition_id = $2 ORDER BY section, declaration_no
"""

# The changes of the ruleset that were confirmed, in order, by the primary keys.
_CHANGES = """
SELECT ruleset, reason, c.proposed_by, confirmed_by
FROM ruleset_change c JOIN ruleset_confirmation USING (county_id, petition_id, change_no)
WHERE county_id = $1 AND petition_id = $2 ORDER BY change_no
"""

# The rulesets that the petition was ever decided under: that of its terms, and those of its changes.
_RULESETS = """
SELECT name, parameters FROM ruleset WHERE name IN (
    SELECT ruleset FROM petition WHERE county_id = $1 AND petition_id = $2
    UNION SELECT ruleset FROM ruleset_change WHERE county_id = $1 AND petition_id = $2)
ORDER BY name
"""


async def records(connection: Connection, petition: PetitionKey) -> AsyncIterator[StoredRecord]:
    """Every record that the ledger may name; within a transaction."""
    async for kind, where, salt, content, columns in stream(connection, _RECORDS, *petition):
        yield StoredRecord(kind, where, salt, content, json.loads(columns))


async def stored_dates(connection: Connection, petition: PetitionKey) -> list[StoredDates]:
    """The sections' dates, in the order in which they were declared."""
    rows = await connection.fetch(_DATES, *petition)
    return [StoredDates(section, (first, last), by) for section, first, last, by in rows]


async def confirmed_changes(connection: Connection, petition: PetitionKey) -> list[tuple[str, ...]]:
    """The confirmed changes of the ruleset: its name, the reason, who proposed it and who confirmed it."""
    return [tuple(row) for row in await connection.fetch(_CHANGES, *petition)]


async def ruleset_texts(connection: Connection, petition: PetitionKey) -> dict[str, str]:
    """The parameters of the rulesets that the petition was ever decided under, as they are stored, by name."""
    return dict(await connection.fetch(_RULESETS, *petition))
