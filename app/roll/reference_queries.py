"""SQL of the voters' signatures on file: which there are. The images stay where the county keeps them (EC 2194)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from asyncpg import Connection

# By the primary key: the same again has no effect. In one order, so that two loads never wait for each other.
_ADD = """
INSERT INTO signature_reference (county_id, voter_id, reference_id, image_sha256, added_by, added_at)
SELECT $1, voter_id, reference_id, image_sha256, $5, $6
FROM unnest($2::text[], $3::text[], $4::text[]) AS new (voter_id, reference_id, image_sha256)
ORDER BY voter_id, reference_id ON CONFLICT DO NOTHING
"""

# How many of these are on file as they are said to be, by the primary key.
_AS_SAID = """
SELECT count(*) FROM unnest($2::text[], $3::text[], $4::text[]) AS said (voter_id, reference_id, image_sha256)
JOIN signature_reference r ON r.county_id = $1
    AND (r.voter_id, r.reference_id, r.image_sha256) = (said.voter_id, said.reference_id, said.image_sha256)
"""

# The references of these voters, each by number or pseudonym. By the primary key and those of confidential_voter.
_OF_VOTERS = """
SELECT voter.voter_id, ARRAY(
    SELECT reference_id FROM signature_reference r
    WHERE r.county_id = $1 AND r.voter_id = coalesce(
        (SELECT c.voter_id FROM confidential_voter c WHERE c.county_id = $1 AND c.pseudonym = voter.voter_id),
        voter.voter_id)
    ORDER BY reference_id)
FROM unnest($2::text[]) AS voter (voter_id)
"""

_KEEPS = "SELECT EXISTS (SELECT FROM signature_reference WHERE county_id = $1)"


class SignatureReference(NamedTuple):
    """A signature of a voter that is on file."""

    voter_id: str
    reference_id: str  # the county's, which says nothing of the voter
    image_sha256: str


async def add(
    connection: Connection, county_id: str, new: Sequence[SignatureReference], *, by: str, now: datetime
) -> tuple[int, bool]:
    """Add what is not on file. Returns how many there were, and whether all are on file now as they are said to be.

    Args:
        connection: in a transaction.
        county_id: whose voters.
        new: the references.
        by: the user who adds them.
        now: the time of the request.
    """
    said = list(zip(*new, strict=True))
    status = await connection.execute(_ADD, county_id, *said, by, now)
    as_said = await connection.fetchval(_AS_SAID, county_id, *said)
    return int(status.rpartition(" ")[2]), as_said == len(new)


async def references_of(connection: Connection, county_id: str, voters: Collection[str]) -> dict[str, list[str]]:
    """The ids of the signatures on file of each of these voters."""
    return dict(await connection.fetch(_OF_VOTERS, county_id, list(voters)))


async def keeps_references(connection: Connection, county_id: str) -> bool:
    """Whether the county has put any reference on file."""
    return bool(await connection.fetchval(_KEEPS, county_id))
