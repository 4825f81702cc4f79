"""Petitions and their sections, through SQLAlchemy: nothing here is hot."""

from uuid import UUID

from sqlalchemy import RowMapping, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import county, head, petition
from app.domain.ledger import GENESIS
from app.domain.petition import Petition


async def add_county(connection: AsyncConnection, county_id: str) -> None:
    """Make the county if it is new."""
    await connection.execute(upsert(county).values(county_id=county_id, name=county_id).on_conflict_do_nothing())


async def add_petition(connection: AsyncConnection, new: Petition, created_by: str) -> None:
    """Store a petition and its empty head."""
    await connection.execute(
        insert(petition).values(
            county_id=new.county_id,
            petition_id=new.petition_id,
            title=new.title,
            officer=new.officer,
            required=new.required,
            registered_voters=new.registered_voters,
            circulation_from=new.circulation_from,
            circulation_to=new.circulation_to,
            filed_on=new.filed_on,
            ruleset=new.ruleset_name,
            created_by=created_by,
            created_at=new.created_at,
        )
    )
    counts = {"received": 0, "valid": 0, "invalid": 0, "review": 0, "unsettled": 0, "by_reason": "{}"}
    await connection.execute(
        insert(head).values(
            county_id=new.county_id,
            petition_id=new.petition_id,
            version=0,
            hash=GENESIS,
            state="open",
            as_of=new.created_at,
            **counts,
        )
    )


_PETITION = (
    select(petition, head.c.state)
    .join(head, (head.c.county_id == petition.c.county_id) & (head.c.petition_id == petition.c.petition_id))
    .order_by(petition.c.created_at, petition.c.petition_id)
)


async def get_petition(connection: AsyncConnection, county_id: str, petition_id: UUID) -> Petition | None:
    """One petition of a county."""
    query = _PETITION.where(petition.c.county_id == county_id, petition.c.petition_id == petition_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    return _petition(row) if row else None


async def county_of(connection: AsyncConnection, petition_id: UUID) -> str | None:
    """The county of a petition, for commands that are told the petition alone."""
    return await connection.scalar(select(petition.c.county_id).where(petition.c.petition_id == petition_id))


async def list_petitions(connection: AsyncConnection, county_id: str) -> list[Petition]:
    """A county's petitions, the oldest first."""
    rows = (await connection.execute(_PETITION.where(petition.c.county_id == county_id))).mappings()
    return [_petition(row) for row in rows]


def _petition(row: RowMapping) -> Petition:
    return Petition(
        county_id=row["county_id"],
        petition_id=row["petition_id"],
        title=row["title"],
        officer=row["officer"],
        required=row["required"],
        registered_voters=row["registered_voters"],
        circulation_from=row["circulation_from"],
        circulation_to=row["circulation_to"],
        filed_on=row["filed_on"],
        ruleset_name=row["ruleset"],
        state=row["state"],
        created_at=row["created_at"],
    )
