"""Rolls as bytes: what each format becomes, and which files are refused, where and why."""

import csv
import io
import pickle
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import FileFault, RollError
from app.law.registration import Registration
from app.roll.formats import CALIFORNIA, CANONICAL, CANONICAL_COLUMNS, FORMATS, NORTH_CAROLINA, RollFormat
from app.roll.rows import BOUNDS, MOST_FAULTS, Chunk, RowReader, read_chunks, read_header

A_ROW = {
    "voter_id": "17", "last_name": "GARCIA-LOPEZ", "first_name": "MARÍA", "middle_name": "DEL CARMEN", "suffix": "",
    "birth_date": "1970-02-28", "house_number": "1234", "house_fraction": "1/2", "pre_direction": "W",
    "street_name": "SUNSET", "street_type": "BLVD", "post_direction": "", "unit_type": "APT", "unit_number": "5",
    "city": "LOS ANGELES", "zip": "90026", "status": "active", "status_reason": "", "affidavit_signed": "2010-05-01",
    "affidavit_received": "2010-05-03", "effective_to": "", "confidential": "",
}  # fmt: skip


def a_file(*rows: dict[str, str], header: tuple[str, ...] = CANONICAL_COLUMNS) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, header, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def read(data: bytes, roll_format: RollFormat = CANONICAL, size: int = 1 << 20) -> list[Registration]:
    file = io.BytesIO(data)
    reader = RowReader(roll_format, read_header(file))
    registrations, found = list[Registration](), list[FileFault]()
    for chunk in read_chunks(file, quoted=reader.quoted, size=size):
        rows = reader.read(chunk)
        registrations += rows.registrations
        found += rows.faults
        if rows.broken or len(found) >= MOST_FAULTS:
            break
    if found:
        raise RollError(*found[:MOST_FAULTS])
    return registrations


def faults(data: bytes, roll_format: RollFormat = CANONICAL) -> list[FileFault]:
    with pytest.raises(RollError) as caught:
        read(data, roll_format)
    return list(caught.value.faults)


def refused(data: bytes, roll_format: RollFormat = CANONICAL) -> tuple[int | None, str | None]:
    """Where the one fault of a file is."""
    (fault,) = faults(data, roll_format)
    return fault.row, fault.column


def test_a_canonical_row_becomes_a_registration() -> None:
    assert read(a_file(A_ROW)) == [
        Registration(
            1, "17", "GARCIA-LOPEZ", "MARÍA", "DEL CARMEN", "", date(1970, 2, 28), "1234", "1/2", "W", "SUNSET", "BLVD",
            "", "APT", "5", "LOS ANGELES", "90026", "active", "", date(2010, 5, 1), date(2010, 5, 3), None,
            confidential=False,
        )
    ]  # fmt: skip


def test_columns_may_stand_in_any_order_with_others_between_them() -> None:
    shuffled = (*reversed(CANONICAL_COLUMNS), "party")
    assert read(a_file(A_ROW, header=shuffled)) == read(a_file(A_ROW))


WITH_DISTRICTS = (*CANONICAL_COLUMNS, "districts")


@pytest.mark.parametrize(
    ("written", "kept"),
    [("", None), (" ; ", None), ("SD-3", "SD-3"), ("sd-3;CD-28", "SD-3;CD-28"), (" SD-3 ;; SD-3 ", "SD-3")],
)
def test_the_codes_of_districts_are_kept_where_the_file_has_the_column(written: str, kept: str | None) -> None:
    rows = [A_ROW | {"districts": written}, A_ROW | {"districts": "A"}]
    assert [r.districts for r in read(a_file(*rows, header=WITH_DISTRICTS))] == [kept, "A"]
    assert [r.districts for r in read(a_file(*rows, header=("districts", *CANONICAL_COLUMNS)))] == [kept, "A"]
    assert [r.districts for r in read(a_file(*rows))] == [None, None]


@pytest.mark.parametrize("codes", ["A" * 1001, "SD\x00-3", "SD-\u202e3"])
def test_bad_codes_of_districts_refuse_the_file_and_name_the_column(codes: str) -> None:
    (fault,) = faults(a_file(A_ROW, A_ROW | {"districts": codes}, header=WITH_DISTRICTS))
    assert (fault.row, fault.column) == (2, "districts")


def test_the_column_of_districts_may_be_missing_but_not_twice_in_a_header() -> None:
    header = ("Surname", *WITH_DISTRICTS[2:-2], "districts", "districts")
    assert {(fault.column, fault.why) for fault in faults(a_file(A_ROW, header=header)) if fault.column} == {
        ("districts", "the header has it more than once"),
        ("voter_id", "the header has no such column"),
        ("last_name", "the header has no such column"),
        ("confidential", "the header has no such column"),
    }


@pytest.mark.parametrize("mark", ["true", "TRUE", "y", "Y", "1"])
def test_a_confidential_voter_is_marked_in_any_of_the_usual_ways(mark: str) -> None:
    assert read(a_file(A_ROW | {"confidential": mark}))[0].confidential


def test_quoted_fields_may_hold_commas_quotes_and_line_breaks() -> None:
    row = A_ROW | {"last_name": 'O"BRIEN, JR', "street_name": "MAIN\nSTREET\tWEST"}
    registration = read(a_file(row, A_ROW))[0]
    assert (registration.last_name, registration.street_name) == ('O"BRIEN, JR', "MAIN STREET WEST")


def test_a_byte_order_mark_windows_line_ends_and_blank_lines_at_the_end_do_no_harm() -> None:
    data = b"\xef\xbb\xbf" + a_file(A_ROW, A_ROW).replace(b"\n", b"\r\n") + b"\r\n\r\n"
    assert [r.registration_no for r in read(data)] == [1, 2]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("voter_id", ""),
        ("status", "dead"),
        ("status", ""),
        ("birth_date", "1970-02-30"),
        ("birth_date", "19700228"),
        ("birth_date", "02/28/1970"),
        ("affidavit_signed", "yesterday"),
        ("affidavit_received", "2010-04-30"),  # before it was signed
        ("effective_to", "0000-00-00"),
        ("confidential", "maybe"),
        ("last_name", "A" * 101),
        ("zip", "90026-12345"),
        ("first_name", "MA\x00RIA"),
        ("first_name", "MA\x1bRIA"),
        ("city", "LOS \u202eANGELES"),
    ],
)
def test_a_bad_value_refuses_the_file_with_row_and_column_and_without_the_value(column: str, value: str) -> None:
    (fault,) = faults(a_file(A_ROW, A_ROW | {column: value}, A_ROW))
    assert (fault.row, fault.column) == (2, column)
    assert str(RollError(fault)) == f"row 2, column {column}: {fault.why}"
    assert not value or value not in str(fault)


def test_every_bad_row_up_to_ten_is_named() -> None:
    many = [A_ROW | {"zip": "9" * 11}, A_ROW, A_ROW | {"status": "dead"}] * 6
    found = faults(a_file(*many))
    bad = [(1, "zip"), (3, "status"), (4, "zip"), (6, "status"), (7, "zip"), (9, "status"), (10, "zip")]
    assert [(fault.row, fault.column) for fault in found] == [*bad, (12, "status"), (13, "zip"), (15, "status")]
    assert len(str(RollError(*found))) < 1000


def test_rows_after_quotation_marks_out_of_place_are_not_judged() -> None:
    header, row, _ = a_file(A_ROW).split(b"\n")
    found = faults(b"\n".join([header, b"1,2", row, b'"17"' + row, b"1,2", b""]))
    assert [fault.row for fault in found] == [1, 3]


def test_the_column_of_every_bound_is_named_when_it_is_exceeded() -> None:
    for column, bound in BOUNDS.items():
        assert refused(a_file(A_ROW | {column: "9" * (bound + 1)})) == (1, column)


@pytest.mark.parametrize("line", [b"1,2,3\n", b"\n", b"," * 22 + b"\n"])
def test_a_row_of_another_width_than_the_header_is_refused(line: bytes) -> None:
    header, row, _ = a_file(A_ROW).split(b"\n")
    assert refused(b"\n".join([header, row, line + row, b""])) == (2, None)


def test_a_byte_that_is_not_utf8_is_refused_with_its_row() -> None:
    found = faults(a_file(A_ROW, A_ROW, A_ROW).replace("MARÍA".encode(), b"MAR\xcdA", 2))
    assert found == [FileFault("a byte that is not utf-8", no, "first_name") for no in (1, 2)]
    (of_header,) = faults(b"\xff" + a_file(A_ROW))
    assert str(of_header) == "the header has a byte that is not utf-8"


@pytest.mark.parametrize("fault", [b'"17', b'"17"x', b'17,"'])
def test_quotation_marks_out_of_place_are_refused(fault: bytes) -> None:
    row, _ = refused(a_file(A_ROW).replace(b"\n17", b"\n" + fault))
    assert row == 1


def test_a_carriage_return_within_a_row_is_refused_with_its_row() -> None:
    assert refused(a_file(A_ROW, A_ROW | {"street_name": "MAIN\rSTREET"})) == (2, None)
    assert refused(a_file(A_ROW, A_ROW | {"street_name": '"MAIN\rSTREET"'})) == (2, "street_name")


def test_a_quotation_mark_that_is_never_closed_does_not_gather_the_file_in_memory() -> None:
    header, row, _ = a_file(A_ROW).split(b"\n")
    file = io.BytesIO(b"\n".join([header, b'"' + row, *[row] * 20_000, b""]))
    reader = RowReader(CANONICAL, read_header(file))
    chunk = next(read_chunks(file, quoted=True, size=1 << 10))
    assert len(chunk.data) < 1_100_000
    assert [fault.row for fault in reader.read(chunk).faults] == [1]


def test_a_header_that_lacks_a_column_names_it() -> None:
    assert refused(a_file(A_ROW, header=CANONICAL_COLUMNS[:-1])) == (None, "confidential")


def test_a_header_that_has_a_column_twice_names_it() -> None:
    assert refused(a_file(A_ROW, header=(*CANONICAL_COLUMNS, "zip"))) == (None, "zip")


def test_everything_that_is_wrong_with_a_header_is_said_at_once() -> None:
    header = ("voter_id", "Surname", *CANONICAL_COLUMNS[2:-1], "city", "party")
    assert faults(a_file(A_ROW, header=header)) == [
        FileFault("the header has it more than once", column="city"),
        FileFault("the header has no such column", column="last_name"),
        FileFault("the header has no such column", column="confidential"),
        FileFault("the format has no columns named like the file's number 2, 23"),
    ]


def test_the_first_row_of_a_file_without_a_header_is_not_repeated() -> None:
    found = faults(a_file(A_ROW).partition(b"\n")[2])
    assert len(found) == 23
    assert len(str(RollError(*found))) < 2000
    assert not [value for value in A_ROW.values() if len(value) > 3 and value in str(RollError(*found))]


@pytest.mark.parametrize("data", [b"", b"\n", b"  \r\n"])
def test_an_empty_file_is_refused(data: bytes) -> None:
    assert refused(data) == (None, None)


def test_a_refusal_travels_between_processes_with_its_facts() -> None:
    error = pickle.loads(pickle.dumps(RollError(FileFault("empty", 7, "voter_id"), "too long")))  # noqa: S301 - our own bytes
    assert str(error) == "row 7, column voter_id: empty; too long"
    assert error.faults == (FileFault("empty", row=7, column="voter_id"), FileFault("too long"))


fields = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=20)


name_parts = st.tuples(fields, st.sampled_from(["", "\n", ",", '"', "\r\n"]), fields)


@given(names=st.lists(name_parts, min_size=1, max_size=40), size=st.integers(1, 700))
def test_the_size_of_the_chunks_never_changes_what_is_read(names: list[tuple[str, str, str]], size: int) -> None:
    rows = [A_ROW | {"voter_id": str(no), "last_name": "".join(name)} for no, name in enumerate(names, 1)]
    whole = read(a_file(*rows))
    assert [r.registration_no for r in whole] == list(range(1, len(names) + 1))
    assert read(a_file(*rows), size=size) == whole


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for roll_format in FORMATS.values():
        try:
            read(data, roll_format)
        except RollError:
            continue


@given(st.lists(st.binary(max_size=12), max_size=30))
def test_any_bytes_under_a_header_are_read_or_refused(parts: list[bytes]) -> None:
    header = a_file()
    try:
        read(header + b",".join(parts))
    except RollError as error:
        assert all(fault.why for fault in error.faults)  # noqa: PT017 - either outcome is right


@given(no=st.integers(1, 10**9))
def test_a_chunk_numbers_its_rows_from_its_first(no: int) -> None:
    header, rows = a_file(A_ROW, A_ROW).split(b"\n", 1)
    registrations = RowReader(CANONICAL, header).read(Chunk(rows, no, 2)).registrations
    assert [r.registration_no for r in registrations] == [no, no + 1]


CALIFORNIA_HEADER = (
    "CountyCode\tRegistrantID\tExtractDate\tLastName\tFirstName\tMiddleName\tSuffix\tAddressNumber\tHouseFractionNumber"
    "\tAddressNumberSuffix\tStreetDirPrefix\tStreetName\tStreetType\tStreetDirSuffix\tUnitType\tUnitNumber\tCity\tState"
    "\tZip\tDOB\tGender\tPartyCode\tStatus\tRegistrationDate\tPrecinct\tNonStandardAddress\tVoterStatusReasonCodeDesc"
)
CALIFORNIA_ROW = (
    '19\t9000001\t7/6/2022\tMUÑOZ\tANA "ANI"\t\tJR\t1234\t1/2\tA\tW\tSUNSET\tBLVD\t\tAPT\t5\tLOS ANGELES\tCA\t90026'
    "\t2/3/1970\t\t\tA\t05/01/2010\t0001\t\tUpdated Registration"
)


def test_the_states_extract_of_california_becomes_registrations() -> None:
    (registration,) = read(f"{CALIFORNIA_HEADER}\r\n{CALIFORNIA_ROW}\r\n".encode("cp1252"), CALIFORNIA)
    assert tuple(registration[:-1]) == (
        1, "9000001", "MUÑOZ", 'ANA "ANI"', "", "JR", date(1970, 2, 3),
        "1234A", "1/2", "W", "SUNSET", "BLVD", "", "APT", "5", "LOS ANGELES", "90026",
        "active", "Updated Registration", date(2010, 5, 1), date(2010, 5, 1), None, False,
    )  # fmt: skip


def test_the_states_extract_of_california_may_come_in_quotes_with_iso_dates() -> None:
    plain = f"{CALIFORNIA_HEADER}\n{CALIFORNIA_ROW}\n".replace(' "ANI"', "")
    quoted = "".join('"' + line.replace("\t", '"\t"') + '"\n' for line in plain.splitlines())
    quoted = quoted.replace("2/3/1970", "1970-02-03 00:00:00")
    assert read(quoted.encode("cp1252"), CALIFORNIA) == read(plain.encode("cp1252"), CALIFORNIA)


def test_an_unknown_status_of_california_is_refused() -> None:
    data = f"{CALIFORNIA_HEADER}\n{CALIFORNIA_ROW}\n".replace("\tA\t05/", "\tZ\t05/")
    assert refused(data.encode("cp1252"), CALIFORNIA) == (1, "status")


def test_a_file_of_two_counties_is_refused() -> None:
    other = CALIFORNIA_ROW.replace("19\t", "30\t", 1)
    data = f"{CALIFORNIA_HEADER}\n{CALIFORNIA_ROW}\n{other}\n"
    assert refused(data.encode("cp1252"), CALIFORNIA) == (2, "CountyCode")


NORTH_CAROLINA_COLUMNS = (
    "county_id", "county_desc", "voter_reg_num", "ncid", "last_name", "first_name", "middle_name", "name_suffix_lbl",
    "status_cd", "voter_status_desc", "reason_cd", "voter_status_reason_desc", "res_street_address", "res_city_desc",
    "state_cd", "zip_code", "confidential_ind", "registr_dt", "birth_year",
)  # fmt: skip
NORTH_CAROLINA_ROW = (
    "32", "DURHAM", "000000000017", "EH1", "PEÑA", "LUZ", "", "III", "A", "ACTIVE", "AV", "VERIFIED",
    "2805 N ROXBORO ST  #B", "DURHAM", "NC", "27704", "N", "08/24/2012", "1970",
)  # fmt: skip


def a_north_carolina_file(*rows: tuple[str, ...]) -> bytes:
    lines = ["\t".join(f'"{value}"' for value in row) for row in (NORTH_CAROLINA_COLUMNS, *rows)]
    return "\r\n".join(lines).encode("cp1252")


def test_the_public_file_of_north_carolina_becomes_registrations() -> None:
    (registration,) = read(a_north_carolina_file(NORTH_CAROLINA_ROW), NORTH_CAROLINA)
    assert tuple(registration[:-1]) == (
        1, "000000000017", "PEÑA", "LUZ", "", "III", None, "2805", "", "N", "ROXBORO", "ST", "", "", "B", "DURHAM",
        "27704", "active", "VERIFIED", date(2012, 8, 24), date(2012, 8, 24), None, False,
    )  # fmt: skip


def test_a_removed_voter_of_north_carolina_is_canceled_and_has_no_address() -> None:
    removed = [
        "R" if value == "A" else "REMOVED" if value.startswith("2805") else value for value in NORTH_CAROLINA_ROW
    ]
    before = read(a_north_carolina_file(NORTH_CAROLINA_ROW), NORTH_CAROLINA)[0]
    after = read(a_north_carolina_file(tuple(removed)), NORTH_CAROLINA)[0]
    assert after == before._replace(
        status="canceled", house_number="", pre_direction="", street_name="", street_type="", unit_number=""
    )


DOCUMENTED = (Path(__file__).parents[2] / "docs/rolls.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("roll_format", FORMATS.values(), ids=FORMATS)
def test_the_example_in_the_documentation_is_a_roll_with_every_column(roll_format: RollFormat) -> None:
    section = DOCUMENTED.partition(f"## `{roll_format.name}`")[2]
    example = section.partition("```")[2].partition("\n")[2].partition("```")[0]
    assert len(read(example.encode(roll_format.encoding), roll_format)) == 1
    header = example.partition("\n")[0].replace('"', "").split(roll_format.delimiter)
    assert sorted(header) == sorted(roll_format.file_columns)
