"""A county's roll for the matcher's tests: its words as of 100,000 registrations, and a few of the registrations."""

import json
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any

from app.law.district import district_codes
from app.law.line import Signature
from app.law.petition import SigningInterval
from app.law.registration import Registration
from app.matching.confidential import NO_NAMES, ConfidentialName, ConfidentialNames
from app.matching.decision import Decision, decide
from app.matching.frequencies import TermFrequencies, Words, variants
from app.matching.model import default_model
from app.matching.parsing import ParsedLine, parse_line
from app.matching.scoring import Household, Scorer
from app.matching.search import Search, registered_words, written_words

INTERVAL = SigningInterval(date(2022, 1, 27), date(2022, 7, 6), date(2022, 7, 6))
Counts = Mapping[str, Mapping[str, int]]
_COUNTS: Counts = {
    "surname": {"GARCIA": 2500, "LOPEZ": 1900, "SMITH": 800, "OBRIEN": 40, "DELACRUZ": 150, "TANG": 60},
    "given": {
        "MARIA": 1500, "JOSE": 1300, "ROBERT": 900, "ELIZABETH": 500, "MICHAEL": 1200, "MICHELE": 90, "LIZ": 5,
        "BOB": 5, "ANNA": 400, "PATRICK": 200, "ALVARO": 30, "QIU": 8,
    },
    "middle": {"ANNE": 300, "LUISA": 80},
    "street": {"SUNSET": 400, "STJOHN": 60, "71": 50, "17": 40, "MOUNTOLIVE": 30, "MAIN": 900},
    "zip": {"90026": 9000, "90042": 8000},
}  # fmt: skip
_REGISTRATIONS = 100_000


def loaded_terms(
    line: ParsedLine,
    *registrations: Registration | ConfidentialName,
    counts: Counts = _COUNTS,
    districts: Collection[str] = (),
    confidential: ConfidentialNames = NO_NAMES,
) -> TermFrequencies:
    """The roll's terms, as far as a search for the line and a comparison with these registrations need them."""
    terms = TermFrequencies(_REGISTRATIONS, ["LOS ANGELES"], confidential, districts)
    for needed in (written_words([line]), registered_words(registrations)):
        terms.add_counts(needed, _counted(needed, counts))
    search = Search(line, terms)
    terms.add_counts(search.counted, _counted(search.counted, counts))
    add_corrections(terms, search.corrected, counts)
    return terms


def _counted(needed: Words, counts: Counts) -> list[tuple[str, str, int]]:
    return [(kind, word, counts.get(kind, {}).get(word, 0)) for kind, words in needed.items() for word in words]


def add_corrections(terms: TermFrequencies, needed: Words, counts: Counts) -> None:
    """Load the spelling corrections of the words from these counts."""
    similar = [
        (kind, word, known, registrations)
        for kind, words in needed.items()
        for word in words
        for known, registrations in counts[kind].items()
        if variants(word) & variants(known)
    ]
    terms.add_corrections(needed, similar)


MARIA = Registration(
    registration_no=1, voter_id="V1", last_name="GARCIA-LOPEZ", first_name="MARIA", middle_name="LUISA", suffix="",
    birth_date=date(1980, 2, 3), house_number="1234", house_fraction="1/2", pre_direction="W", street_name="SUNSET",
    street_type="BLVD", post_direction="", unit_type="APT", unit_number="5", city="LOS ANGELES", zip="90026",
    status="active", status_reason="", affidavit_signed=date(2010, 1, 1), affidavit_received=date(2010, 1, 2),
    effective_to=None, confidential=False,
)  # fmt: skip


def a_voter(number: int, **facts: object) -> Registration:
    """Another voter, in a house of her own unless told otherwise."""
    base = MARIA._replace(
        registration_no=number, voter_id=f"V{number}", birth_date=date(1960, 1, 1) + timedelta(days=number),
        house_number=f"{number}00", house_fraction="", pre_direction="", street_name="MAIN", street_type="ST",
        unit_type="", unit_number="", middle_name="",
    )  # fmt: skip
    return base._replace(**facts)  # type: ignore[arg-type]  # the names of fields, given by the test


ROBERT = a_voter(2, last_name="SMITH", first_name="ROBERT")
ELIZABETH = a_voter(3, last_name="O'BRIEN", first_name="ELIZABETH", middle_name="ANNE")


def a_line(name: str, address: str, city: str = "LOS ANGELES", zip_code: str = "90026", **facts: bool) -> Signature:
    """What is written on a line."""
    return Signature(name, address, city, zip_code, **facts)  # type: ignore[arg-type]  # only `signed` is given so


def evidence_of(decision: Decision) -> dict[str, Any]:
    """The evidence of a decision, as it is stored."""
    evidence: dict[str, Any] = json.loads(decision.evidence_json)
    return evidence


def decided(
    line: Signature,
    *registrations: Registration,
    interval: SigningInterval = INTERVAL,
    household: Household | None = None,
    district: str | None = None,
) -> Decision:
    """The decision on a line where the search finds these registrations; all of them neighbours, unless told."""
    read = parse_line(line)
    known = {code for r in registrations for code in district_codes(r.districts or "")}
    terms = loaded_terms(read, *registrations, districts=known)
    scorer = Scorer(read, interval, terms, default_model(), district)
    neighbours = Household(len(registrations), {r.unit_number: 1 for r in registrations})
    scorer.set_household(household or neighbours)
    decision = decide(scorer, registrations, by_name=True)
    assert decision
    return decision
