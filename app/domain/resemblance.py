"""Which of the registrations that a wide search found are worth comparing with a line field by field."""

from rapidfuzz import fuzz

from app.domain.blocking import house_token
from app.domain.comparison import compare_house
from app.domain.line import ReadLine
from app.domain.names import given_words, surname_parts
from app.domain.scoring import NEAR_HOUSE, Scorer
from app.domain.voter import Registration

# How alike two names are, of 100: what 999 of 1,000 signers reach and one of twenty other people; and what nearly all
# signers reach, nicknames and damage included, and one of two hundred others.
ALIKE = 45
ALIKE_AWAY = 60


def written_name(line: ReadLine) -> str:
    """Return the words of the name in their likeliest order, for a quick comparison of whole names."""
    if not line.name.readings:
        return ""
    reading = line.name.readings[0]
    return " ".join((*reading.surname, *reading.given))


class Resemblance:
    """Tells a line's own people, at the same address or of a like name, from those who were found by chance."""

    def __init__(self, scorer: Scorer) -> None:
        """Take the line with what is known of it."""
        line = scorer.line
        self._scorer = scorer
        self._written = written_name(line)
        self._surnames = frozenset(part for r in line.name.readings for part in r.surname if len(part) > 1)
        self._givens = frozenset(word for r in line.name.readings for word in r.given if len(word) > 1)
        self._houses = [address.house for address in line.addresses]

    def of(self, r: Registration) -> bool:
        """Whether the registration is worth comparing."""
        if r.registration_no in self._scorer.elsewhere:
            return True
        surname, given = surname_parts(r.last_name), given_words(r.first_name)
        if not self._surnames.isdisjoint(surname) and not self._givens.isdisjoint(given):
            return True
        registered = " ".join((*surname, *given, *given_words(r.middle_name)))
        ratio = fuzz.token_set_ratio(self._written, registered, score_cutoff=ALIKE)
        if ratio >= ALIKE_AWAY:
            return True
        house = house_token(r.house_number)
        if all(compare_house(written, house) not in NEAR_HOUSE for written in self._houses):
            return False
        address = self._scorer.address_of(r)
        return address.here or (ratio > 0 and address.near)
