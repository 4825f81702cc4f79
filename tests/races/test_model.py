"""Whatever is done in whatever order: the rows say what a plain model says, which counts everything anew each time."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.access.principals import Principal
from app.count.queries import LINE_COLUMNS, line_of
from app.database.pools import Database
from app.errors import RecallError
from app.law.line import Finding, Line, Place, line_after, restated
from app.law.reasons import VALID, Outcome
from app.law.review import Grounds, PersonFinding, judge, judge_again
from app.law.ruleset import Ruleset
from app.law.signatures import SignatureComparison
from tests import recount
from tests.http.county import COUNTY
from tests.races.acts import Acts, a_petition, signature
from tests.rulesets import CALIFORNIA, CALIFORNIA_DUPLICATES

PEOPLE = [Principal(COUNTY, "clerk-1", "clerk"), Principal(COUNTY, "clerk-2", "clerk")]
PEOPLE += [Principal(COUNTY, "clerk-3", "clerk"), Principal(COUNTY, "supervisor-1", "supervisor")]
WORDS = [
    PersonFinding(VALID),
    PersonFinding(VALID, looked_at="both"),
    PersonFinding(VALID, "V2", "the other one"),
    PersonFinding(VALID, None, "after all"),
    PersonFinding(Outcome("invalid", "illegible")),
    PersonFinding(Outcome("invalid", "illegible"), None, "smeared"),
    PersonFinding(Outcome("invalid", "different_address"), None, "moved"),
    PersonFinding(Outcome("invalid", "signature_mismatch"), None, "another hand"),
    PersonFinding(
        Outcome("invalid", "signature_mismatch"), comparison=SignatureComparison(("affidavit",), ("slant", "strokes"))
    ),
    PersonFinding(Outcome("review")),
    PersonFinding(Outcome("review"), None, "wrong"),
]
DATES = [(None, None), (date(2022, 3, 1), date(2022, 3, 9)), (date(2022, 5, 9), date(2022, 5, 1))]

places = st.builds(Place, st.integers(1, 2), st.integers(1, 1), st.integers(1, 4))
numbers = st.integers(1, 3)
lines = st.tuples(places, numbers, st.sampled_from(["", " APT 5"]))
operations = st.one_of(
    st.tuples(st.just("submit"), st.lists(lines, min_size=1, max_size=5), st.sampled_from([None, "k1", "k2"])),
    st.tuples(st.just("find"), places, st.sampled_from(WORDS), st.sampled_from(PEOPLE)),
    st.tuples(st.just("withdraw"), numbers),
    st.tuples(st.just("revoke"), numbers),
    st.tuples(st.just("correct"), lines),
    st.tuples(st.just("declare"), st.integers(1, 2), st.sampled_from(DATES)),
)


@dataclass
class Model:
    """What every line is by itself, and from that, counted anew: where every line stands."""

    ruleset: Ruleset = CALIFORNIA
    lines: dict[Place, Line] = field(default_factory=dict)
    voters: dict[Place, int] = field(default_factory=dict)  # whose name stands there now
    writings: dict[Place, set[bytes]] = field(default_factory=dict)
    last: dict[Place, bytes] = field(default_factory=dict)
    grounds: dict[Place, Grounds] = field(default_factory=dict)  # what the data last found there
    withdrawn: set[str] = field(default_factory=set)
    dates: dict[int, tuple[date | None, date | None]] = field(default_factory=dict)
    keys: dict[str, tuple[Any, list[object]]] = field(default_factory=dict)

    def examined(self, place: Place) -> Finding:
        """What the data say of a line: its voter's, unless its section's dates give no interval."""
        start, end = self.dates.get(place.section, DATES[1])
        if start is None or end is None or start > end:
            return Finding(place, Outcome("review", "section_dates"))
        self.grounds[place] = Grounds(f"V{self.voters[place]}")
        return Finding(place, VALID, f"V{self.voters[place]}")

    def put(self, finding: Finding) -> None:
        """What is found of a line now."""
        self.lines[finding.place] = line_after(finding, None, self.ruleset)

    def settle(self) -> None:
        """Say of every eligible line whether it is the one that counts."""
        best: dict[str | None, Place] = {}
        for place, line in sorted(self.lines.items()):
            if line.outcome.eligible:
                best.setdefault(line.voter_id, place)
        for place, line in self.lines.items():
            if line.outcome.eligible:
                first = VALID if best[line.voter_id] == place else Outcome("invalid", "duplicate")
                by_slot = Outcome("invalid", "withdrawn") if line.voter_id in self.withdrawn else first
                self.lines[place] = line_after(restated(line), by_slot, self.ruleset)

    def submit(self, batch: list[tuple[Place, int, str]], key: str | None) -> list[object]:
        """The kinds of results: a place is taken once, and repeated as often as one likes."""
        if key in self.keys:
            same, answer = self.keys[key or ""]
            return answer if same == batch else [RecallError]
        results: list[object] = []
        for place, number, unit in batch:
            sha = signature(number, place, unit).sha256
            if place not in self.writings:
                self.writings[place], self.voters[place], self.last[place] = {sha}, number, sha
                self.put(self.examined(place))
            results.append(sha in self.writings[place])
        if key:
            self.keys[key] = (batch, results)
        return results

    def find(self, place: Place, word: PersonFinding, who: Principal) -> None:
        """A person's word, as the rules judge it."""
        if place not in self.lines:
            return
        try:
            judged = judge(self.lines[place], word, who, self.ruleset, self.grounds.get(place, Grounds()))
        except RecallError:
            return
        if judged:
            self.put(judged)

    def again(self, place: Place, cause: Any) -> None:  # noqa: ANN401  # a cause of review
        """A line is examined again."""
        self.put(judge_again(self.lines[place], self.examined(place), cause))

    def correct(self, place: Place, number: int, unit: str) -> None:
        """Other writing stands there now."""
        sha = signature(number, place, unit).sha256
        if place in self.lines and self.last[place] != sha:
            self.last[place], self.voters[place] = sha, number
            self.writings[place].add(sha)
            self.again(place, "new_writing")

    def declare(self, section: int, dates: tuple[date | None, date | None]) -> None:
        """The interval of a section's lines moves."""

        def interval(declared: Any) -> object:  # noqa: ANN401  # dates or None
            start, end = declared or (date(2022, 1, 27), date(2022, 7, 6))
            return (start, end) if start and end and start <= end else None

        moved = interval(self.dates.get(section)) != interval(dates)
        self.dates[section] = dates
        for place in self.lines if moved else ():
            if place.section == section:
                self.again(place, "new_dates")


async def do(acts: Acts, model: Model, operation: tuple[Any, ...]) -> None:
    """One operation, in the service and in the model."""
    match operation:
        case ("submit", batch, key):
            outcome = await acts.submit(*(signature(n, place, unit) for place, n, unit in batch), key=key)
            kinds = [RecallError] if isinstance(outcome, Exception) else [result is not None for result in outcome[0]]
            assert kinds == model.submit(batch, key)
        case ("find", place, word, who):
            await acts.find(place, word, who)
            model.find(place, word, who)
        case ("withdraw", number):
            await acts.withdraw(f"V{number}")
            model.withdrawn.add(f"V{number}")
        case ("revoke", number):
            await acts.revoke(f"V{number}")
            model.withdrawn.discard(f"V{number}")
        case ("correct", (place, number, unit)):
            await acts.correct(signature(number, place, unit))
            model.correct(place, number, unit)
        case ("declare", section, dates):
            await acts.declare(section, *dates)
            model.declare(section, dates)
    model.settle()


async def rows(watching: asyncpg.Connection, acts: Acts) -> dict[Place, tuple[object, ...]]:
    """Where the lines stand, by the rows."""
    query = f"SELECT {LINE_COLUMNS} FROM line WHERE petition_id = $1"  # noqa: S608  # a literal of ours
    found = [line_of(row) for row in await watching.fetch(query, acts.petition.petition_id)]
    return {line.place: standing(line) for line in found}


def standing(line: Line) -> tuple[object, ...]:
    """What the model knows of a line."""
    people = line.confirmed_by, line.mismatch_by
    return line.outcome, line.voter_id, line.settled, *people, line.against_data, line.uncompared


@given(st.lists(operations, min_size=5, max_size=30), st.sampled_from([CALIFORNIA, CALIFORNIA_DUPLICATES]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_service_counts_as_the_model_does(
    racing: Database, watching: asyncpg.Connection, done: list[tuple[Any, ...]], ruleset: Ruleset
) -> None:
    acts, model = Acts(racing, await a_petition(racing, ruleset)), Model(ruleset)
    for operation in done:
        await do(acts, model, operation)
        expected = {place: standing(line) for place, line in model.lines.items()}
        assert await rows(watching, acts) == expected
    await recount.check(watching, acts.petition.petition_id)


@given(st.permutations([(Place(s, 1, n), n % 3 + 1, "") for s in (1, 2) for n in range(1, 5)]), st.integers(1, 8))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_order_of_arrival_and_its_batches_do_not_matter(
    racing: Database, watching: asyncpg.Connection, arrival: list[tuple[Place, int, str]], size: int
) -> None:
    acts = Acts(racing, await a_petition(racing))
    for at in range(0, len(arrival), size):
        await acts.submit(*(signature(n, place, unit) for place, n, unit in arrival[at : at + size]))
    counted = {place for place, (outcome, *_) in (await rows(watching, acts)).items() if outcome == VALID}
    assert counted == {Place(1, 1, 1), Place(1, 1, 2), Place(1, 1, 3)}
