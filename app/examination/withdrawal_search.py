"""Looking for the voters of open requests to withdraw in each roll that is put into use."""

from datetime import datetime

from app.count.record import Count
from app.examination import withdrawal_queries as rows
from app.law.petition import Petition
from app.matching.lookup import Decide, LineToDecide, in_use


async def search_voters(count: Count, petition: Petition, decide: Decide, *, now: datetime) -> None:
    """Look for each voter who is not known yet in the roll in use, once for each version of it.

    What is found is offered, and decides nothing: a person must compare the signature with the voter's on record. It
    may be interrupted at any time, and then continues.

    Args:
        count: the counts.
        petition: whose requests.
        decide: looks lines up; a request has a name and a residence, as a line has.
        now: goes on record.
    """
    async with count.database.intake() as connection:
        while True:
            version, requests = await rows.to_search(connection, petition.key)
            roll, *_ = await in_use(connection, petition.county_id)
            if version is None or roll is None or roll.roll_version != version:
                return  # another version is in use by now: the next round begins with it
            asked = [LineToDecide(one.request.writing, petition.window) for one in requests]
            found = [one.voter_id if one.outcome.status == "valid" else None for one in await decide(roll, asked)]
            ids = [one.withdrawal_id for one in requests]
            await rows.add_searches(connection, petition.key, version, now, list(zip(ids, found, strict=True)))
