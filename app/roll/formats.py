"""The formats in which a county's roll comes, each a table: canonical column ← the file's columns.

`canonical` is the project's own. `california` is the extract of the state's voter registration system that the
Secretary of State gives out, and `north-carolina` the public file of its State Board of Elections.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import add
from typing import Final

from app.law.registration import Registration
from app.matching.addresses import Address, parse_address

CANONICAL_COLUMNS = Registration._fields[1:-1]  # without registration_no and the districts, which a file may lack


@dataclass(frozen=True, slots=True)
class Computed:
    """A canonical value made of the file's `columns`, each stripped, by `function`."""

    function: Callable[..., str]
    columns: tuple[str, ...]


Source = str | Computed  # a column of the file, or a value computed from some; '' where the file has nothing of it


@dataclass(frozen=True, slots=True)
class RollFormat:
    """How to read one kind of file."""

    name: str
    encoding: str
    delimiter: str
    always_quoted: bool  # False: quotation marks mean something only where the header stands in them
    columns: Mapping[str, Source]
    county: str = ""  # the column of the county's code: one file, one county
    districts: str = ""  # the column of the codes of districts
    optional: frozenset[str] = frozenset()  # columns of the file that some files lack

    @property
    def file_columns(self) -> tuple[str, ...]:
        """Every column of the file that is read, each once."""
        sources = (self.county, *self.columns.values(), self.districts)
        named = [(source,) if isinstance(source, str) else source.columns for source in sources]
        return tuple(dict.fromkeys(column for columns in named for column in columns if column))


@lru_cache(maxsize=1 << 16)
def us_date(text: str) -> str:
    """Return MM/DD/YYYY as an ISO date, without a time of day; any other text unchanged, to be read as an ISO date."""
    day, _, _ = text.partition(" ")
    month_day_year = day.split("/")
    if len(month_day_year) != 3:  # noqa: PLR2004 - month, day, year
        return day
    month, day, year = month_day_year
    return f"{year}-{month:0>2}-{day:0>2}"


_DISTRICTS: Final = Registration._fields[-1]
CANONICAL = RollFormat(
    "canonical", "utf-8", ",", always_quoted=True, columns={c: c for c in CANONICAL_COLUMNS}, districts=_DISTRICTS,
    optional=frozenset({_DISTRICTS}),
)  # fmt: skip

# 2 CCR 19081: active, inactive, pending, cancelled. An unknown code is kept, and refused like any unknown status.
_CALIFORNIA_STATUS = {"A": "active", "I": "inactive", "P": "pending", "C": "canceled"}

_CALIFORNIA: Final[Mapping[str, Source]] = {
    "voter_id": "RegistrantID",
    "last_name": "LastName",
    "first_name": "FirstName",
    "middle_name": "MiddleName",
    "suffix": "Suffix",
    "birth_date": Computed(us_date, ("DOB",)),
    "house_number": Computed(add, ("AddressNumber", "AddressNumberSuffix")),
    "house_fraction": "HouseFractionNumber",
    "pre_direction": "StreetDirPrefix",
    # An address that is not a number in a street (a mile marker, a corner) stands in a column of its own.
    "street_name": Computed(lambda street, other: street or other, ("StreetName", "NonStandardAddress")),
    "street_type": "StreetType",
    "post_direction": "StreetDirSuffix",
    "unit_type": "UnitType",
    "unit_number": "UnitNumber",
    "city": "City",
    "zip": "Zip",
    "status": Computed(lambda code: _CALIFORNIA_STATUS.get(code.upper()) or code, ("Status",)),
    "status_reason": "VoterStatusReasonCodeDesc",
    # One date is given: the affidavit counts from then, EC 2102.
    **dict.fromkeys(("affidavit_signed", "affidavit_received"), Computed(us_date, ("RegistrationDate",))),
    "effective_to": "",  # the extract has no history
    "confidential": "",  # and no confidential voters, EC 2166
}
_SOME_YEARS = frozenset({"NonStandardAddress", "VoterStatusReasonCodeDesc"})
CALIFORNIA = RollFormat(
    "california", "cp1252", "\t", always_quoted=False, columns=_CALIFORNIA, county="CountyCode", optional=_SOME_YEARS
)

# The state's status_cd: active, denied, inactive, removed, temporary (military and overseas voters).
_NORTH_CAROLINA_STATUS = {"A": "active", "I": "inactive", "S": "active", "D": "canceled", "R": "canceled"}


@lru_cache(maxsize=1 << 10)
def _residence(address: str) -> Address:
    """The one-line address in parts; the file blanks that of a removed voter with the word REMOVED."""
    return Address() if address == "REMOVED" else parse_address(address)


def _part(name: str) -> Computed:
    return Computed(lambda address: getattr(_residence(address), name), ("res_street_address",))


_NORTH_CAROLINA: Final[Mapping[str, Source]] = {
    "voter_id": "voter_reg_num",
    "last_name": "last_name",
    "first_name": "first_name",
    "middle_name": "middle_name",
    "suffix": "name_suffix_lbl",
    "birth_date": "",  # the public file has the year alone
    "house_number": _part("house"),
    "house_fraction": _part("fraction"),
    "pre_direction": _part("pre_direction"),
    "street_name": _part("street"),
    "street_type": _part("street_type"),
    "post_direction": _part("post_direction"),
    "unit_type": _part("unit_type"),
    "unit_number": _part("unit"),
    "city": "res_city_desc",
    "zip": "zip_code",
    "status": Computed(lambda code: _NORTH_CAROLINA_STATUS.get(code) or code, ("status_cd",)),
    "status_reason": "voter_status_reason_desc",
    **dict.fromkeys(("affidavit_signed", "affidavit_received"), Computed(us_date, ("registr_dt",))),
    "effective_to": "",
    "confidential": "confidential_ind",
}
NORTH_CAROLINA = RollFormat(
    "north-carolina", "cp1252", "\t", always_quoted=True, columns=_NORTH_CAROLINA, county="county_id"
)

FORMATS = {roll_format.name: roll_format for roll_format in (CANONICAL, CALIFORNIA, NORTH_CAROLINA)}
