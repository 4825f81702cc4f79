"""A petition in another hand than the demo's: other slips, other forms of name and address, another shape of roll.

    python bench/noise.py --roll ROLL.csv --out DIR [--seed 1] [--lines 20000]

It takes the voters of a roll in the canonical columns and shares no table and no code with the demo, by whose petitions
the matcher was built; so it shows whether the matcher generalises. The roll is written anew as another county would
keep it (capitals and small letters, types and directions in words, fewer middle names), and lines are written with
slips of a German keyboard, letters exchanged, lost and doubled, signs that a machine takes for two (rn and m), blanks
lost and found, units in front, cities within the address.
"""

import argparse
import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

from rapidfuzz.distance import OSA

Row = dict[str, str]
_RATES: Final = ((0.002, 55), (0.01, 28), (0.03, 13), (0.07, 4))  # slips a character, and of how many lines in 100
_KEYS: Final = ("qwertzuiop", "asdfghjkl", "yxcvbnm", "1234567890")  # a German keyboard
_SEEN: Final = (
    ("rn", "m"), ("cl", "d"), ("vv", "w"), ("ii", "u"), ("l", "i"), ("l", "1"), ("o", "0"), ("o", "q"), ("e", "c"),
    ("h", "b"), ("s", "5"), ("g", "9"), ("g", "q"), ("z", "2"), ("b", "8"), ("n", "u"), ("a", "o"), ("f", "t"),
    ("v", "y"), ("k", "h"), ("1", "7"), ("3", "8"), ("6", "8"), ("4", "9"), ("0", "6"), ("5", "6"),
)  # fmt: skip
_SHORT: Final = {
    "robert": "rob bobby", "william": "bill willie", "elizabeth": "liz beth", "james": "jim jimmy",
    "john": "jack johnny", "michael": "mike", "jennifer": "jen jenny", "patricia": "pat patty", "david": "dave",
    "francisco": "pancho frank", "jose": "pepe joe", "guadalupe": "lupe", "margaret": "peggy maggie",
    "richard": "rick dick", "thomas": "tom", "susan": "sue", "katherine": "kate kathy", "christopher": "chris",
    "daniel": "dan danny", "jesus": "chuy", "maria": "mary", "barbara": "barb", "steven": "steve", "joseph": "joe",
    "anthony": "tony", "deborah": "debbie", "alfredo": "fred", "rebecca": "becky", "matthew": "matt",
    "kenneth": "ken", "gerardo": "jerry", "manuel": "manny", "victoria": "vicky",
}  # fmt: skip
_TYPES: Final = {
    "ST": "Street St. Str", "AVE": "Avenue Ave. Av", "DR": "Drive Dr.", "BLVD": "Boulevard Blvd. Bl", "PL": "Place Pl.",
    "RD": "Road Rd.", "CT": "Court Ct.", "LN": "Lane Ln.", "CIR": "Circle Cir.", "TER": "Terrace Terr", "WAY": "Way Wy",
}  # fmt: skip
_DIRECTIONS: Final = {"N": "North", "S": "South", "E": "East", "W": "West"}
_ELSEWHERE: Final = (("Reno", "89501"), ("Phoenix", "85004"), ("San Diego", "92101"), ("Fresno", "93721"))
_CLASSES: Final = (
    ("valid", 76), ("relative", 3), ("housemate", 2), ("newcomer", 2), ("stranger", 4), ("moved", 6), ("gone", 2),
    ("ooc", 1),
)  # fmt: skip
_ALIKE: Final = 3  # letters by which the given name of somebody else at the address must differ


class Hand:
    """Writes one line as its signer does, and reads it as its station does."""

    def __init__(self, random: Random) -> None:
        """Draw how well it is read, and whether in capitals."""
        self._random = random
        self.rate = random.choices([rate for rate, _ in _RATES], [share for _, share in _RATES])[0]
        self._case = random.choice((str.upper, str.title, str.lower, str.upper))
        self.tags: list[str] = []

    def _now_and_then(self, share: float, tag: str = "") -> bool:
        hit = self._random.random() < share
        if hit and tag:
            self.tags.append(tag)
        return hit

    def name(self, row: Row, others: Sequence[str] = (), *, plain: bool = False, second: bool = False) -> str:
        """The printed name.

        Plain where the writer must not be taken for somebody else; `second`: the middle name may come first.
        """
        first, middle, last = (row[f"{part}_name"].lower() for part in ("first", "middle", "last"))
        if not plain:
            first, middle = self._given(first, middle, others, second=second)
            last = self._surname(last)
        middle = self._random.choices(["", middle[:1], middle[:1] and middle[:1] + ".", middle], [50, 28, 8, 14])[0]
        suffix = row["suffix"] if self._now_and_then(0.6) else ""
        form = self._random.choices(
            ["{f} {m} {l} {s}", "{l}, {f} {m} {s}", "{l} {f} {m}", "Ms. {f} {l}", "{f} {m} {l}, {s}"], [86, 7, 2, 1, 4]
        )[0]
        words = form.format(f=first, m=middle, l=last, s=suffix).split()
        return self._read(self._case(" ".join(words).rstrip(", ")))

    def _given(self, first: str, middle: str, others: Sequence[str], *, second: bool) -> tuple[str, str]:
        shorts = [short for short in _SHORT.get(first, "").split() if short not in others]
        if shorts and self._now_and_then(0.08, "nick"):
            return self._random.choice(shorts), middle
        if second and middle not in others and self._now_and_then(0.01, "middle"):
            return middle, ""
        if not any(other[0] == first[0] for other in others) and self._now_and_then(0.012, "initial"):
            return first[0] + self._random.choice((".", "")), middle
        return first, middle

    def _surname(self, last: str) -> str:
        parts = last.replace("-", " ").split()
        if len(parts) == 2 and len(parts[0]) > len("del"):  # noqa: PLR2004 - of two surnames, not of a particle
            return self._random.choices([" ".join(parts), "-".join(parts), *parts], [45, 30, 15, 10])[0]
        return "".join(parts) if len(parts) > 1 and self._now_and_then(0.2, "joined") else last

    def address(self, row: Row) -> str:
        """House, street, unit, in many orders."""
        house = row["house_number"]
        if len(house) > 1 and self._now_and_then(0.012, "house"):
            at = self._random.randrange(len(house) - 1)
            house = house[:at] + house[at + 1] + house[at] + house[at + 2 :]
        ahead, kind = row["pre_direction"], row["street_type"]
        ahead = (
            ""
            if self._now_and_then(0.25)
            else self._random.choice((ahead, f"{ahead}." if ahead else "", _DIRECTIONS.get(ahead, "")))
        )
        kind = "" if self._now_and_then(0.15) else self._random.choice((kind, kind, *_TYPES.get(kind, kind).split()))
        street = " ".join(filter(None, (house, row["house_fraction"], ahead, row["street_name"], kind)))
        unit = "" if self._now_and_then(0.2) else row["unit_number"]
        if unit:
            forms = [
                "{s} apt {u}",
                "{s}, apt. {u}",
                "{s} #{u}",
                "{s} # {u}",
                "{s} unit {u}",
                "{s} apt#{u}",
                "{s} {u}",
                "apt {u}, {s}",
            ]
            street = self._random.choices(forms, [25, 15, 22, 6, 12, 8, 8, 4])[0].format(s=street, u=unit)
        if self._now_and_then(0.03, "city in it"):
            street += f", {row['city']}, CA {row['zip']}"
        return self._read(self._case(street))

    def place(self, row: Row) -> tuple[str, str]:
        """City and zip."""
        city = "" if self._now_and_then(0.05) else self._read(self._case(row["city"]))
        code = "" if self._now_and_then(0.06) else self._read(row["zip"][:5])
        return city, code

    def _read(self, text: str) -> str:
        """The text with its slips."""
        out, at = "", 0
        while at < len(text):
            if self._random.random() >= self.rate:
                out, at = out + text[at], at + 1
                continue
            written, taken = self._slip(text, at)
            out, at = out + (written.upper() if text[at].isupper() else written), at + taken
        return out

    def _slip(self, text: str, at: int) -> tuple[str, int]:
        """What is written in place of the letters at a position, and of how many."""
        sign, kind = text[at].lower(), self._random.random()
        if kind < 0.2 and at + 1 < len(text):  # noqa: PLR2004 - shares of the slips, here and below
            return text[at + 1] + text[at], 2
        if kind < 0.32:  # noqa: PLR2004
            return "", 1
        if kind < 0.4:  # noqa: PLR2004
            return text[at] * 2, 1
        if kind < 0.43:  # noqa: PLR2004
            return text[at] + " ", 1
        seen = [(a, b) for pair in _SEEN for a, b in (pair, pair[::-1]) if text[at:].lower().startswith(a)]
        if seen and kind < 0.8:  # noqa: PLR2004
            taken, written = self._random.choice(seen)
            return written, len(taken)
        beside = [
            keys[n]
            for keys in _KEYS
            if sign in keys
            for n in (keys.index(sign) - 1, keys.index(sign) + 1)
            if 0 <= n < len(keys)
        ]
        return (self._random.choice(beside), 1) if beside else (text[at], 1)


class Noise:
    """A petition of a roll's voters, in another hand."""

    def __init__(self, rows: list[Row], seed: int) -> None:
        """Group the voters by their homes."""
        self._random = Random(f"noise {seed}")  # noqa: S311 - made up, not secret
        self._rows = rows
        self._voters = [row for row in rows if row["status"] in {"active", "inactive"} and not row["effective_to"]
                        and row["affidavit_signed"] < "2022-01-01"]  # fmt: skip
        self._gone = [row for row in rows if row["status"] == "canceled" and "" < row["effective_to"] < "2022-01-01"]
        present = {_person(row) for row in rows if not row["effective_to"]}
        self._gone = [row for row in self._gone if _person(row) not in present]
        self._middles = {row["voter_id"]: self._middle(row["middle_name"]) for row in rows}
        self._home: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for row in rows:
            if not row["effective_to"]:
                self._home[_home(row)].append(row)

    def roll(self) -> Iterator[Row]:
        """The roll as another county keeps it."""
        for row in self._rows:
            kept = {
                column: value.title() if column.endswith(("_name", "city")) else value for column, value in row.items()
            }
            kept["middle_name"] = self._middles[row["voter_id"]].title()
            kept["suffix"] = {"JR": "Jr.", "SR": "Sr."}.get(row["suffix"], row["suffix"])
            kept["street_type"] = (
                _TYPES.get(row["street_type"], row["street_type"].title()).split()[0] if row["street_type"] else ""
            )
            kept["pre_direction"] = _DIRECTIONS.get(row["pre_direction"], "")
            kept["unit_type"] = "Apartment" if row["unit_number"] else ""
            if " " in row["last_name"] and self._random.random() < 0.3:  # noqa: PLR2004 - share
                kept["last_name"] = kept["last_name"].replace(" ", "-")
            yield kept

    def _middle(self, name: str) -> str:
        """A middle name as another county keeps it."""
        return self._random.choices([name, name[:1], ""], [50, 35, 15])[0]

    def lines(self, count: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """So many lines, each with its truth."""
        for index in range(count):
            kind = self._random.choices([kind for kind, _ in _CLASSES], [share for _, share in _CLASSES])[0]
            text, truth = self._line(kind)
            place = (index // 40 + 1, index // 10 % 4 + 1, index % 10 + 1)
            line = dict(zip(("section", "page", "line"), place, strict=True)) | text | {"signed": True}
            yield line, {"place": "-".join(map(str, place)), **truth}

    def _line(self, kind: str) -> tuple[dict[str, str], dict[str, Any]]:
        hand, row = Hand(self._random), self._random.choice(self._voters)
        if kind == "valid":
            return self._written(hand, self._name(hand, row), row, kind, self._namesakes(row))
        if kind == "gone":
            row = self._random.choice(self._gone)
            return self._written(hand, self._name(hand, row), row, "cancelled", [row["voter_id"]])
        if kind == "moved":
            home = self._empty()
            return self._written(hand, self._name(hand, row), home, kind, [row["voter_id"]])
        somebody = self._somebody_else(row if kind != "newcomer" else None, row)
        home = self._empty() if kind in {"stranger", "ooc"} else row
        if kind == "relative":
            somebody = somebody | {"last_name": row["last_name"]}
        if kind == "ooc":
            city, code = self._random.choice(_ELSEWHERE)
            hand.rate = 0
            home = home | {"city": city, "zip": code}
        text, truth = self._written(
            hand, hand.name(somebody, plain=True), home, "ooc" if kind == "ooc" else "notreg", []
        )
        return text, truth | {"tags": f"{kind} {truth['tags']}".strip()}

    def _written(
        self, hand: Hand, name: str, home: Row, kind: str, ok: list[str]
    ) -> tuple[dict[str, str], dict[str, Any]]:
        city, code = hand.place(home)
        text = {"printed_name": name, "residence_address": hand.address(home), "city": city, "zip": code}
        return text, {"class": kind, "ok": ok, "character_error": hand.rate, "tags": " ".join(hand.tags)}

    def _name(self, hand: Hand, row: Row) -> str:
        """A voter's name; who is called by a middle name that the roll lacks cannot be found by anybody."""
        whole = len(self._middles[row["voter_id"]]) > 1
        return hand.name(row, self._others(row), second=whole)

    def _others(self, row: Row) -> list[str]:
        """The given names of the others of the surname at home."""
        others = [
            o for o in self._home[_home(row)] if o["voter_id"] != row["voter_id"] and o["last_name"] == row["last_name"]
        ]
        return [o[name].lower() for o in others for name in ("first_name", "middle_name") if o[name]]

    def _namesakes(self, row: Row) -> list[str]:
        names = row["first_name"], row["last_name"]
        return [o["voter_id"] for o in self._home[_home(row)] if (o["first_name"], o["last_name"]) == names]

    def _somebody_else(self, like: Row | None, at: Row) -> Row:
        """A person who is not registered and cannot be taken for anybody at home."""
        home = self._home[_home(at)]
        taken = [o[name] for o in home for name in ("first_name", "middle_name") if len(o[name]) > 1]
        while True:
            given, family = self._random.choice(self._voters), self._random.choice(self._voters)
            first = given["first_name"]
            near = any(OSA.distance(first, name) <= _ALIKE or first in name or name in first for name in taken)
            if " " not in first and not near and (like is None or family["last_name"] != at["last_name"]):
                return family | {"first_name": first, "suffix": ""}

    def _empty(self) -> Row:
        """An address at which nobody is registered, nor one digit off."""
        row = self._random.choice(self._voters)
        while True:
            house = str(self._random.randrange(100, 20_000))
            home = row | {"house_number": house, "house_fraction": "", "unit_number": ""}
            if _home(home) not in self._home:
                return home


def _home(row: Row) -> tuple[str, ...]:
    return tuple(row[column] for column in ("house_number", "pre_direction", "street_name", "street_type", "zip"))


def _person(row: Row) -> tuple[str, ...]:
    return row["last_name"], row["first_name"], row["birth_date"]


def make(roll: Path, out: Path, seed: int, lines: int) -> None:
    """Write roll.csv, petition.ndjson and truth.ndjson into a folder."""
    with gzip.open(roll, "rt", encoding="utf-8") if roll.suffix == ".gz" else roll.open(encoding="utf-8") as file:
        noise = Noise(list(csv.DictReader(file)), seed)
    out.mkdir(parents=True, exist_ok=True)
    with (out / "roll.csv").open("w", encoding="utf-8", newline="") as file:
        first, *rest = noise.roll()
        writer = csv.DictWriter(file, list(first), lineterminator="\n")
        writer.writeheader()
        writer.writerows([first, *rest])
    with (
        (out / "petition.ndjson").open("w", encoding="utf-8") as petition,
        (out / "truth.ndjson").open("w", encoding="utf-8") as truths,
    ):
        for line, truth in noise.lines(lines):
            petition.write(json.dumps(line) + "\n")
            truths.write(json.dumps(truth) + "\n")


def main() -> None:
    """Read the arguments and write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--roll", type=Path, required=True, help="in the canonical columns")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lines", type=int, default=20_000)
    arguments = parser.parse_args()
    make(arguments.roll, arguments.out, arguments.seed, arguments.lines)


if __name__ == "__main__":
    main()
