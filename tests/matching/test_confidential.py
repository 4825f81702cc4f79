"""Which names are held for the officer of confidential voters: whatever the address, and in whatever form."""

from collections.abc import Iterable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.law.reasons import Outcome
from app.law.registration import Registration
from app.matching.confidential import ConfidentialName, ConfidentialNames
from app.matching.decision import Decision, decide
from app.matching.model import default_model
from app.matching.names import ParsedName, given_words, parse_name, surname_parts
from app.matching.parsing import parse_line
from app.matching.scoring import Household, Scorer
from tests.matching.roll_of_three import ELIZABETH, INTERVAL, ROBERT, a_line, evidence_of, loaded_terms

PENELOPE = ConfidentialName(7, "ZELLWEGER-KOWALCZYK", "PENELOPE", "XANTHIPPE", "", "5f0c")
WILLIAM = ConfidentialName(8, "DE LA CRUZ", "WILLIAM", "", "", "a31b")
NAMES = ConfidentialNames([PENELOPE, WILLIAM], once=["V7", "V8", "V2"])
FAR = "9 Nowhere Ct"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def held(text: str, names: ConfidentialNames = NAMES) -> list[int]:
    """The confidential registrations whose name may be this one."""
    line = parse_line(a_line(text, FAR))
    terms = loaded_terms(line, *names.all, confidential=names)
    return Scorer(line, INTERVAL, terms, default_model()).confidential_names_like()


def decided(name: str, address: str, *found: Registration, names: ConfidentialNames = NAMES) -> Decision:
    line = parse_line(a_line(name, address))
    terms = loaded_terms(line, *found, *names.all, confidential=names)
    scorer = Scorer(line, INTERVAL, terms, default_model())
    scorer.set_household(Household(len(found), {}))
    decision = decide(scorer, found, by_name=True)
    assert decision
    return decision


@pytest.mark.parametrize(
    "text",
    [
        "Penelope Zellweger-Kowalczyk", "ZELLWEGER-KOWALCZYK, PENELOPE X.", "Penelope Zellweger", "P. Kowalczyk",
        "Penny Zellweger", "Kowalczyk Penelope", "Xanthippe Zellweger", "P Z", "Zellweger", "Penelope", "Penelope Z",
        "Pennelope Zelweger", "PEN3LOPE KOWALZCYK",
    ],
)  # fmt: skip
def test_a_confidential_name_is_held_in_each_of_its_forms(text: str) -> None:
    assert held(text) == [7]


@pytest.mark.parametrize(
    "text", ["Bill de la Cruz", "William Cruz", "Cruz, W.", "Wiliam Delacruz", "Will Cruz", "VILL CRUZ", "Bxll Cruz"]
)
def test_short_forms_and_particles_are_held(text: str) -> None:
    assert held(text) == [8]


@pytest.mark.parametrize("text", ["Robert Smith", "Penelope Smith", "Robert Zellweger", "Elizabeth O'Brien", ""])
def test_another_name_is_not_held(text: str) -> None:
    assert held(text) == []


def slipped(draw: st.DrawFn, word: str) -> str:
    """The word with one slip of the pen behind its first letter."""
    at, letter = draw(st.integers(1, len(word) - 1)), draw(st.sampled_from(LETTERS))
    left, right = word[:at], word[at:]
    slips = (left + right[1:], left + letter + right, left + letter + right[1:], left + right[1::-1] + right[2:])
    return draw(st.sampled_from(slips))


@given(st.data(), st.text(LETTERS, min_size=3, max_size=12), st.text(LETTERS, min_size=3, max_size=12))
def test_a_name_with_a_slip_in_each_word_is_compared_in_either_order(
    data: st.DataObject, first: str, last: str
) -> None:
    assume((given_words(first), surname_parts(last)) == ((first,), (last,)))
    names = ConfidentialNames([ConfidentialName(1, last, first, "", "", "x")])
    forename, surname = (data.draw(st.composite(slipped)(word)) for word in (first, last))
    plain, swapped = ParsedName((forename,), (surname,)), ParsedName((surname,), (forename,), "swapped")
    assert names.like([plain]) == names.like([swapped, plain]) == list(names.all)


@given(st.permutations([PENELOPE, WILLIAM]), st.sampled_from(["Penelope Zellweger", "W Cruz", "Robert Smith"]))
def test_the_order_of_the_roll_plays_no_part(rows: Iterable[ConfidentialName], text: str) -> None:
    assert held(text, ConfidentialNames(rows)) == held(text)


numbers, streets = st.integers(1, 99_999), st.sampled_from(["Main St", "Sunset Blvd", "Nowhere Ct", "71st St"])


@given(numbers, streets, st.sampled_from(["Penelope Zellweger", "P Z", "Kowalczyk", "Robert Quartermaine"]))
def test_whether_a_name_is_held_does_not_depend_on_the_address(number: int, street: str, name: str) -> None:
    there, elsewhere = decided(name, f"{number} {street}"), decided(name, FAR)
    assert there.held == elsewhere.held == (name != "Robert Quartermaine")
    if there.held:
        assert (there.outcome, elsewhere.outcome) == (Outcome("review", "weak_match"),) * 2


def test_a_held_line_waits_for_a_person_as_other_lines_do() -> None:
    found = decided("Penelope Zellweger", FAR, ROBERT)
    assert (found.outcome.status, found.outcome.reason, found.held) == ("review", "weak_match", True)
    evidence = evidence_of(found)
    assert evidence["rules"] == [{"rule": "left to a person"}] or evidence["rules"] == [{"rule": "name not known"}]
    assert all(candidate["voter_id"] != "V7" for candidate in evidence["candidates"])


def test_some_names_are_left_to_a_person_that_are_no_confidential_voters_with_the_same_evidence() -> None:
    names = [f"Maria {a}{b}{c}mann" for a in "BDFGKLMNPRST" for b in "aeiou" for c in "bdfgklmnprst"]
    drawn = [name for name in names if NAMES.is_drawn(parse_name(name)[0])]
    assert 0.002 < len(drawn) / len(names) < 0.05
    one = decided(drawn[0], "100 Main St", ROBERT)
    assert (one.outcome.status, one.held) == ("review", False)
    assert {"rule": "left to a person"} in evidence_of(one)["rules"]
    assert not any(ConfidentialNames().is_drawn(parse_name(name)[0]) for name in drawn), "of no use without such voters"


def test_what_the_searched_roll_makes_valid_is_not_held() -> None:
    elizabeth = ConfidentialNames([ConfidentialName(9, "O'BRIEN", "ELIZABETH", "", "", "9")])
    found = decided("Elizabeth O'Brien", "300 Main St", ELIZABETH, names=elizabeth)
    assert (found.outcome.status, found.held) == ("valid", False)
    assert decided("Elizabeth O'Brien", FAR, names=elizabeth).held


def test_an_unsigned_line_and_one_without_an_address_fail_as_for_any_voter() -> None:
    assert decided("Penelope Zellweger", "").outcome.reason == "no_address"
    line = a_line("Penelope Zellweger", FAR, signed=False)
    terms = loaded_terms(parse_line(line), *NAMES.all, confidential=NAMES)
    found = decide(Scorer(parse_line(line), INTERVAL, terms, default_model()), [], by_name=True)
    assert found
    assert (found.outcome.reason, found.held) == ("no_signature", False)


def test_a_voter_who_once_was_confidential_is_counted_by_a_person_alone() -> None:
    found = decided("Robert Smith", "200 Main St", ROBERT)  # V2
    assert (found.outcome.status, found.held) == ("review", True)
    assert decided("Robert Smith", "200 Main St", ROBERT, names=ConfidentialNames()).outcome.status == "valid"
