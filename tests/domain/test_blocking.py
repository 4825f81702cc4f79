"""The keys under which registrations are found, and the searches that ask for them."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.blocking import FINE_BITS, KEY_COLUMNS, registration_keys, registration_tokens
from app.domain.line import read_line
from app.domain.search import address_probes, combined_probes, corrected_probes, household_keys, range_of
from app.domain.signature import Writing
from app.domain.voter import Registration
from app.domain.words import Words
from tests.domain.roll_of_three import MARIA, ROBERT, WORDS, a_line

PUBLISHED_ROBERT = 7723906138264827015  # changes only together with KEYS_VERSION


def columns_found(line: Writing, registration: Registration) -> set[str]:
    """The key columns in which the searches for a line meet a registration."""
    read, keys = read_line(line), registration_keys(registration)
    parts, combined = combined_probes(read)
    probes = [*address_probes(read, WORDS), *combined, *corrected_probes(read, WORDS, parts, combined)]
    found = set()
    for probe in probes:
        low, high = range_of(probe)
        own = keys[probe[0]]
        if own is not None and low <= own <= high:
            found.add(KEY_COLUMNS[probe[0]])
    return found


def test_a_registration_has_a_key_for_each_column() -> None:
    assert len(registration_keys(MARIA)) == len(KEY_COLUMNS)
    assert all(key is not None and 0 < key < 2**63 for key in registration_keys(MARIA))


def test_a_single_surname_leaves_the_second_keys_empty() -> None:
    empty = {column for column, key in zip(KEY_COLUMNS, registration_keys(ROBERT), strict=True) if key is None}
    assert empty == {"key_house_surname2", "key_given_surname2", "key_surname2_street"}


def test_an_unknown_part_leaves_its_keys_empty() -> None:
    hidden = ROBERT._replace(house_number="", street_name="")
    known = [c for c, key in zip(KEY_COLUMNS, registration_keys(hidden), strict=True) if key is not None]
    assert known == ["key_given_surname"]


def test_the_keys_are_the_same_on_every_machine() -> None:
    assert registration_keys(ROBERT)[0] == PUBLISHED_ROBERT


def test_sounds_share_the_wide_part_of_a_key() -> None:
    one, other = (registration_keys(ROBERT._replace(last_name=name)) for name in ("DIAZ", "DYAZ"))
    assert one == other


def test_the_words_of_a_registration_go_into_the_dictionary() -> None:
    assert registration_tokens(MARIA) == (
        ("surname", "GARCIA"), ("surname", "LOPEZ"), ("given", "MARIA"), ("middle", "LUISA"), ("street", "SUNSET"),
        ("zip", "90026"), ("city", "LOS ANGELES"),
    )  # fmt: skip


def test_an_undamaged_line_meets_its_registration_in_every_column() -> None:
    assert columns_found(a_line("Maria Garcia-Lopez", "1234 Sunset"), MARIA) == set(KEY_COLUMNS)


def test_the_household_is_asked_for_by_its_surname() -> None:
    read = read_line(a_line("Robert Smith", "200 Main St"))
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


def test_corrections_are_known_words_within_one_slip_and_the_frequent_first() -> None:
    words = Words(
        1000, [("given", "MARIA", 90), ("given", "MARIO", 20), ("given", "MARTA", 30), ("given", "ROBERT", 50)]
    )
    assert words.corrections("given", "MARIX") == ("MARIA", "MARIO")
    assert words.corrections("given", "RBOERT") == ("ROBERT",)
    assert words.corrections("given", "ROBERTS") == ("ROBERT",)
    assert words.corrections("given", "XX") == ()


@given(st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=4, max_size=12), st.integers(0, 11))
def test_every_letter_left_out_is_found_again(word: str, at: int) -> None:
    words = Words(1000, [("surname", word, 5)])
    damaged = word[: at % len(word)] + word[at % len(word) + 1 :]
    if len(damaged) > 2 and damaged != word:
        assert words.corrections("surname", damaged) == (word,)


def test_the_narrow_part_of_a_key_takes_twenty_bits() -> None:
    low, high = range_of((0, 5 << FINE_BITS, 3))
    assert high - low == 2**20 - 1
