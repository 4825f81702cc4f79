"""A petition with a count, made through the one way that changes a count, without a roll."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from app.count.line_queries import read_line
from app.count.petitions import Terms, open_petition
from app.count.queries import take_places
from app.count.record import Claim, record
from app.database.engine import Database
from app.law.line import Merits, Place, Submitted, Writing
from app.law.petition import Petition
from app.ledger.checkpoints import make_checkpoint
from app.ledger.notes import Signer

COUNTY = "los-angeles"
START = datetime(2022, 7, 7, 8, tzinfo=UTC)


@dataclass
class Counted:
    """An open petition, its signer, and a clock that every step moves on."""

    database: Database
    petition: Petition
    signer: Signer
    now: datetime = START

    def later(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    async def take(self, lines: Sequence[tuple[Place, Merits]]) -> int:
        """Take lines in as one transaction; returns the tally's version."""
        submitted = [_submitted(place) for place, _ in lines]
        async with self.database.intake() as connection, connection.transaction():
            stations = [(line, "station-1") for line in submitted]
            where = self.petition.key
            assert await take_places(connection, where, stations, self.later())
            claims = [
                Claim(place=place, merits=merits, writing_sha256=line.writing_sha256, station="station-1")
                for (place, merits), line in zip(lines, submitted, strict=True)
            ]
            return (await record(connection, self.petition, "intake", claims, now=self.now)).tally.version

    async def decide(self, place: Place, merits: Merits, *, who: str = "clerk-1") -> int:
        """A person's finding on a line."""
        async with self.database.intake() as connection, connection.transaction():
            read = await read_line(connection, self.petition.key, place)
            assert read
            claim = Claim(place, merits, read.writing_sha256, who, person=True, before=read.line, confirmed_by=(who,))
            return (await record(connection, self.petition, "finding", [claim], now=self.later())).tally.version

    async def checkpoint(self) -> str:
        """Sign what the ledger holds now."""
        where = self.petition.key
        note = await make_checkpoint(self.database, self.signer, where, now=self.later())
        assert note
        return note


def _submitted(place: Place) -> Submitted:
    writing = Writing(f"SIGNER OF {place}", f"{place.line} MAPLE AVE", "LOS ANGELES", "90026")
    return Submitted(place, writing, writing.fingerprint())


def valid(voter: str) -> Merits:
    return Merits("valid", None, voter, registration_no=1, evidence='{"name":1.0}', roll_version=1)


NOT_REGISTERED = Merits("invalid", "not_registered", None, evidence='{"candidates":0}', roll_version=1)


async def a_counted_petition(database: Database, folder: Path, *, required: int = 5) -> Counted:
    """Eleven lines of eight voters and a stranger, in six entries under three checkpoints.

    Voter V1 signed three times, the lowest place last; a person confirmed the stranger's line.
    """
    terms = Terms(
        county_id=COUNTY,
        title="Recall of the assessor",
        officer="The assessor",
        required=required,
        registered_voters=None,
        circulation_from=date(2022, 1, 27),
        circulation_to=date(2022, 7, 6),
        filed_on=date(2022, 7, 6),
        ruleset_name="california-local-recall/1",
    )
    petition = await open_petition(database, terms, opened_by="clerk-1", now=START)
    counted = Counted(database, petition, Signer.from_file(folder / "key", create=True))
    await counted.take([(Place(5, 1, n), valid(f"V{n}")) for n in range(1, 6)])
    await counted.checkpoint()
    await counted.take([(Place(6, 1, 1), valid("V1")), (Place(6, 1, 2), NOT_REGISTERED)])
    await counted.decide(Place(6, 1, 2), NOT_REGISTERED)
    await counted.checkpoint()
    await counted.take([(Place(4, 1, 1), valid("V1")), (Place(4, 1, 2), valid("V6"))])
    await counted.take([(Place(7, 1, 1), valid("V7")), (Place(7, 1, 2), valid("V8"))])
    await counted.checkpoint()
    return counted
