"""A petition with a count, made through the one way that changes a count, without a roll."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from app.count.line_queries import read_line
from app.count.queries import Change, take_places
from app.count.record import Count, record
from app.database.pools import Database
from app.law.line import Finding, Place, Signature
from app.law.petition import Petition, Terms
from app.law.reasons import VALID, Outcome
from app.ledger.evidence import make_checkpoint
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

    @property
    def count(self) -> Count:
        return Count(self.database)

    def later(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    async def take(self, findings: Sequence[Finding]) -> int:
        """Take lines in as one transaction; returns the tally's version."""
        new = [_signature(finding.place) for finding in findings]
        async with self._change() as change:
            stations = [(signature, "station-1") for signature in new]
            assert await take_places(change, stations)
            found = [
                finding._replace(writing_sha256=signature.sha256, station="station-1")
                for finding, signature in zip(findings, new, strict=True)
            ]
            await record(change, "intake", found)
        return _version(change)

    async def decide(self, finding: Finding, *, who: str = "clerk-1") -> int:
        """A person's finding on a line."""
        async with self._change() as change:
            read = await read_line(change.connection, self.petition.key, finding.place)
            by_person = finding._replace(decided_by=who, person=True, confirmed_by=(who,))
            known = by_person._replace(before=read.line, writing_sha256=read.signature.sha256)
            await record(change, "finding", [known])
        return _version(change)

    @asynccontextmanager
    async def _change(self) -> AsyncIterator[Change]:
        async with (
            self.database.intake() as connection,
            self.count.change(connection, self.petition, self.later()) as change,
        ):
            yield change

    async def checkpoint(self) -> str:
        """Sign what the ledger holds now."""
        where = self.petition.key
        note = await make_checkpoint(self.database, self.signer, where, now=self.later())
        assert note
        return note


def _version(change: Change) -> int:
    assert change.tally
    return change.tally.version


def _signature(place: Place) -> Signature:
    return Signature(f"SIGNER OF {place}", f"{place.line} MAPLE AVE", "LOS ANGELES", "90026").at(place)


def valid(place: Place, voter: str) -> Finding:
    return Finding(place, VALID, voter, registration_no=1, evidence='{"name":1.0}', roll_version=1)


def not_registered(place: Place) -> Finding:
    return Finding(place, Outcome("invalid", "not_registered"), evidence='{"considered":0}', roll_version=1)


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
    petition = await Count(database).open_petition(terms, opened_by="clerk-1", now=START)
    counted = Counted(database, petition, Signer.from_file(folder / "key", create=True))
    await counted.take([valid(Place(5, 1, n), f"V{n}") for n in range(1, 6)])
    await counted.checkpoint()
    await counted.take([valid(Place(6, 1, 1), "V1"), not_registered(Place(6, 1, 2))])
    await counted.decide(not_registered(Place(6, 1, 2)))
    await counted.checkpoint()
    await counted.take([valid(Place(4, 1, 1), "V1"), valid(Place(4, 1, 2), "V6")])
    await counted.take([valid(Place(7, 1, 1), "V7"), valid(Place(7, 1, 2), "V8")])
    await counted.checkpoint()
    return counted
