"""A county of a few voters that the stories are told of."""

from typing import Any

COUNTY = "sample"
HEADER = (
    "voter_id,last_name,first_name,middle_name,suffix,birth_date,house_number,house_fraction,pre_direction,street_name,"
    "street_type,post_direction,unit_type,unit_number,city,zip,status,status_reason,affidavit_signed,"
    "affidavit_received,effective_to,confidential"
)
STREETS = ("MAPLE", "JUNIPER", "CEDAR", "WILLOW", "SYCAMORE")
SURNAMES = ("ABERNATHY", "BUCHANAN", "CASTELLANOS", "DELACROIX", "ELLSWORTH", "FITZGERALD", "GUTIERREZ", "HOLLOWAY")
GIVEN = ("ADELINE", "BERNARD", "CORDELIA", "DESMOND", "ESTELLE", "FREDERICK", "GENEVIEVE", "HAROLD")
VOTERS = 320


def voter(number: int) -> dict[str, str]:
    """The name and address of a voter; voters are numbered from 1 and no two are alike."""
    street = STREETS[number % len(STREETS)]
    return {
        "printed_name": f"{GIVEN[number % len(GIVEN)]} {SURNAMES[number // 8 % len(SURNAMES)]}",
        "residence_address": f"{100 + 7 * number} {street} AVE",
        "city": "LOS ANGELES",
        "zip": "90026",
    }


def row(number: int, **changes: str) -> str:
    """The voter's row of the roll."""
    given, surname = voter(number)["printed_name"].split()
    house, street, _ = voter(number)["residence_address"].split()
    columns = dict.fromkeys(HEADER.split(","), "") | {
        "voter_id": f"V{number}",
        "last_name": surname,
        "first_name": given,
        "birth_date": "1970-01-01",
        "house_number": house,
        "street_name": street,
        "street_type": "AVE",
        "city": "LOS ANGELES",
        "zip": "90026",
        "status": "active",
        "affidavit_signed": "2010-01-01",
        "affidavit_received": "2010-01-02",
    }
    return ",".join((columns | changes).values())


def roll_csv(*more: str, without: frozenset[int] = frozenset()) -> bytes:
    """The county's roll, with other rows behind it."""
    rows = [row(number) for number in range(1, VOTERS + 1) if number not in without]
    return "\n".join([HEADER, *rows, *more, ""]).encode()


def line(number: int, place: tuple[int, int, int] | None = None, **changes: object) -> dict[str, object]:
    """The voter's signature at a place; without one, at a line of the voter's own."""
    section, page, line_no = place or (1, 1, number)
    return {"section": section, "page": page, "line": line_no, **voter(number), **changes}


def stranger(place: tuple[int, int, int]) -> dict[str, object]:
    """The signature of somebody who is not on the roll."""
    section, page, line_no = place
    return {
        "section": section,
        "page": page,
        "line": line_no,
        "printed_name": "ADELINE QUACKENBUSH",
        "residence_address": "9876 MAPLE AVE",
        "city": "LOS ANGELES",
        "zip": "90026",
    }


def a_request(voter_id: str | None = "V1", **changes: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON values
    """A complete request to withdraw, whose signature was compared with this voter's on record."""
    names = ("in_writing", "names_petition", "name", "current_residence", "intent", "signature")
    complete = {
        "voter_id": voter_id,
        "received_on": "2022-07-05",
        "received_by": "paper",
        "requirements": dict.fromkeys(names, True),
        "signature_agrees": True,
    }
    return complete | changes
