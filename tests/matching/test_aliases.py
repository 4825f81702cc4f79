"""Other names of streets and cities: what they add to a line, and what they never take away."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import AliasesError
from app.examination.explanation import explanation
from app.law.line import Signature
from app.law.registration import Registration
from app.matching.decision import Decision, decide
from app.matching.model import default_model
from app.matching.parsing import (
    NO_ALIASES,
    Alias,
    Aliases,
    CountyMembership,
    ParsedLine,
    county_membership,
    parse_line,
    parsed_differently,
)
from app.matching.scoring import Household, Scorer
from app.roll.aliases import MOST_BYTES, read_aliases
from tests.matching.roll_of_three import (
    ELIZABETH,
    INTERVAL,
    MARIA,
    ROBERT,
    a_line,
    a_voter,
    decided,
    evidence_of,
    loaded_terms,
)

HEADER = "kind,alias,name\n"
ROWS = (
    Alias("street", "Brooklyn Ave", "W Sunset Blvd"),
    Alias("street", "Macy", "Main Street"),
    Alias("street", "N Old Rd", "17th St"),
    Alias("city", "Hollywood", "Los Angeles"),
    Alias("city", "Echo Park, CA", "Los Angeles"),
    Alias("city", "Enterprise", "Las Vegas"),  # which the roll does not have
)
TABLE = Aliases(3, ROWS)
NAME = "Maria L Garcia-Lopez"


def read(address: str, city: str = "Los Angeles", zip_code: str = "90026", table: Aliases = TABLE) -> ParsedLine:
    return table.applied_to(parse_line(a_line(NAME, address, city, zip_code)))


def found(line: Signature, *registrations: Registration, table: Aliases = TABLE) -> Decision:
    """The decision on a line read with a table, whoever the search finds."""
    scorer = a_scorer(line, *registrations, table=table)
    scorer.set_household(Household(len(registrations), {r.unit_number: 1 for r in registrations}))
    decision = decide(scorer, registrations, by_name=True)
    assert decision
    return decision


def a_scorer(line: Signature, *registrations: Registration, table: Aliases = TABLE) -> Scorer:
    read_with = table.applied_to(parse_line(line))
    return Scorer(read_with, INTERVAL, loaded_terms(read_with, *registrations), default_model())


def lies(line: ParsedLine) -> CountyMembership:
    return county_membership(line, loaded_terms(line))


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("1234 1/2 Brooklyn Ave Apt 5", id="the old name of a renamed street: 2 CCR 20931"),
        pytest.param("1234 Brooklyn Av. #5", id="the old name, abbreviated: 2 CCR 20931"),
        pytest.param("1234 Brooklyn", id="the old name without its type: 2 CCR 20931"),
        pytest.param("1234 W. Brooklyn Avenue", id="the old name with a direction that the alias lacks: 2 CCR 20931"),
        pytest.param("99 Elsewhere Rd; 1234 Brooklyn Ave", id="one of two addresses, by its old name: 2 CCR 20931"),
    ],
)
def test_a_voter_is_found_by_another_name_of_the_street(address: str) -> None:
    with_table, without = (found(a_line(NAME, address), MARIA, ROBERT, table=table) for table in (TABLE, NO_ALIASES))
    assert (with_table.outcome.status, with_table.voter_id) == ("valid", "V1")
    assert without.outcome.status != "valid"


@pytest.mark.parametrize("city", ["Hollywood", "HOLLYWOOD CA", "Holly wood"])
def test_a_neighbourhood_is_a_city_of_the_county(city: str) -> None:  # 2 CCR 20931
    florida = "33020"  # where there is a Hollywood, too
    assert lies(read("1234 Sunset", city, florida, NO_ALIASES)) == "out"
    assert lies(read("1234 Sunset", city, florida)) == "unclear"
    assert lies(read("1234 Sunset", city, "90026")) == "in"
    found_there = found(a_line(NAME, "1234 W Sunset Blvd Apt 5", city, florida), MARIA, ROBERT)
    assert (found_there.outcome.status, found_there.voter_id) == ("valid", "V1")
    without = found(a_line(NAME, "1234 W Sunset Blvd Apt 5", city, florida), MARIA, table=NO_ALIASES)
    assert without.outcome.status == "review"


@pytest.mark.parametrize("city", ["Echo Park", "echo park, calif."])
def test_a_neighbourhood_that_no_public_list_has_is_a_city_of_the_county(city: str) -> None:
    assert lies(read("1234 Sunset", city, "90026")) == "in"
    assert lies(read("1234 Sunset", city, "89101")) == "unclear"


def test_another_name_of_a_city_that_the_roll_does_not_have_says_nothing() -> None:
    assert lies(read("1234 Sunset", "Enterprise", "89101")) == "out"


def test_type_and_direction_narrow_an_alias_where_both_have_one() -> None:
    def aliases(address: str) -> list[str]:
        return [one.alias for one in read(address).addresses if one.alias]

    assert aliases("12 Brooklyn Ave") == aliases("12 Brooklyn") == ["Brooklyn Ave = W Sunset Blvd"]
    assert aliases("12 Brooklyn Pl") == []
    assert aliases("12 Macy St") == aliases("12 Macy Ave") == aliases("12 S Macy") == ["Macy = Main Street"]
    assert aliases("12 North Old Rd") == aliases("12 Old") == ["N Old Rd = 17th St"]
    assert aliases("12 S Old Rd") == []
    assert aliases("12 Sunset Blvd") == []


def test_the_street_is_as_named_and_what_the_name_leaves_out_is_as_written() -> None:
    named, kept = read("12 1/2 N Brooklyn Ave Apt 7").addresses[1], read("12 S Macy Ave").addresses[1]
    assert (named.house, named.fraction, named.unit, named.streets) == ("12", "1/2", "7", ("SUNSET",))
    assert (named.pre_direction, named.street_type) == ("W", "BLVD")
    assert (kept.pre_direction, kept.street_type, kept.streets) == ("S", "ST", ("MAIN",))


def test_another_type_of_the_new_name_is_no_difference_of_the_way() -> None:
    line = a_line(NAME, "1234 Brooklyn Ave Apt 5")
    assert evidence_of(found(line, MARIA, ROBERT))["candidates"][0]["fields"]["way"][1] == "same"


def test_an_alias_never_replaces_what_was_written() -> None:
    plain = parse_line(a_line(NAME, "1234 Brooklyn Ave", "Hollywood"))
    extended = TABLE.applied_to(plain)
    assert extended.addresses[: len(plain.addresses)] == plain.addresses
    assert (extended.city, extended.names, extended.suffix) == (plain.city, plain.names, plain.suffix)
    at_brooklyn = MARIA._replace(street_name="BROOKLYN", street_type="AVE", pre_direction="")
    assert found(a_line(NAME, "1234 Brooklyn Ave Apt 5"), at_brooklyn, ROBERT).voter_id == "V1"


def test_a_name_at_both_streets_of_an_alias_is_ambiguous() -> None:
    other = MARIA._replace(
        registration_no=4, voter_id="V4", street_name="BROOKLYN", street_type="AVE", pre_direction="",
        birth_date=None,
    )  # fmt: skip
    line = a_line(NAME, "1234 Brooklyn Ave Apt 5")
    assert (found(line, MARIA, other).outcome.status, found(line, MARIA, other).outcome.reason) == (
        "review",
        "ambiguous",
    )
    assert decide(a_scorer(line, MARIA, other), [MARIA, other], by_name=False) is None


def test_a_match_by_an_alias_is_doubted_where_the_surname_lives_on_the_written_street() -> None:
    relative = a_voter(
        4,
        last_name="GARCIA-LOPEZ",
        first_name="PATRICK",
        house_number="1234",
        street_name="BROOKLYN",
        street_type="AVE",
    )
    line = a_line(NAME, "1234 Brooklyn Ave Apt 5")
    doubted = found(line, MARIA, relative)
    assert (doubted.outcome.status, doubted.voter_id) == ("review", "V1")
    assert {"rule": "street of both names", "cites": "EC 105(a)(1)"} in evidence_of(doubted)["rules"]
    stranger = relative._replace(last_name="TANG")
    gone = relative._replace(status="canceled", effective_to=INTERVAL.start.replace(year=2010))
    for nobody in (stranger, gone):
        assert found(line, MARIA, nobody).outcome.status == "valid"


def test_a_match_as_written_is_not_doubted_for_who_lives_on_the_street_of_the_alias() -> None:
    relative = MARIA._replace(registration_no=4, voter_id="V4", first_name="PATRICK", middle_name="")
    here = MARIA._replace(street_name="BROOKLYN", street_type="AVE", pre_direction="")
    assert found(a_line(NAME, "1234 Brooklyn Ave Apt 5"), here, relative).outcome.status == "valid"


def test_an_interval_at_each_street_is_one_voter() -> None:
    before = MARIA._replace(registration_no=4, street_name="BROOKLYN", street_type="AVE", pre_direction="")
    both = found(a_line(NAME, "1234 Brooklyn Ave Apt 5"), before, MARIA)
    assert (both.outcome.status, both.voter_id) == ("valid", "V1")


def test_nobody_by_either_name_of_the_street_is_not_registered() -> None:
    line = a_line("Patrick Tang", "1234 Brooklyn Ave")
    unknown = found(line, table=NO_ALIASES)  # the street is none of the county's
    assert (unknown.outcome.status, unknown.outcome.reason) == ("invalid", "not_registered")
    assert (found(line).outcome.status, found(line).outcome.reason) == ("invalid", "not_registered")


def test_the_evidence_names_the_version_and_the_aliases() -> None:
    evidence = evidence_of(found(a_line(NAME, "1234 Brooklyn Ave Apt 5", "Hollywood"), MARIA, ROBERT))
    assert evidence["aliases"] == 3
    assert [one.get("alias") for one in evidence["read"]["addresses"]] == [None, "Brooklyn Ave = W Sunset Blvd"]
    assert evidence["read"]["city_alias"] == "Hollywood = Los Angeles"
    assert evidence["candidates"][0]["written_address"] == 1
    assert evidence_of(found(a_line(NAME, "PO Box 5"), MARIA))["aliases"] == 3
    assert "alias" not in str(evidence_of(decided(a_line(NAME, "1234 W Sunset Blvd"), MARIA)))


def test_the_explanation_tells_the_aliases() -> None:
    line = a_line(NAME, "1234 Brooklyn Ave Apt 5", "Hollywood")
    decision = found(line, MARIA, ROBERT)
    finding = {
        "finding_no": 1, "status": "valid", "reason": None, "reason_open": False, "settled": True, "voter_id": "V1",
        "registration_no": 1, "secondary": (), "evidence": evidence_of(decision), "counted_place": None,
        "confirmed_by": (), "mismatch_by": (), "ruleset": "california-local-recall/1", "roll_version": 1,
        "decided_by": "machine", "person": False, "decided_at": "2022-07-07", "note": "",
    }  # fmt: skip
    text = explanation(line, [finding])
    assert "aliases 3" in text
    assert "alias Brooklyn Ave = W Sunset Blvd" in text
    assert "another name of the city: Hollywood = Los Angeles" in text
    assert "another name of the street: no reason to reject (2 CCR 20931)" in text


def test_two_versions_read_a_line_otherwise_only_where_its_own_aliases_differ() -> None:
    by_alias, plain = parse_line(a_line(NAME, "12 Brooklyn")), parse_line(a_line(NAME, "12 Sunset"))
    assert parsed_differently(by_alias, NO_ALIASES, TABLE)
    assert parsed_differently(by_alias, TABLE, NO_ALIASES)
    assert not parsed_differently(by_alias, TABLE, Aliases(4, ROWS[::-1]))
    assert not parsed_differently(plain, NO_ALIASES, TABLE)
    assert parsed_differently(parse_line(a_line(NAME, "12 Sunset", "Hollywood")), NO_ALIASES, TABLE)


texts = st.text(max_size=60) | st.from_regex(r"[0-9A-Z #/,.-]{0,40}", fullmatch=True)
addresses = texts | st.builds("{} {} {}".format, st.integers(1, 999), st.sampled_from(["Brooklyn", "Macy"]), texts)
cities = texts | st.sampled_from(["Hollywood", "Echo Park", "Los Angeles"])
pairs = st.tuples(st.sampled_from(["street", "city"]), addresses, addresses)
tables = st.lists(st.builds(lambda row: Alias(*row), pairs), max_size=6)


@settings(max_examples=200, deadline=None)
@given(addresses, cities, tables)
def test_nothing_raises_and_twice_is_once(address: str, city: str, rows: list[Alias]) -> None:
    plain = parse_line(a_line(NAME, address, city))
    for table in (TABLE, Aliases(1, rows)):
        once = table.applied_to(plain)
        assert table.applied_to(once) == once
        assert once.addresses[: len(plain.addresses)] == plain.addresses
        assert all(one.house == written.house for one in once.addresses for written in plain.addresses[:1] if one.alias)


@settings(max_examples=100, deadline=None)
@given(addresses, cities)
def test_an_alias_takes_no_valid_line_away_from_the_voter_at_the_written_address(address: str, city: str) -> None:
    line = a_line(NAME, address, city)
    without = decided(line, MARIA, ROBERT, ELIZABETH)
    if without.outcome.status == "valid":
        with_table = found(line, MARIA, ROBERT, ELIZABETH)
        assert (with_table.outcome.status, with_table.voter_id) == (without.outcome.status, without.voter_id)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: (HEADER + text).encode("utf-8", "replace")))
def test_any_file_is_read_or_refused(data: bytes) -> None:
    try:
        rows = read_aliases(data)
    except AliasesError:
        return
    assert all(row.alias and row.name for row in rows)
    Aliases(1, rows)


def test_a_file_is_read_whatever_its_line_ends_and_mark() -> None:
    text = '\ufeffkind,alias,name\r\nstreet, Brooklyn Ave ,"Cesar E Chavez Ave"\r\ncity,"Hollywood, CA",Los Angeles\r\n'
    rows = (Alias("street", "Brooklyn Ave", "Cesar E Chavez Ave"), Alias("city", "Hollywood, CA", "Los Angeles"))
    assert read_aliases(text.encode()) == rows
    assert read_aliases(HEADER.encode()) == ()


@pytest.mark.parametrize(
    ("content", "row", "column", "why"),
    [
        ("", None, None, "the header must be kind,alias,name"),
        ("alias,name,kind\n", None, None, "the header must be"),
        (HEADER + "street,A St,B St\nstreet,C St\n", 2, None, "2 columns where the header has 3"),
        (HEADER + "street,A St,B St\n\n", 2, None, "0 columns"),
        (HEADER + "street,A St,B St,x\n", 1, None, "4 columns"),
        (HEADER + "town,canaryq7x,B St\n", 1, "kind", "not one of street, city"),
        (HEADER + "street,,B St\n", 1, "alias", "empty"),
        (HEADER + "street,A St,\n", 1, "name", "empty"),
        (HEADER + f"street,A St,{'B' * 101}\n", 1, "name", "longer than 100 characters"),
        (HEADER + "city,A,B\nstreet,李小龙,canaryq7x St\n", 2, "alias", "no letters or digits"),
        (HEADER + "city,A,B\ncity,canaryq7x,...\n", 2, "name", "no letters or digits"),
        (HEADER + "city,A,B\ncity,C,B\ncity,A,B\n", 3, None, "the same as row 1"),
        (HEADER + "".join(f"street,Canaryq7x Ave,Name{n} Ave\n" for n in range(9)), 9, "alias", "more than 8 names"),
        (HEADER + "city,A\x00canaryq7x,B\n", 1, "alias", "a control character"),
        (HEADER + "city,A,B\ncity,A,B\u202ecanaryq7x\n", 2, "name", "a control character"),
        (HEADER + 'city,A,B\ncity,"canaryq7x,B\n', 2, None, "quotation marks"),
        (HEADER + 'city,"canaryq7x"x,B\n', 1, None, "quotation marks"),
        ('"kind', None, None, "quotation marks"),
    ],
)
def test_a_bad_file_is_refused_whole_with_row_column_and_why(
    content: str, row: int | None, column: str | None, why: str
) -> None:
    with pytest.raises(AliasesError, match=why) as refused:
        read_aliases(content.encode())
    assert [(fault.row, fault.column) for fault in refused.value.faults] == [(row, column)]
    assert "canary" not in str(refused.value).lower()


def test_a_file_that_is_not_utf_8_or_too_long_is_refused() -> None:
    with pytest.raises(AliasesError, match="row 2: a byte that is not utf-8"):
        read_aliases(HEADER.encode() + b"city,A,B\ncity,Ca\xf1ada,B\n")
    with pytest.raises(AliasesError, match="longer than 1,000,000 bytes"):
        read_aliases(HEADER.encode() + b"x" * MOST_BYTES)
