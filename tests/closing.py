"""How a petition is made ready to be closed: its sections accounted for, filed, and the raw count frozen by two."""

from datetime import date
from typing import Any

from app.count.record import Count
from app.examination.closing import close_petition
from app.examination.raw_count import confirm, propose
from app.examination.section_queries import section_states
from app.examination.sections import file_petition, register
from app.law.petition import Petition
from app.law.section import ReceivedSection
from tests.http.world import World
from tests.ledger.counted import Counted

PAGES = 100


async def freeze(world: World) -> None:
    """Over HTTP: register every section as it was scanned, file the petition, and freeze its raw count."""
    petition = (await world.call("GET", "", who="clerk")).json()
    last = min(petition["circulation_to"], petition["filed_on"])
    dates = {"signed_from": petition["circulation_from"], "signed_to": last}
    listed: dict[str, Any] = (await world.call("GET", "/sections?limit=1000", who="clerk")).json()
    for one in listed["sections"]:
        if not one["registered"]:
            said = {"section": one["section"], "pages": PAGES, "lines": one["seen"], "declaration": dates}
            assert (await world.call("POST", "/sections", who="clerk", json=said)).status_code == 201
    assert (await world.call("POST", "/filing", who="supervisor")).status_code == 200
    proposed = await world.call("POST", "/raw-count/proposals", who="clerk", json={"kind": "freeze"})
    assert proposed.status_code == 201, proposed.text
    number = proposed.json()["proposal"]["proposal_no"]
    confirmed = await world.call("POST", f"/raw-count/proposals/{number}/confirmation", who="supervisor")
    assert confirmed.status_code == 200, confirmed.text


async def close(counted: Counted) -> Petition:
    """The same by actions, and the end of the count."""
    count, petition, days = Count(counted.database), counted.petition, (date(2022, 1, 27), date(2022, 7, 6))
    async with counted.database.reading() as connection:
        states = await section_states(connection, petition.key)
    new = [
        ReceivedSection(one.section, PAGES, one.totals.seen, signed_from=days[0], signed_to=days[1], declared=True)
        for one in states
        if one.registration is None
    ]
    await count.attempt(petition, lambda change: register(change, new, by="clerk-1"), now=counted.later())
    await count.attempt(petition, lambda change: file_petition(change, by="supervisor-1"), now=counted.later())
    await count.attempt(petition, lambda change: propose(change, "freeze", by="clerk-1"), now=counted.later())
    await count.attempt(petition, lambda change: confirm(change, 1, by="supervisor-1"), now=counted.later())
    return await close_petition(count, petition, closed_by="supervisor-1", now=counted.later())
