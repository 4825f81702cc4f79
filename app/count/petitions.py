"""Opening, closing and reading petitions."""

from dataclasses import asdict, dataclass, replace
from datetime import date, datetime

from app.access.queries import add_county
from app.count import line_queries as rows
from app.count.queries import lock_head
from app.count.record import Change, Count, write
from app.database.pools import Database
from app.database.tables import new_id
from app.errors import UnknownPetitionError
from app.law.petition import Petition, PetitionKey, check_closing, check_terms, required_signatures


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a petition is opened with: `required` or, to derive it, `registered_voters`."""

    county_id: str
    title: str
    officer: str
    required: int | None
    registered_voters: int | None
    circulation_from: date
    circulation_to: date
    filed_on: date
    ruleset_name: str


async def open_petition(database: Database, terms: Terms, *, opened_by: str, now: datetime) -> Petition:
    """Open a petition, with its head and the ledger's first entry; a new county is created.

    Args:
        database: of the county.
        terms: of the petition.
        opened_by: goes on record.
        now: when it is opened.

    Raises:
        InvalidPetitionError: the terms contradict each other.
        CountyCodeError: this cannot be the code of a county.
    """
    required = terms.required or required_signatures(terms.registered_voters or 0)
    check_terms(
        required=required,
        circulation_from=terms.circulation_from,
        circulation_to=terms.circulation_to,
        filed_on=terms.filed_on,
        ruleset=terms.ruleset_name,
    )
    values = asdict(terms) | {"required": required}
    petition = Petition(**values, petition_id=new_id(now), state="open", created_at=now)
    async with database.reading() as connection:
        await add_county(connection, petition.county_id)
    async with database.begin() as connection:
        await rows.add_petition(connection, petition, opened_by)
        raw = (await connection.get_raw_connection()).driver_connection
        await write(Change(raw, petition, now), "open", [], facts=petition.facts())
    return petition


async def close_petition(count: Count, petition: Petition, *, closed_by: str, now: datetime) -> Petition:
    """End a petition's count, with the ledger's closing entry: nothing of the count can change afterwards.

    Args:
        count: the count to end.
        petition: whose count it is.
        closed_by: goes on record.
        now: when it ends.

    Raises:
        PetitionClosedError: it has ended already.
        UndecidedLinesError: lines are still to be decided.
    """
    async with count.database.intake() as connection, count.change(connection, petition, now) as change:
        head = await lock_head(connection, petition.key)
        if head is None:
            raise UnknownPetitionError
        if head.state == "open":
            check_closing(head.counts, petition.required)
        await write(change, "close", [], facts={"closed_by": closed_by}, close=True)
    return replace(petition, state="closed")


async def list_petitions(database: Database, county_id: str) -> list[Petition]:
    """A county's petitions, the oldest first."""
    async with database.begin() as connection:
        return await rows.list_petitions(connection, county_id)


async def get_petition(database: Database, petition: PetitionKey) -> Petition | None:
    """One petition of a county, with its current state."""
    async with database.begin() as connection:
        return await rows.get_petition(connection, petition)
