"""A made-up petition: its truth holds against the roll, whatever the seed."""

import csv
import gzip
import itertools
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from rapidfuzz.fuzz import partial_ratio

from app.demo.county import load_names
from app.demo.generate import ALIASES, Manifest, Truth, generate, main, place, read_truths

SCALE = "0.004"
WINDOW = ("2022-01-27", "2022-07-06")
HEADER = (
    "voter_id,last_name,first_name,middle_name,suffix,birth_date,house_number,house_fraction,pre_direction,street_name,"
    "street_type,post_direction,unit_type,unit_number,city,zip,status,status_reason,affidavit_signed,affidavit_received,"
    "effective_to,confidential"
)
SIGNATURE = {
    "section", "page", "line", "printed_name", "residence_address", "city", "zip", "signed", "image_sha256",
}  # fmt: skip

Registration = dict[str, str]


class Made:
    """One generated folder, read."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest
        with (folder / manifest.roll).open(encoding="utf-8", newline="") as file:
            self.roll: list[Registration] = list(csv.DictReader(file))
        self.signatures: list[dict[str, Any]] = _read(folder / manifest.petition)
        self.truths: list[Truth] = list(read_truths(folder / manifest.truth))
        self.of_voter: dict[str, list[Registration]] = defaultdict(list)
        for registration in self.roll:
            self.of_voter[registration["voter_id"]].append(registration)

    def truths_of(self, *reasons: str | None) -> Iterator[Truth]:
        return (truth for truth in self.truths if truth["reason"] in reasons)


def _read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def in_force(registration: Registration) -> bool:
    """EC 2102(b), 2201: in force at some time of the circulation."""
    return (
        (registration["status"] in ("active", "inactive") or registration["effective_to"] >= WINDOW[0])
        and registration["affidavit_signed"] <= WINDOW[1]
        and registration["affidavit_received"] <= WINDOW[1]
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("demo")
    return Made(folder, generate(SCALE, 7, folder))


def test_the_roll_is_a_canonical_one(made: Made) -> None:
    with (made.folder / made.manifest.roll).open(encoding="utf-8") as file:
        assert file.readline() == HEADER + "\n"
    assert len(made.roll) == made.manifest.rows
    for registration in made.roll:
        assert registration["status"] in ("active", "inactive", "pending", "canceled", "preregistered")
        assert registration["last_name"]
        assert registration["first_name"]
        assert registration["house_number"].isdigit()
        born, signed, received = (
            date.fromisoformat(registration[key]) for key in ("birth_date", "affidavit_signed", "affidavit_received")
        )
        assert born < signed <= received
        if registration["effective_to"]:
            assert date.fromisoformat(registration["effective_to"]) >= signed


def test_the_roll_has_as_many_current_registrations_as_the_manifest_says(made: Made) -> None:
    current = [r for r in made.roll if r["status"] in ("active", "inactive") and in_force(r)]

    assert len(current) == made.manifest.registered == len({r["voter_id"] for r in current})


def test_the_aliases_are_other_names_of_the_countys_cities(made: Made) -> None:
    with (made.folder / ALIASES).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    cities = {registration["city"] for registration in made.roll}

    assert rows
    assert {row["kind"] for row in rows} == {"city"}
    assert not {row["alias"] for row in rows} & cities
    assert {row["name"] for row in rows} <= cities
    assert any(signature["city"] in {row["alias"] for row in rows} for signature in made.signatures)


def test_no_voter_has_two_registrations_at_the_same_time(made: Made) -> None:
    for registrations in made.of_voter.values():
        assert sum(not registration["effective_to"] for registration in registrations) <= 1


def test_the_roll_has_what_real_rolls_have(made: Made) -> None:
    surnames = Counter(registration["last_name"] for registration in made.roll)
    spanish = load_names().spanish

    assert any("-" in name for name in surnames)
    assert any(" " in name for name in surnames)
    assert any(registration["suffix"] == "JR" for registration in made.roll)
    assert any(registration["house_fraction"] == "1/2" for registration in made.roll)
    assert any(registration["unit_number"] for registration in made.roll)
    assert any(registration["confidential"] for registration in made.roll)
    assert max(len(registrations) for registrations in made.of_voter.values()) == 2
    assert surnames.most_common(1)[0][0] in spanish


def test_the_truth_counts_what_the_manifest_expects(made: Made) -> None:
    expected = made.manifest.expected
    published = Counter(truth["published"] for truth in made.truths)
    reasons = Counter(truth["reason"] for truth in made.truths if truth["status"] == "invalid")

    assert published.pop("valid") == expected["valid"]
    assert published == expected["invalid_by_reason"]
    assert reasons == expected["by_reason"]
    assert len(made.truths) == expected["raw"] == expected["valid"] + expected["invalid"]
    assert json.loads((made.folder / "manifest.json").read_text())["expected"] == expected


def test_places_are_unique_and_both_files_are_in_their_order(made: Made) -> None:
    places = [(signature["section"], signature["page"], signature["line"]) for signature in made.signatures]

    assert places == sorted(set(places))
    assert [truth["place"] for truth in made.truths] == ["-".join(map(str, p)) for p in places]


def test_the_petition_says_nothing_of_the_truth(made: Made) -> None:
    for signature in made.signatures:
        assert set(signature) == SIGNATURE


def test_every_valid_line_is_of_a_voter_registered_during_the_circulation(made: Made) -> None:
    for truth in made.truths_of(None, "duplicate", "signature_mismatch"):
        assert any(in_force(registration) for registration in made.of_voter[truth["voter_id"]])
        assert truth["voter_id"] in truth["ok"]


def test_readable_valid_lines_name_a_street_of_the_voter(made: Made) -> None:
    for truth, signature in zip(made.truths, made.signatures, strict=True):
        if (
            truth["reason"] in (None, "duplicate")
            and truth["character_error"] == 0.003
            and "stjoin" not in truth["tags"]
        ):
            streets = {r["street_name"] for r in made.of_voter[truth["voter_id"]] if in_force(r)}
            written = signature["residence_address"]
            assert any(len(street) < 6 or partial_ratio(street, written) > 65 for street in streets)


def test_of_a_voters_good_lines_the_lowest_place_counts(made: Made) -> None:
    good = defaultdict(list)
    for truth in made.truths_of(None, "duplicate"):
        good[truth["voter_id"]].append(truth["reason"])

    assert all(reasons == [None, *["duplicate"] * (len(reasons) - 1)] for reasons in good.values())
    assert max(len(reasons) for reasons in good.values()) == 3


def test_a_voter_whose_line_fails_has_no_other_line(made: Made) -> None:
    bad = [
        t["voter_id"] for t in made.truths if t["status"] == "invalid" and t["reason"] != "duplicate" and t["voter_id"]
    ]
    good = {truth["voter_id"] for truth in made.truths_of(None)}

    assert len(bad) == len(set(bad))
    assert not good & set(bad)


def test_canceled_signers_have_no_registration_in_force(made: Made) -> None:
    for truth in made.truths_of("canceled"):
        (registration,) = made.of_voter[truth["voter_id"]]
        assert registration["status"] == "canceled"
        assert registration["effective_to"] < WINDOW[0]


def test_signers_registered_late_pending_or_under_age_are_so_in_the_roll(made: Made) -> None:
    for truth in made.truths_of("registered_late"):
        (registration,) = made.of_voter[truth["voter_id"]]
        assert max(registration["affidavit_signed"], registration["affidavit_received"]) > WINDOW[1]
    for truth in made.truths_of("pending_registration"):
        assert made.of_voter[truth["voter_id"]][0]["status"] == "pending"
    for truth in made.truths_of("under_age"):
        assert made.of_voter[truth["voter_id"]][0]["birth_date"] > "2004-07-06"  # not 18 at the end (EC 2102(d))


def test_unregistered_signers_are_in_no_roll_at_the_address_they_write(made: Made) -> None:
    at_house = defaultdict(list)
    for registration in made.roll:
        at_house[registration["house_number"]].append(registration)
    for truth, signature in zip(made.truths, made.signatures, strict=True):
        if truth["reason"] == "not_registered":
            words, address = set(signature["printed_name"].replace(",", "").split()), signature["residence_address"]
            for registration in at_house[address.split()[0]]:
                name = {*registration["first_name"].split(), *registration["last_name"].split()}
                assert registration["street_name"] not in address or not name <= words
            assert (truth["voter_id"], truth["ok"]) == ("", [])


def test_signers_at_a_different_address_are_registered_elsewhere(made: Made) -> None:
    for truth in made.truths_of("different_address"):
        assert any(in_force(registration) for registration in made.of_voter[truth["voter_id"]])


def test_addresses_out_of_the_county_have_a_zip_of_another(made: Made) -> None:
    inside = {registration["zip"] for registration in made.roll}
    outside = {zip_ for zip_, _ in load_names().outside}

    assert not inside & outside
    for truth, signature in zip(made.truths, made.signatures, strict=True):
        if truth["reason"] == "out_of_county":
            assert signature["zip"] in outside


def test_what_is_missing_on_paper_is_missing_in_the_signature(made: Made) -> None:
    for truth, signature in zip(made.truths, made.signatures, strict=True):
        assert signature["signed"] == (truth["reason"] != "no_signature")
        if truth["reason"] == "no_address":
            assert not signature["residence_address"] or signature["residence_address"].startswith("PO BOX")


def test_places_are_ten_to_a_page_and_four_pages_to_a_section() -> None:
    every = itertools.product(range(1, 26), range(1, 5), range(1, 11))

    assert [place(index) for index in range(1000)] == list(every)


def test_the_same_seed_makes_the_same_files(made: Made, tmp_path: Path) -> None:
    generate(SCALE, 7, tmp_path)

    for name in ("roll.csv", ALIASES, "petition.ndjson", "truth.ndjson", "manifest.json"):
        assert (tmp_path / name).read_bytes() == (made.folder / name).read_bytes()


def test_another_petition_may_be_drawn_from_the_same_county(made: Made, tmp_path: Path) -> None:
    manifest = generate(SCALE, 7, tmp_path, petition_seed=8, petition_scale="0.002", hard=True, compress=True)

    roll = gzip.decompress((tmp_path / "roll.csv.gz").read_bytes())
    assert roll == (made.folder / "roll.csv").read_bytes()
    assert manifest.expected["raw"] == 1432
    assert (tmp_path / "petition.ndjson").read_bytes()[:2000] != (made.folder / "petition.ndjson").read_bytes()[:2000]


def test_the_smallest_counties_still_make_a_petition(tmp_path: Path) -> None:
    for seed in range(5):
        manifest = generate("0.0002", seed, tmp_path)
        assert len(_read(tmp_path / "truth.ndjson")) == manifest.expected["raw"] == 143


def test_memory_does_not_grow_with_the_county(tmp_path: Path) -> None:
    program = (
        "import resource, sys; from pathlib import Path; from app.demo.generate import generate;"
        "generate(sys.argv[1], 1, Path(sys.argv[2]));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )

    def kilobytes(scale: str) -> int:
        arguments = [sys.executable, "-c", program, scale, str(tmp_path)]
        return int(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - our own

    assert kilobytes("0.01") - kilobytes("0.0005") < 15_000  # the roll would be 40,000 and more


@pytest.mark.parametrize("scale", ["0", "-1", "nonsense", "0.000001"])
def test_a_scale_that_makes_no_petition_is_refused_in_one_line(
    scale: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([f"--scale={scale}", "--out", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
