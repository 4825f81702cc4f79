"""Makes up a county and a petition: who signs it, what they write, and the truth about each line.

python -m app.demo.generate --scale 0.01 --seed 1 --out DIR

The results are in the proportions that were published for the Gascón recall of 2022. The truth is for the simulated
clerks and the last comparison only; the service never sees it. A truth file has one JSON object per line, in the order
of the places.
"""

import argparse
import csv
import gzip
import json
import logging
import sys
import tempfile
from array import array
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from app.demo.county import CIRCULATION, HEADER, NOT_IN_FORCE, WINDOW_FIRST, Building, County, Dice, Registration, alike
from app.demo.writing import READERS, Pen

REGISTERED = 5_668_569
REQUIRED = 566_857
LINES = {  # the published result by line: Los Angeles County Registrar-Recorder, 15 August 2022
    "valid": 520_050,
    "not_registered": 88_464,
    "duplicate": 43_593,
    "different_address": 32_187,
    "signature_mismatch": 9_490,
    "canceled": 7_344,
    "out_of_county": 5_374,
    "other": 9_331,
}

# How the published lines divide further was not published; these shares are ours.
KINDS = {
    "not_registered": {
        "relative": 26,  # of a voter, at the voter's address
        "junior": 0,  # a relative with the voter's own name; drawn from the relatives of a hard petition
        "housemate": 20,  # of a voter, with another surname
        "stranger_at_home": 16,  # at an address of the roll where other people are registered
        "stranger": 28,  # at an address that is not in the roll
        "registered_late": 5,
        "pending_registration": 3,
        "under_age": 2,
    },
    "other": {"no_signature": 40, "no_address": 25, "illegible": 20, "not_personally_affixed": 10, "withdrawn": 5},
}

LINES_PER_PAGE = 10
PAGES_PER_SECTION = 4
TRIPLE_SHARE = 0.1  # of the voters who sign more than once: how many sign three times
OCCUPIED_SHARE = 0.5  # of the signers who have moved: how many write an address where others are registered
MANY = 15  # people in a building, from which on a given name alone does not identify a person
REMEMBERED = 200  # buildings, and unused registrations of each kind
JUNIOR_SHARE = 0.03  # of the relatives in a hard petition: how many have the voter's own name
ILLEGIBLE = 0.75  # share of wrong characters
ILLEGIBLE_BUT_KNOWN = 0.3  # share from which a good matcher still finds some signers

ALIASES = "aliases.csv"  # next to the files that the manifest names
NOTICE_EVERY = 100_000  # registrations
_LOG = logging.getLogger(__name__)
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode
PUBLISHED = {kind: result for result, of_result in KINDS.items() for kind in of_result}
CLASSES = {
    "valid": "valid", "signature_mismatch": "valid", "not_personally_affixed": "valid", "withdrawn": "valid",
    "illegible": "illegible", "no_signature": "other", "no_address": "other", "different_address": "moved",
    "canceled": "cancelled", "out_of_county": "ooc", "duplicate": "dup",
}  # fmt: skip
REASONS = dict.fromkeys(("relative", "junior", "housemate", "stranger", "stranger_at_home"), "not_registered")


class Mix(NamedTuple):
    """The counts at one scale."""

    registered: int  # current registrations in the county
    required: int  # signatures
    lines: dict[str, int]  # by published result

    @property
    def raw(self) -> int:
        """All lines of the petition."""
        return sum(self.lines.values())


def apportion(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Divides the total by weight with the largest remainders; the parts add up to the total exactly."""
    whole = sum(weights.values())
    parts = {key: total * weight // whole for key, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda key: -(total * weights[key] % whole))  # stable: ties in the order given
    for key in by_remainder[: total - sum(parts.values())]:
        parts[key] += 1
    return parts


def gascon(scale: Fraction) -> Mix:
    """The Gascón petition at a scale; 1 is the whole. Raises ValueError if a result would have no line."""
    if scale <= 0:
        raise ValueError("the scale must be above 0")
    lines = apportion(round(sum(LINES.values()) * scale), LINES)
    if min(lines.values()) == 0:
        raise ValueError("the scale is too small: a result would have no line")
    return Mix(round(REGISTERED * scale), ceil(REQUIRED * scale), lines)


def kinds(lines: Mapping[str, int]) -> dict[str, int]:
    """Lines by kind, which divides the published results further; a duplicate is a further line of a valid signer."""
    divided = [apportion(lines[result], KINDS.get(result, {result: 1})) for result in lines if result != "duplicate"]
    return {kind: count for of_result in divided for kind, count in of_result.items()}


Truth = TypedDict(
    "Truth",
    {
        "place": str,  # section-page-line
        "status": str,  # of the line's finding in the end
        "reason": str | None,  # likewise, a reason code
        "published": str,  # the result's line in the published table, such as not_registered for under_age
        "voter_id": str,  # the signer's, '' if the signer has no registration
        "class": str,  # for scoring the matcher: a value of CLASSES, or notreg
        "ok": list[str],  # the voters whom the entry fits equally well
        "character_error": float,  # share of wrong characters
        "tags": str,  # what the writer did, see `writing`
    },
)


def place(index: int) -> tuple[int, int, int]:
    """Section, page and line of the nth line of the petition, from 0."""
    page, line = divmod(index, LINES_PER_PAGE)
    section, page = divmod(page, PAGES_PER_SECTION)
    return section + 1, page + 1, line + 1


def read_truths(path: Path) -> Iterator[Truth]:
    """The truth of every line, in paper order."""
    with path.open("rb") as file:
        yield from map(json.loads, file)


class Petition:
    """Draws the lines of a petition while a county is streamed: show it every building once, then call `write_to`.

    They come in any order and are kept in a temporary file, with 8 bytes each in memory.
    """

    def __init__(self, county: County, mix: Mix, seed: int, folder: Path, *, hard: bool = False) -> None:
        """Draws the places, and how many people sign in which way.

        A hard petition also has unregistered people whom no lookup can distinguish from a voter: people with the same
        name at the same address, and relatives with a similar name. That tests a matcher, but has no certain result.
        """
        self._county, self._dice, self._hard = county, Dice(f"petition {seed}"), hard
        self._errors = {"out_of_county": READERS[0], "illegible": ILLEGIBLE_BUT_KNOWN if hard else ILLEGIBLE}
        self._places = array("L", range(mix.raw))
        self._kinds = [kind for kind, count in kinds(mix.lines).items() for _ in range(count)]
        # For each valid voter, how many further lines: 0, 1 or 2.
        twice = int(mix.lines["duplicate"] * TRIPLE_SHARE / (1 + TRIPLE_SHARE))
        once = mix.lines["duplicate"] - 2 * twice
        self._copies = [2] * twice + [1] * once + [0] * (mix.lines["valid"] - once - twice)
        for drawn in (self._places, self._kinds, self._copies):
            self._dice.shuffle(drawn)
        self._voters_left = mix.registered
        self._recent: deque[Building] = deque(maxlen=REMEMBERED)
        self._unused = {kind: deque[tuple[Registration, Building]](maxlen=REMEMBERED) for kind in NOT_IN_FORCE}
        self._waiting: list[str] = []
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by write_to
        self._starts = array("Q", bytes(8 * mix.raw))
        self.reasons = Counter[str]()

    def visit(self, building: Building) -> None:
        """Draw the lines of the voters of this building who sign, or of people drawn in their place."""
        self._recent.append(building)
        for kind, unused in self._unused.items():
            unused.extend((registration, building) for registration in building.not_in_force[kind])
        for voter in building.current:
            # The chance of each voter in turn makes the number of signers come out exactly.
            if self._dice.random() * self._voters_left < len(self._kinds):
                self._sign(self._kinds.pop(), voter, building)
            self._voters_left -= 1

    def write_to(self, folder: Path) -> None:
        """Write the lines and their truths in paper order."""
        for kind in self._waiting:  # the roll had no unused registration yet when their turn came
            if self._unused[kind]:
                self._not_in_force(kind)
            elif kind == "canceled":
                raise ValueError("the county is too small: it has no canceled registration")
            else:  # a different kind with the same published result
                self._unregistered("stranger", self._recent[-1].current[0], self._recent[-1])
        petition, truth = folder / "petition.ndjson", folder / "truth.ndjson"
        with self._file, petition.open("wb") as signatures, truth.open("wb") as truths:
            for start in self._starts:
                self._file.seek(start)
                signatures.write(self._file.readline())
                truths.write(self._file.readline())

    def _sign(self, kind: str, voter: Registration, building: Building) -> None:
        """Draw the line or lines of a kind for this voter."""
        if kind == "valid":  # one to three lines: the lowest place counts (EC 105(b)), not the first to arrive
            copies = 1 + self._copies.pop()
            self._places[-copies:] = array("L", sorted(self._places[-copies:], reverse=True))
            for copy in range(copies):
                self._registered("duplicate" if copy else "valid", voter, building)
        elif kind == "different_address":
            self._line(kind, self._elsewhere(voter, building))
        elif kind == "out_of_county":
            zip_, city = self._dice.choice(self._county.outside)
            address = self._county.empty(self._dice)._replace(city=city, zip=zip_)
            self._line(kind, Registration(self._dice.adult(), address), None)
        elif self._unused.get(kind):
            self._not_in_force(kind)
        elif kind in self._unused:
            self._waiting.append(kind)
        elif PUBLISHED.get(kind) == "not_registered":
            self._unregistered(kind, voter, building)
        else:  # what is wrong is not the registration
            self._registered(kind, voter, building)

    def _registered(self, kind: str, voter: Registration, building: Building) -> None:
        """A voter's line with an address of the registration."""
        before = building.before.get(voter.voter_id)
        if before and before.to >= WINDOW_FIRST and self._dice.chance(OCCUPIED_SHARE):
            self._line(kind, before)  # registered there for a part of the circulation (2 CCR 20931)
        else:
            ok = [other.voter_id for other in building.current if other.person[:2] == voter.person[:2]]
            self._line(kind, voter, _relatives(voter, building), *ok)

    def _not_in_force(self, kind: str) -> None:
        """A line of a person whose registration is canceled, or not in force yet."""
        signer, building = self._unused[kind].popleft()
        self._line(kind, signer, _relatives(signer, building))

    def _unregistered(self, kind: str, voter: Registration, building: Building) -> None:
        """A line of a person who is in no roll: a relative or housemate of this voter, or a stranger."""
        address, surname = voter.address, voter.person.last_name if kind == "relative" else ""
        if kind == "stranger_at_home":
            building = self._dice.choice(self._recent)
            address = self._dice.choice(building.current).address
        if kind == "stranger":
            address, person = self._county.empty(self._dice), self._dice.adult()
        elif self._hard and surname and self._dice.chance(JUNIOR_SHARE):
            kind, person = "junior", voter.person._replace(suffix="")
        else:
            person = self._dice.adult(surname)
            while self._taken(Registration(person, address), building):
                person = self._dice.adult(surname)
        self._line(kind, Registration(person, address), None)

    def _taken(self, signer: Registration, building: Building) -> bool:
        """Whether this person could be mistaken for a resident; in a hard petition, only one of the same name."""
        same = any(signer.person[:2] == resident.person[:2] for resident in building.residents())
        return same or (not self._hard and _mistakable(signer, building))

    def _elsewhere(self, voter: Registration, building: Building) -> Registration:
        """This voter at an address that was not the voter's during the circulation."""
        before = building.before.get(voter.voter_id)
        if before and before.to < WINDOW_FIRST:
            return before
        other = self._dice.choice(self._recent)
        if other is building or self._dice.random() > OCCUPIED_SHARE or _mistakable(voter, other):
            return voter._replace(address=self._county.empty(self._dice))
        return voter._replace(address=self._dice.choice(other.current).address)

    def _line(self, kind: str, signer: Registration, known: Collection[str] | None = (), *ok: str) -> None:
        """The line that this person writes at the next free place, and its truth."""
        index = self._places.pop()
        section, page, line = place(index)
        pen = Pen(self._dice, self._county, self._errors.get(kind, 0))
        entry = pen.write(signer, known)
        if kind == "no_address":
            entry["residence_address"] = box = self._dice.choice(("", f"PO BOX {self._dice.randint(10, 9999)}"))
            pen.tags = ["pobox" if box else "noaddress"]
        image = f"{self._dice.getrandbits(256):064x}"
        signature = {"section": section, "page": page, "line": line, **entry}
        signature |= {"signed": kind != "no_signature", "image_sha256": image}
        truth: Truth = {
            "place": f"{section}-{page}-{line}",
            "status": "valid" if kind == "valid" else "invalid",
            "reason": None if kind == "valid" else REASONS.get(kind, kind),
            "published": PUBLISHED.get(kind, kind),
            "voter_id": signer.voter_id,
            "class": CLASSES.get(kind, "notreg"),
            "ok": list(ok) or [signer.voter_id] * bool(signer.voter_id),
            "character_error": pen.error,
            "tags": " ".join([kind, *pen.tags] if kind in REASONS else pen.tags),
        }
        self._starts[index] = self._file.tell()
        self._file.write(f"{_ENCODE(signature)}\n{_ENCODE(truth)}\n".encode())
        if truth["reason"]:
            self.reasons[truth["reason"]] += 1


def _given_names(registration: Registration) -> list[str]:
    """Every given name that is not only an initial."""
    names, middle = registration.person.first_name.split(), registration.person.middle_name
    return [*names, middle] if len(middle) > 1 else names


def _relatives(signer: Registration, building: Building) -> set[str]:
    """The given names of the building's other residents with the same surname."""
    surname, others = signer.person.last_name, [other for other in building.residents() if other is not signer]
    return {name for other in others if other.person.last_name == surname for name in _given_names(other)}


def _mistakable(signer: Registration, building: Building) -> bool:
    """Whether this person could be mistaken for a resident of the building."""
    surname, residents = signer.person.last_name, list(building.residents())
    if len(residents) > MANY:
        near = [(resident, resident.person.last_name) for resident in residents]
        residents = [resident for resident, name in near if name in surname or surname in name]
    theirs = {name for resident in residents for name in _given_names(resident)}
    return any(alike(mine, name) for mine in _given_names(signer) for name in theirs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What was made, and what the petition's result must be. `manifest.json` has the same names."""

    scale: str
    seed: int
    petition_seed: int
    roll: str  # file names, in the same folder
    petition: str = "petition.ndjson"
    truth: str = "truth.ndjson"
    rows: int  # of the roll
    registered: int  # current registrations
    required: int
    circulation: tuple[str, str] = CIRCULATION
    filed: str = CIRCULATION[1]
    complete_through: str = CIRCULATION[1]
    expected: dict[str, Any]  # raw, valid, invalid, invalid_by_reason as published, by_reason as coded


def generate(
    scale: str,
    seed: int,
    out: Path,
    *,
    petition_seed: int | None = None,
    petition_scale: str | None = None,
    hard: bool = False,
    compress: bool = False,
) -> Manifest:
    """Writes roll.csv (or roll.csv.gz), aliases.csv, petition.ndjson, truth.ndjson, manifest.json into a folder.

    Args:
        scale: Of the county, a decimal number or fraction; 1 is 5,668,569 registrations.
        seed: The same seed and scale always give the same roll.
        out: The folder; created if missing, files in it are replaced.
        petition_seed: For another petition of the same county; the seed if not given.
        petition_scale: The petition's size, if it is not the county's.
        hard: See `Petition`; for tests of the matching.
        compress: Whether to gzip the roll.

    Raises:
        ValueError: A scale is not a positive number or too small, or the petition does not fit the county.
    """
    mix = gascon(Fraction(petition_scale or scale))._replace(registered=gascon(Fraction(scale)).registered)
    petition_seed = seed if petition_seed is None else petition_seed
    out.mkdir(parents=True, exist_ok=True)
    county = County(seed, mix.registered)
    petition = Petition(county, mix, petition_seed, out, hard=hard)
    roll = out / ("roll.csv.gz" if compress else "roll.csv")
    count = _write_csv(roll, HEADER, _rows(county, petition))
    _write_csv(out / ALIASES, ("kind", "alias", "name"), (("city", *names) for names in county.other_names))
    petition.write_to(out)
    expected: dict[str, Any] = {"raw": mix.raw, "valid": mix.lines["valid"], "invalid": mix.raw - mix.lines["valid"]}
    expected["invalid_by_reason"] = {reason: lines for reason, lines in mix.lines.items() if reason != "valid"}
    expected["by_reason"] = dict(sorted(petition.reasons.items()))
    manifest = Manifest(
        scale=scale, seed=seed, petition_seed=petition_seed, roll=roll.name, rows=count, registered=mix.registered,
        required=mix.required, expected=expected,
    )  # fmt: skip
    (out / "manifest.json").write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    return manifest


def _rows(county: County, petition: Petition) -> Iterator[tuple[str, ...]]:
    """The roll's rows, made building by building; the petition is drawn on the way."""
    made = 0
    for building in county.buildings():
        petition.visit(building)
        made += len(building.current)
        if made % NOTICE_EVERY < len(building.current):
            _LOG.info("%s registrations", f"{made:,}")
        yield from (registration.row() for registration in building.registrations())


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """Writes a file, compressed if its name says so; returns the number of rows."""
    count = 0
    text: Any = {"mode": "wt", "encoding": "utf-8", "newline": ""}
    with gzip.open(path, compresslevel=1, **text) if path.suffix == ".gz" else path.open(**text) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for count, row in enumerate(rows, start=1):  # noqa: B007  the last number is the result
            writer.writerow(row)
    return count


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns 2 if the arguments make no petition."""
    parser = argparse.ArgumentParser(prog="python -m app.demo.generate", description="Make up a county and a petition.")
    parser.add_argument("--scale", default="0.01", help="1 is the whole Gascón petition (default: 0.01)")
    parser.add_argument("--seed", type=int, default=1, help="of the county (default: 1)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the files")
    parser.add_argument("--petition-seed", type=int, help="another petition of the same county")
    parser.add_argument("--petition-scale", help="the petition's size, if it is not the county's")
    parser.add_argument("--hard", action="store_true", help="with signers whom no lookup can distinguish from a voter")
    parser.add_argument("--gzip", dest="compress", action="store_true", help="compress the roll")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        manifest = generate(**vars(parser.parse_args(arguments)))
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line
        return 2
    print(json.dumps(asdict(manifest), indent=2))  # noqa: T201 - a command line
    return 0


if __name__ == "__main__":
    sys.exit(main())
