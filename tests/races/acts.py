"""What people and stations do to one voter's lines, straight through the actions, as racers do."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from app.access.principals import Principal
from app.count.intake import Answer, GroupCommit, Submission
from app.count.queries import Change
from app.count.record import Count
from app.database.pools import Database
from app.errors import RecallError
from app.examination import actions, defects, sections, withdrawals
from app.examination.withdrawal_queries import IN_FORCE, find_withdrawal, page_of_withdrawals
from app.law.line import Place, Signature
from app.law.petition import Petition, SectionDates, Terms
from app.law.reasons import VALID, Outcome
from app.law.review import PersonFinding
from app.law.ruleset import Ruleset
from app.law.withdrawals import REQUIREMENTS, Ruling, WithdrawalRequest
from app.roll.aliases import load_aliases
from app.roll.loading import activate_roll
from tests.http.county import COUNTY, voter
from tests.rulesets import CALIFORNIA

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
REQUEST = WithdrawalRequest(
    date(2022, 7, 1), received_by="paper", has=REQUIREMENTS, written=("A NAME", "1 A STREET", "", "")
)
CLERK = Principal(COUNTY, "clerk-1", "clerk")
SUPERVISOR = Principal(COUNTY, "supervisor-1", "supervisor")


async def a_petition(database: Database, ruleset: Ruleset = CALIFORNIA) -> Petition:
    """An open petition without lines."""
    terms = Terms(
        county_id=COUNTY,
        title="Recall of the assessor",
        officer="The assessor",
        required=100,
        registered_voters=None,
        circulation_from=date(2022, 1, 27),
        circulation_to=date(2022, 7, 6),
        filed_on=date(2022, 7, 6),
        ruleset_name=ruleset.name,
    )
    return await Count(database).open_petition(terms, opened_by="clerk-1", now=NOW)


def signature(number: int, place: Place, unit: str = "") -> Signature:
    """The voter's signature at a place; another unit is another writing of the same voter (EC 105(a)(2))."""
    text = voter(number)
    writing = Signature(text["printed_name"], f"{text['residence_address']}{unit}", text["city"], text["zip"])
    return writing.at(place)


@dataclass(frozen=True)
class Acts:
    """The verbs on the lines of one petition. What the service refuses is an outcome like any other."""

    database: Database
    petition: Petition
    refused: list[RecallError] = field(default_factory=list)

    @property
    def count(self) -> Count:
        """The count of a process of its own."""
        return Count(self.database)

    async def submit(self, *lines: Signature, key: str | None = None, station: str = "station-1") -> Answer:
        """Hand lines in."""
        submission = Submission(
            station,
            lines,
            key,
            sha256(b"".join(str(line.place).encode() + line.sha256 for line in lines)).digest(),
        )
        return await GroupCommit(self.count, lambda: NOW).take_in(self.petition, submission)

    async def find(self, place: Place, word: PersonFinding, who: Principal = CLERK) -> None:
        """Put a person's word on record."""
        await self.find_all({place: word}, who)

    async def find_all(self, words: Mapping[Place, PersonFinding], who: Principal = CLERK) -> None:
        """Put a person's words on several lines on record."""

        async def act(change: Change) -> None:
            decided = await actions.decide_by_person(change, words, who=who)
            self.refused.extend(result for result in decided.values() if isinstance(result, RecallError))

        await self._once(act)

    async def reject(self, place: Place) -> None:
        """A clerk cannot read it."""
        await self.find(place, PersonFinding(Outcome("invalid", "illegible"), None, "smeared"))

    async def reinstate(self, place: Place, voter_id: str = "V1") -> None:
        """A supervisor can."""
        await self.find(place, PersonFinding(VALID, voter_id, "legible"), SUPERVISOR)

    async def withdraw(self, voter_id: str = "V1") -> None:
        """The voter's withdrawal is recorded."""
        request = REQUEST._replace(voter_id=voter_id, signature_agrees=True)
        await self._once(lambda change: withdrawals.receive(change, request, by="clerk-1", note=""))

    async def request(self) -> None:
        """A request of a person who is not known yet is recorded."""
        await self._once(lambda change: withdrawals.receive(change, REQUEST, by="clerk-1", note=""))

    async def accept(self, voter_id: str = "V1", *, at: int = 0) -> None:
        """One of the requests is found to be this voter's."""
        async with self.database.reading() as connection:
            found = await page_of_withdrawals(connection, self.petition.key, after=None, limit=9)
        number, said = found[at].withdrawal_id, Ruling("accepted")
        by: dict[str, Any] = {"voter_id": voter_id, "by": "clerk-2", "note": ""}
        await self._once(lambda change: withdrawals.decide_request(change, number, said, **by))

    async def revoke(self, voter_id: str = "V1") -> None:
        """The voter's withdrawal is taken back."""

        async def act(change: Change) -> None:
            holding = await find_withdrawal(change.connection, IN_FORCE, *self.petition.key, voter_id)
            if holding:
                found = holding.withdrawal_id
                await withdrawals.revoke_withdrawal(change, found, by="supervisor-1", note="typed wrong")

        await self._once(act)

    async def correct(self, revised: Signature) -> None:
        """A clerk corrects what was read."""
        await self._once(lambda change: actions.revise(change, revised, by="clerk-1", note=""))

    async def declare(self, section: int, signed_from: date | None, signed_to: date | None) -> None:
        """A section's dates are entered."""
        dates = SectionDates(signed_from, signed_to)
        await self._once(lambda change: sections.declare_section(change, section, dates, by="clerk-1"))

    async def find_defect(self, section: int) -> None:
        """A clerk finds a section defective, which the ruleset has one person do."""
        await self._once(
            lambda change: defects.find_defect(change, section, ["signature_missing"], by="clerk-1", note="")
        )

    async def end_defect(self, section: int) -> None:
        """A supervisor takes it back."""
        await self._once(
            lambda change: defects.take_defect_back(change, section, by="supervisor-1", note="there is another page")
        )

    async def load_aliases(self, text: str) -> None:
        """Other names are loaded, and what they read otherwise is asked again."""
        await load_aliases(self.database, self.petition.county_id, text.encode(), by="admin-1", now=NOW)
        await actions.reexamine(self.count, self.petition.county_id, now=NOW)

    async def use_roll(self, roll_version: int) -> None:
        """A roll version is put into use, and what another one did not know is asked again."""
        county_id = self.petition.county_id
        async with self.database.intake() as connection:
            await activate_roll(connection, (county_id, roll_version), allow_older=True)
        await actions.reexamine(self.count, county_id, now=NOW)

    async def _once(self, act: Callable[[Change], Awaitable[object]]) -> None:
        try:
            await self.count.attempt(self.petition, act, now=NOW)
        except RecallError as error:
            self.refused.append(error)
