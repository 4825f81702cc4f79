"""The keys under which registrations are found, and the searches that ask for them."""

from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from app.law.line import Signature
from app.law.registration import Registration
from app.matching.blocking import FINE, FINE_BITS, KEY_COLUMNS, count_terms, registration_keys
from app.matching.comparison import compare_house
from app.matching.frequencies import TermFrequencies
from app.matching.parsing import parse_line
from app.matching.search import (
    BlockingQuery,
    Matches,
    Search,
    household_keys,
    near_houses,
)
from tests.matching.roll_of_three import ELIZABETH, MARIA, ROBERT, a_line, add_corrections, decided, loaded_terms

PUBLISHED_ROBERT = 7723906138264827015  # changes only together with KEYS_VERSION


def keys_of(registration: Registration) -> dict[str, int]:
    """The keys of a registration by their column, without those whose parts are unknown."""
    keys = zip(KEY_COLUMNS, registration_keys(registration)[: len(KEY_COLUMNS)], strict=True)
    return {column: key for column, key in keys if key is not None}


def columns_found(line: Signature, registration: Registration) -> set[str]:
    """The key columns in which the searches for a line meet a registration."""
    read, keys = parse_line(line), keys_of(registration)
    search = Search(read, loaded_terms(read))
    wide = search.wide()
    found = {
        query.column
        for query in [search.at_address(), *wide.ranges]
        for low in query.keys
        if query.column in keys and low <= keys[query.column] <= low | FINE
    }
    single = {query.column for query in wide.keys if keys.get(query.column) in query.keys}
    return found | single


def test_a_registration_has_a_key_for_each_column() -> None:
    assert list(keys_of(MARIA)) == list(KEY_COLUMNS)
    assert all(0 < key < 2**63 for key in keys_of(MARIA).values())


def test_a_single_surname_leaves_the_second_keys_empty() -> None:
    assert set(KEY_COLUMNS) - keys_of(ROBERT).keys() == {
        "key_house_surname2",
        "key_given_surname2",
        "key_surname2_street",
    }


def test_an_unknown_part_leaves_its_keys_empty() -> None:
    hidden = ROBERT._replace(house_number="", street_name="")
    assert list(keys_of(hidden)) == ["key_given_surname"]


def test_the_house_number_stands_beside_the_keys() -> None:
    assert registration_keys(ROBERT)[-1] == 200
    assert registration_keys(ROBERT._replace(house_number="GATE"))[-1] == 0


def test_the_keys_are_the_same_on_every_machine() -> None:
    assert registration_keys(ROBERT)[0] == PUBLISHED_ROBERT


def test_who_sounds_alike_shares_all_keys_but_the_spelling() -> None:
    one, other = (keys_of(ROBERT._replace(last_name=name)) for name in ("DIAZ", "DYAZ"))
    assert {column for column, key in one.items() if key != other[column]} == {"key_given_surname"}
    assert one["key_given_surname"] >> FINE_BITS == other["key_given_surname"] >> FINE_BITS


def test_the_words_of_a_registration_go_into_the_dictionary() -> None:
    counts = Counter[tuple[str, str]]()
    count_terms([MARIA, MARIA, ROBERT], counts)
    assert counts == {
        ("surname", "GARCIA"): 2, ("surname", "LOPEZ"): 2, ("surname", "SMITH"): 1, ("given", "MARIA"): 2,
        ("given", "ROBERT"): 1, ("middle", "LUISA"): 2, ("street", "SUNSET"): 2, ("street", "MAIN"): 1,
        ("zip", "90026"): 3, ("city", "LOS ANGELES"): 3,
    }  # fmt: skip


def test_an_undamaged_line_meets_its_registration_in_every_column() -> None:
    assert columns_found(a_line("Maria Garcia-Lopez", "1234 Sunset"), MARIA) == set(KEY_COLUMNS)


def test_the_household_is_asked_for_by_its_surname() -> None:
    read = parse_line(a_line("Robert Smith", "200 Main St"))
    assert registration_keys(ROBERT)[0] in household_keys(read)


def test_a_line_with_one_part_lost_still_meets_its_registration() -> None:
    for name, address in (
        ("Robert Smith", "987 Main St"),
        ("Robert Smith", "200 Qqqq St"),
        ("Robert Qqqq", "200 Main St"),
        ("Qqqq Smith", "200 Main St"),
    ):
        assert columns_found(a_line(name, address), ROBERT)


def test_a_misspelling_is_corrected_by_the_countys_words() -> None:
    assert "key_given_surname" in columns_found(a_line("Rpbert Smitk", "9 Qqqq"), ROBERT)


def corrections(counts: Mapping[str, Mapping[str, int]], text: str) -> tuple[str, ...]:
    (kind,) = counts
    terms = TermFrequencies(1000, [])
    add_corrections(terms, {kind: {text}}, counts)
    return terms.spelling_corrections(kind, text)


def test_corrections_are_known_words_within_one_slip_and_the_frequent_first() -> None:
    given_names = {"given": {"MARIA": 90, "MARIO": 20, "MARTA": 30, "ROBERT": 50}}
    assert corrections(given_names, "MARIX") == ("MARIA", "MARIO")
    assert corrections(given_names, "RBOERT") == ("ROBERT",)
    assert corrections(given_names, "ROBERTS") == ("ROBERT",)
    assert corrections(given_names, "XX") == ()


@given(st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=4, max_size=12), st.integers(0, 11))
def test_every_letter_left_out_is_found_again(word: str, at: int) -> None:
    damaged = word[: at % len(word)] + word[at % len(word) + 1 :]
    if len(damaged) > 2 and damaged != word:
        assert corrections({"surname": {word: 5}}, damaged) == (word,)


def test_a_term_that_was_not_loaded_is_an_error_and_not_a_rare_one() -> None:
    with pytest.raises(KeyError):
        TermFrequencies(1000, []).idf("surname", "SMITH")


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=20), st.text(max_size=10))
def test_whatever_is_written_needs_no_term_that_was_not_loaded(name: str, address: str, city: str, code: str) -> None:
    assert decided(Signature(name, address, city, code), MARIA, ROBERT, ELIZABETH).outcome.status


def a_search() -> Search:
    read = parse_line(a_line("Robert Smith", "200 Main St"))
    return Search(read, loaded_terms(read))


def a_few(query: BlockingQuery) -> Matches:
    return Matches(0, query, 0, [1, 2], [7, 8], [100, 900])


def many(query: BlockingQuery) -> Matches:
    houses = [200, 201, *range(3900, 3918)]
    return Matches(0, query, 0, list(range(20)), [7] * 10 + [8] * 10, houses)


def test_of_a_house_number_with_many_of_a_surname_those_of_the_given_name_are_read() -> None:
    query = BlockingQuery("key_house_surname", [0], frozenset([8]))
    search = a_search()
    assert search.worth_reading(a_few(query)) == [1, 2]
    assert search.worth_reading(many(query)) == list(range(10, 20))


def test_in_a_street_those_of_the_given_name_are_read_and_those_one_digit_off_of_a_surname_two() -> None:
    search = a_search()
    query = BlockingQuery("key_surname_street", [0], frozenset([8]))
    assert search.worth_reading(many(query)) == [0, 1, 2, *range(10, 20)]
    assert search.worth_reading(many(BlockingQuery("key_given_street", [0]))) == [0, 1]


def test_the_range_of_a_key_takes_twenty_bits() -> None:
    assert FINE == 2**20 - 1
    low = 5 << FINE_BITS
    query = BlockingQuery("key_given_surname", [low], frozenset([4, 3]))
    assert query.narrowed(low) == BlockingQuery("key_given_surname", [low | 3, low | 4])


@given(st.integers(1, 99_999), st.integers(1, 99_999))
def test_near_houses_are_those_one_slip_away(one: int, other: int) -> None:
    level, near = compare_house(str(one), str(other)), other in near_houses((str(one),))
    assert near or level not in {"same", "near"}
    assert not near or OSA.distance(str(one), str(other)) <= 2  # a digit less may leave zeros in front: 201 and 1


@given(st.integers(1, 9_999), st.integers(0, 3), st.integers(0, 9))
def test_a_house_number_with_another_digit_is_near(house: int, at: int, digit: int) -> None:
    text = str(house)
    at %= len(text)
    changed = f"{text[:at]}{digit}{text[at + 1 :]}"
    assert int(changed) in near_houses((text,))


def test_a_given_name_in_a_street_is_asked_for_within_a_zip_of_the_county_alone() -> None:
    def asked(zip_code: str, name: str = "Maria Smith") -> tuple[int, int]:
        read = parse_line(a_line(name, "200 Main St", zip_code=zip_code))
        wide = Search(read, loaded_terms(read)).wide()
        ranges, keys = (sum(query.column == "key_given_street" for query in queries) for queries in wide)
        return ranges, keys

    (ranges, keys), misread = asked("90026"), asked("40026")
    assert (ranges, misread) == (0, (1, 0))
    assert asked("90026", "Robert Smxth") == (1, 0)  # nothing but given name and street is left to go by
    assert asked("90026", "Qiu Smith") == (1, 0)  # few have the name
    assert keys >= 1
