"""How people fill in a line of a petition, and how a station reads it: readable, abbreviated, forgetful, misread."""

from collections.abc import Collection
from dataclasses import dataclass
from random import Random

from app.demo.county import Row
from app.demo.names import Names
from app.demo.people import Human
from app.demo.streets import DIRECTIONS, TYPES, Address, Atlas

READERS = (0.003, 0.012, 0.04, 0.09)  # shares of wrong characters: keyed, keyed in haste, read by machine, read badly
READER_WEIGHTS = (60, 25, 12, 3)
MACHINE = 0.04  # from here on a machine has read the line
ILLEGIBLE = 0.75

SPELLED_TYPES = {
    "ST": "STREET", "AVE": "AVENUE", "DR": "DRIVE", "BLVD": "BOULEVARD", "PL": "PLACE", "RD": "ROAD",
    "CT": "COURT", "LN": "LANE", "WAY": "WAY", "CIR": "CIRCLE", "TER": "TERRACE",
}  # fmt: skip
SPELLED_DIRECTIONS = {"N": "NORTH", "S": "SOUTH", "E": "EAST", "W": "WEST"}
UNIT_FORMS = ("APT {}", "APT. {}", "UNIT {}", "#{}", "NO {}", "APT #{}", "{}")
RESPELLINGS = (
    ("PH", "F"), ("CK", "K"), ("LL", "L"), ("TT", "T"), ("NN", "N"), ("Y", "I"), ("IE", "Y"), ("Z", "S"),
    ("EZ", "ES"), ("V", "B"), ("EI", "IE"), ("KS", "X"), ("C", "K"), ("S", "Z"), ("QU", "K"), ("J", "H"),
)  # fmt: skip
KEYED = {
    "A": "SQ", "B": "VN", "C": "XV", "D": "SF", "E": "WR", "F": "DG", "G": "FH", "H": "GJ", "I": "UO", "J": "HK",
    "K": "JL", "L": "K", "M": "N", "N": "MB", "O": "IP", "P": "O", "Q": "WA", "R": "ET", "S": "AD", "T": "RY",
    "U": "YI", "V": "CB", "W": "QE", "X": "ZC", "Y": "TU", "Z": "X",
    "0": "9", "1": "2", "2": "13", "3": "24", "4": "35", "5": "46", "6": "57", "7": "68", "8": "79", "9": "80",
}  # fmt: skip
MISREAD = {
    "A": "4R", "B": "8R", "C": "GO", "D": "O0", "E": "FC", "F": "EP", "G": "6C", "H": "NM", "I": "1L", "J": "I",
    "K": "X", "L": "I1", "M": "N", "N": "MH", "O": "0D", "P": "F", "Q": "O", "R": "K", "S": "5", "T": "I7", "U": "V",
    "V": "U", "W": "VV", "X": "K", "Y": "V", "Z": "2",
    "0": "O6", "1": "I7", "2": "Z", "3": "8", "4": "A9", "5": "S", "6": "G0", "7": "1", "8": "B3", "9": "4",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Text:
    """What the station read from one line, and what happened to it on the way."""

    printed_name: str
    residence_address: str
    city: str
    zip: str
    character_error: float
    tags: str  # words for what the writer did, such as "nick notype"


class Pen:
    """Writes lines, with one stream of random numbers."""

    def __init__(self, random: Random, names: Names, atlas: Atlas) -> None:
        """Knows the county's names and zips, to err as its people do."""
        self._random = random
        self._names = names
        self._atlas = atlas
        self._tags: list[str] = []

    def write(
        self, who: Row | Human, address: Address, *, known: Collection[str] = (), voter: bool = True, error: float = 0
    ) -> Text:
        """One line.

        Args:
            who: the signer.
            address: what the signer means to write.
            known: given names of others at a voter's address, which a nickname or second name must not be.
            voter: whether the signer takes the freedoms of a voter who is in the roll; others write their name in full,
                so that they cannot be taken for somebody else.
            error: the share of wrong characters; drawn if 0.
        """
        self._tags = []
        error = error or self._random.choices(READERS, READER_WEIGHTS)[0]
        parts = (self._name(who, known, voter=voter), self._residence(address), self._city(address), self._zip(address))
        name, street, city, zip_ = (self._read(part, error) for part in parts)
        return Text(name, street, city, zip_, error, " ".join(self._tags))

    def outside(self, who: Human, address: Address, zip_: str, city: str) -> Text:
        """A line with an address in another county, its zip readable."""
        self._tags = []
        parts = (self._name(who, (), voter=False), self._residence(address), city)
        name, street, city = (self._read(part, READERS[0]) for part in parts)
        return Text(name, street, city, zip_, READERS[0], " ".join(self._tags))

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _now_and_then(self, share: float, tag: str) -> bool:
        if self._chance(share):
            self._tags.append(tag)
            return True
        return False

    def _name(self, who: Row | Human, known: Collection[str], *, voter: bool) -> str:
        """The printed name."""
        first, last, middle = who.first_name, who.last_name, who.middle_name
        if voter:
            first, middle = self._given(first, middle, known)
            last = self._surname(last)
        if self._chance(0.4):
            middle = ""
        elif middle and self._chance(0.6):
            middle = middle[0] + ("." if self._chance(0.2) else "")
        elif not middle and self._now_and_then(0.05, "midadd"):
            middle = self._random.choice("ABCDEGJLMRST")
        if self._now_and_then(0.03, "lastfirst"):
            return _spaced(f"{last},", first, middle, who.suffix)
        if self._now_and_then(0.014, "swapped"):
            return _spaced(last, first, middle)
        return _spaced(first, middle, last, who.suffix)

    def _given(self, first: str, middle: str, known: Collection[str]) -> tuple[str, str]:
        """The given names as a voter may write them, but never those of somebody else at the address."""
        nicknames = [name for name in self._names.nicknames.get(first, ()) if name not in known]
        if nicknames and self._now_and_then(0.06, "nick"):
            return self._random.choice(nicknames), middle
        if len(middle) > 1 and middle not in known and self._now_and_then(0.015, "midasfirst"):
            return middle, ""
        if not any(name[0] == first[0] for name in known) and self._now_and_then(0.011, "finit"):
            return first[0], middle[:1]
        if self._now_and_then(0.009, "phonf"):
            return self._respelled(first), middle
        return first, middle

    def _surname(self, last: str) -> str:
        """The surname as a voter may write it: half of a double one, one more, or by ear."""
        parts = last.replace("-", " ").split()
        if len(parts) == 2 and self._now_and_then(0.3, "surpart"):  # noqa: PLR2004 - a double surname has two
            return self._random.choice(parts)
        if self._now_and_then(0.004, "suradd"):
            return f"{last}-{self._names.surnames.draw(self._random.random)}"
        if self._now_and_then(0.012, "phon"):
            return self._respelled(last)
        return last

    def _respelled(self, word: str) -> str:
        """The word as somebody spells it who has only heard it."""
        fitting = [(old, new) for old, new in RESPELLINGS if old in word[1:]]
        if not fitting:
            return word
        old, new = self._random.choice(fitting)
        return word[0] + word[1:].replace(old, new, 1)

    def _residence(self, address: Address) -> str:
        """House, street and unit on one line."""
        fraction = address.house_fraction
        if fraction and self._now_and_then(0.3, "nofraction"):
            fraction = ""
        parts = (self._house(address), fraction, self._direction(address.pre_direction), self._street(address))
        return _spaced(*parts, self._type(address.street_type), self._unit(address))

    def _house(self, address: Address) -> str:
        """The house number, now and then with a slip of the pen."""
        digits = list(address.house_number)
        if len(digits) > 1 and self._now_and_then(0.014, "hnum"):
            at = self._random.randrange(1, len(digits))
            if digits[at] != digits[at - 1]:
                digits[at], digits[at - 1] = digits[at - 1], digits[at]
            else:
                digits[at] = str((int(digits[at]) + 1) % 10)
        return "".join(digits)

    def _direction(self, direction: str) -> str:
        if not direction:
            return self._random.choice(DIRECTIONS) if self._now_and_then(0.02, "adddir") else ""
        if self._now_and_then(0.2, "nodir"):
            return ""
        if self._now_and_then(0.012, "wrongdir"):
            return self._random.choice(DIRECTIONS.replace(direction, ""))
        return SPELLED_DIRECTIONS[direction] if self._chance(0.1) else direction

    def _street(self, address: Address) -> str:
        name = address.street_name
        if " " in name and self._now_and_then(0.02, "stjoin"):
            return name.replace(" ", "")
        return name

    def _type(self, type_: str) -> str:
        if not type_ or self._now_and_then(0.13, "notype"):
            return ""
        if self._now_and_then(0.015, "wrongtype"):
            type_ = self._random.choice([other for other in TYPES if other != type_])
        return SPELLED_TYPES[type_] if self._chance(0.3) else type_

    def _unit(self, address: Address) -> str:
        unit = address.unit_number
        if not unit:
            return f"APT {self._random.randint(1, 12)}" if self._now_and_then(0.006, "addunit") else ""
        if self._now_and_then(0.2, "nounit"):
            return ""
        if self._now_and_then(0.02, "wrongunit"):
            unit = str(self._random.randint(1, 40))
        return self._random.choice(UNIT_FORMS).format(unit)

    def _city(self, address: Address) -> str:
        aliases = self._atlas.aliases.get(address.zip)
        city = address.city
        if self._now_and_then(0.03, "nocity"):
            return ""
        if aliases and self._now_and_then(0.04, "cityalias"):
            city = self._random.choice(aliases)
        elif city == "LOS ANGELES" and self._random.random() < 0.15:  # noqa: PLR2004 - how often the short form
            city = self._random.choice(("LA", "L.A.", "L A"))
        return f"{city} CA" if self._chance(0.08) else city

    def _zip(self, address: Address) -> str:
        if self._now_and_then(0.05, "nozip"):
            return ""
        if self._now_and_then(0.016, "wrongzip"):
            return self._random.choice(self._atlas.zips)
        return f"{address.zip}-{self._random.randint(1000, 9999)}" if self._chance(0.03) else address.zip

    def _read(self, text: str, error: float) -> str:
        """The text with so many wrong characters, as a hand or a machine makes them."""
        uniform = self._random.random
        wrong = MISREAD if error >= MACHINE else KEYED
        return "".join(self._misread(c, wrong) if uniform() < error else c for c in text)

    def _misread(self, character: str, wrong: dict[str, str]) -> str:
        """One wrong character: another, none, or twice the same."""
        if self._chance(0.12):
            return ""
        if self._chance(0.1):
            return character * 2
        return self._random.choice(wrong.get(character, character))


def _spaced(*parts: str) -> str:
    """The parts that are there, with spaces between."""
    return " ".join(part for part in parts if part)
