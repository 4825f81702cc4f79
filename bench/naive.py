"""The same job the tutorial's way: FastAPI and an ORM, a SELECT, an INSERT and an UPDATE for each signature.

    NAIVE_DATABASE_URL=postgresql+asyncpg://… uvicorn bench.naive:app

A yardstick, honest and working: async, an index for every query, a pool, prepared statements, one transaction a request
that is committed before the answer. It only knows voters whose name, house number and street are written exactly as in
the roll, explains nothing, seals nothing, and does not survive a retry or two lines of one voter at the same time.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, NamedTuple

import asyncpg
from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel
from sqlalchemy import ForeignKey, Index, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_TYPES = frozenset(
    (
        *("ST", "STREET", "AVE", "AVENUE", "AV", "DR", "DRIVE", "BLVD", "BOULEVARD", "PL", "PLACE", "RD", "ROAD"),
        *("CT", "COURT", "LN", "LANE", "WAY", "CIR", "CIRCLE", "TER", "TERRACE"),
    )
)
_DIRECTIONS = frozenset(("N", "S", "E", "W", "NORTH", "SOUTH", "EAST", "WEST"))
_UNITS = frozenset(("APT", "UNIT", "STE", "SUITE", "NO"))


class Base(DeclarativeBase):
    """The tables, in a schema of their own."""


class Voter(Base):
    """A registered voter."""

    __tablename__ = "voter"
    __table_args__ = (
        Index("voter_name_address", "last_name", "first_name", "house_number", "street_name"),
        {"schema": "naive"},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    last_name: Mapped[str]
    first_name: Mapped[str]
    house_number: Mapped[str]
    street_name: Mapped[str]


class Signature(Base):
    """A line of the petition and what became of it."""

    __tablename__ = "signature"
    __table_args__ = ({"schema": "naive"},)

    id: Mapped[int] = mapped_column(primary_key=True)
    section: Mapped[int]
    page: Mapped[int]
    line: Mapped[int]
    printed_name: Mapped[str]
    residence_address: Mapped[str]
    city: Mapped[str]
    zip: Mapped[str]
    status: Mapped[str]
    voter_id: Mapped[int | None] = mapped_column(ForeignKey("naive.voter.id"), index=True)


class Tally(Base):
    """How many signatures there are of each status."""

    __tablename__ = "tally"
    __table_args__ = ({"schema": "naive"},)

    status: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]


class Written(NamedTuple):
    """What is looked for."""

    last_name: str
    first_name: str
    house_number: str
    street_name: str


def normalise(printed_name: str, residence_address: str) -> Written:
    """First and last word of the name; house number and street without direction, type and unit."""
    names, words = printed_name.upper().split() or [""], residence_address.upper().strip().split() or [""]
    street = words[1:]
    cut = next((at for at, word in enumerate(street) if word in _UNITS or word.startswith("#")), len(street))
    street = street[:cut]
    if len(street) > 1 and street[0] in _DIRECTIONS:
        street = street[1:]
    if len(street) > 1 and street[-1] in _TYPES:
        street = street[:-1]
    return Written(names[-1], names[0], words[0], " ".join(street))


class SignatureIn(BaseModel):
    """A line as it is posted."""

    section: int
    page: int
    line: int
    printed_name: str
    residence_address: str
    city: str
    zip: str
    signed: bool = True
    image_sha256: str | None = None


class SignatureOut(BaseModel):
    """What became of it."""

    id: int
    status: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold the pool."""
    engine = create_async_engine(os.environ["NAIVE_DATABASE_URL"], pool_size=20, max_overflow=10)
    app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """A session for the request."""
    async with request.app.state.sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


@app.post("/signatures", status_code=201)
async def post_signature(line: SignatureIn, session: Session) -> SignatureOut:
    """Find the voter, see whether the voter has signed, keep the line, count it."""
    written = normalise(line.printed_name, line.residence_address)
    found = await session.execute(
        select(Voter)
        .where(
            Voter.last_name == written.last_name,
            Voter.first_name == written.first_name,
            Voter.house_number == written.house_number,
            Voter.street_name == written.street_name,
        )
        .limit(1)
    )
    voter = found.scalar_one_or_none()
    status = await _status(session, line, voter)
    fields = line.model_dump(exclude={"signed", "image_sha256"})
    signature = Signature(**fields, status=status, voter_id=voter.id if voter else None)
    session.add(signature)
    await session.flush()
    await session.execute(update(Tally).where(Tally.status == status).values(count=Tally.count + 1))
    await session.commit()
    return SignatureOut(id=signature.id, status=status)


async def _status(session: AsyncSession, line: SignatureIn, voter: Voter | None) -> str:
    if voter is None or not line.signed:
        return "invalid"
    signed = await session.execute(select(Signature.id).where(Signature.voter_id == voter.id).limit(1))
    return "valid" if signed.first() is None else "duplicate"


# The current registrations, which are the service's own rows.
_FILL = """
INSERT INTO naive.voter (last_name, first_name, house_number, street_name)
SELECT last_name, first_name, house_number, street_name FROM registration
WHERE county_id = $1 AND status IN ('active', 'inactive') AND effective_to IS NULL
"""


async def prepare(url: str, dsn: str, county_id: str) -> None:
    """Make the tables anew, with the voters of a county's roll in them; at most one version of it may be loaded.

    Args:
        url: of the database, for SQLAlchemy.
        dsn: the same for the driver.
        county_id: the county.
    """
    connection = await asyncpg.connect(dsn)
    await connection.execute("DROP SCHEMA IF EXISTS naive CASCADE")
    await connection.execute("CREATE SCHEMA naive")
    engine = create_async_engine(url)
    async with engine.begin() as transaction:
        await transaction.run_sync(Base.metadata.create_all)
    await engine.dispose()
    await connection.execute(_FILL, county_id, timeout=None)
    await connection.execute("INSERT INTO naive.tally VALUES ('valid', 0), ('invalid', 0), ('duplicate', 0)")
    await connection.execute("VACUUM ANALYZE naive.voter")
    await connection.close()
