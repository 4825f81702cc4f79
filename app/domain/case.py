"""A line with everything that was found for it: candidates scored, grouped by person, weighed against each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.domain.county import Verdict, where
from app.domain.line import Interval
from app.domain.resemblance import Resemblance
from app.domain.scoring import Scored, Scorer
from app.domain.stories import Person, Stories, group, tell
from app.domain.voter import Registration

SURE_GIVEN: Final = frozenset({"exact", "nickname", "typo", "middle", "second"})
SURE_SURNAME: Final = frozenset({"exact", "typo", "part", "longer"})


@dataclass(slots=True)
class Case:
    """A line, the people it may be, and how likely each story is."""

    scorer: Scorer
    interval: Interval
    scored: list[Scored]
    persons: list[Person]
    stories: Stories
    where: Verdict
    by_name: bool  # the whole roll was searched for the name, not only the household
    fired: list[str]  # rules that turned the decision, for the evidence


def examine(scorer: Scorer, candidates: Sequence[Registration], interval: Interval, *, by_name: bool) -> Case:
    """Return the line with the candidates that are worth comparing: all of those found at the address."""
    if by_name:
        resemblance = Resemblance(scorer)
        candidates = [registration for registration in candidates if resemblance.of(registration)]
    scored = [scorer.score(registration, interval) for registration in candidates]
    persons = group(scored)
    stories = tell(persons, scorer.words.registrations, scorer.model)
    return Case(scorer, interval, scored, persons, stories, where(scorer.line, scorer.words), by_name, [])


def sure_name(one: Scored) -> bool:
    """Whether the name is the written one, other forms of it and slips of the pen included."""
    return one.name.levels.given.level in SURE_GIVEN and one.name.levels.surname.level in SURE_SURNAME


def alias_doubts(case: Case, one: Scored) -> list[str]:
    """What speaks against a match that rests on an alias of the street: the written name is a street as well.

    Where somebody else of the surname is registered on that one, at this number, either street may be meant.
    """
    addresses = case.scorer.line.addresses
    if not addresses[one.address.at].alias:
        return []
    others = [person.scored for person in case.persons if all(scored is not one for scored in person.scored)]
    meant = any(_lives_as_written(case, other) for scored in others for other in scored)
    return ["street of both names"] if meant else []


def _lives_as_written(case: Case, one: Scored) -> bool:
    """Whether somebody of the surname is registered at the address without any alias."""
    written = one.address.here and not case.scorer.line.addresses[one.address.at].alias
    return written and one.standing == "registered" and one.name.levels.surname.level in SURE_SURNAME


def namesakes(case: Case) -> int:
    """Return how many voters bear the written name, wherever they live."""
    return sum(any(map(sure_name, person.scored)) for person in case.persons)
