"""How people fill in a line of a petition, with abbreviations and omissions, and how a station misreads it."""

from collections.abc import Collection
from dataclasses import dataclass, field

from app.demo.county import DIRECTIONS, TYPES, Address, County, Dice, Person, Registration, load_names

READERS = (0.003, 0.012, 0.04, 0.09)  # shares of wrong characters: keyed, keyed in haste, read by machine, read badly
READER_WEIGHTS = (60, 25, 12, 3)
MACHINE = 0.04  # the share from which on a machine has read the line


def _table(pairs: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in pairs.split())


SPELLED = _table(
    "ST:STREET AVE:AVENUE DR:DRIVE BLVD:BOULEVARD PL:PLACE RD:ROAD CT:COURT LN:LANE WAY:WAY CIR:CIRCLE TER:TERRACE"
    " N:NORTH S:SOUTH E:EAST W:WEST"
)
UNIT_FORMS = ("APT {}", "APT. {}", "UNIT {}", "#{}", "NO {}", "APT #{}", "{}")
RESPELLINGS = _table("PH:F CK:K LL:L TT:T NN:N Y:I IE:Y Z:S EZ:ES V:B EI:IE KS:X C:K S:Z QU:K J:H")
KEYED = _table(  # wrong characters of a keyboard
    "A:SQ B:VN C:XV D:SF E:WR F:DG G:FH H:GJ I:UO J:HK K:JL L:K M:N N:MB O:IP P:O Q:WA R:ET S:AD T:RY U:YI V:CB W:QE"
    " X:ZC Y:TU Z:X 0:9 1:2 2:13 3:24 4:35 5:46 6:57 7:68 8:79 9:80"
)
MISREAD = _table(  # wrong characters of a machine
    "A:4R B:8R C:GO D:O0 E:FC F:EP G:6C H:NM I:1L J:I K:X L:I1 M:N N:MH O:0D P:F Q:O R:K S:5 T:I7 U:V V:U W:VV X:K"
    " Y:V Z:2 0:O6 1:I7 2:Z 3:8 4:A9 5:S 6:G0 7:1 8:B3 9:4"
)
ENTRY = ("printed_name", "residence_address", "city", "zip")


@dataclass(slots=True)
class Pen:
    """Writes one line."""

    dice: Dice
    county: County  # whose zips people confuse
    error: float  # share of wrong characters; drawn if 0
    tags: list[str] = field(default_factory=list)  # what the writer did, such as "nick", "notype"

    def write(self, signer: Registration, known: Collection[str] | None) -> dict[str, str]:
        """What the station reads from the line: the fields of ENTRY.

        `known` are given names of others at a voter's address, which a nickname or second name must not be; None for
        signers who are not in the roll: they write their full name, so that they are not mistaken for a voter.
        """
        self.error = self.error or self.dice.choices(READERS, READER_WEIGHTS)[0]
        address = signer.address
        parts = [self._name(signer.person, known), self._residence(address)]
        inside = address.zip in self.county.aliases  # in another county, the city and the zip are always there
        parts += [self._city(address), self._zip(address)] if inside else [address.city]
        read = [self._read(part) for part in parts]
        return dict(zip(ENTRY, read if inside else [*read, address.zip], strict=True))

    def _chance(self, share: float, tag: str) -> bool:
        """True with this chance, and then adds the tag."""
        happens = self.dice.chance(share)
        if happens:
            self.tags.append(tag)
        return happens

    def _name(self, who: Person, known: Collection[str] | None) -> str:
        last, first, middle, suffix, *_ = who
        if known is not None:
            first, middle = self._given(first, middle, known)
            last = self._surname(last)
        if self.dice.chance(0.4):
            middle = ""
        elif middle and self.dice.chance(0.6):
            middle = middle[0] + ("." if self.dice.chance(0.2) else "")
        elif not middle and self._chance(0.05, "midadd"):
            middle = self.dice.choice("ABCDEGJLMRST")
        if self._chance(0.03, "lastfirst"):
            return _spaced(f"{last},", first, middle, suffix)
        if self._chance(0.014, "swapped"):
            return _spaced(last, first, middle)
        return _spaced(first, middle, last, suffix)

    def _given(self, first: str, middle: str, known: Collection[str]) -> tuple[str, str]:
        """The given names as a voter may write them, but never those of another resident."""
        nicknames = [name for name in load_names().nicknames.get(first, ()) if name not in known]
        if nicknames and self._chance(0.06, "nick"):
            return self.dice.choice(nicknames), middle
        if len(middle) > 1 and middle not in known and self._chance(0.015, "midasfirst"):
            return middle, ""
        if not any(name[0] == first[0] for name in known) and self._chance(0.011, "finit"):
            return first[0], middle[:1]
        return (self._respelled(first) if self._chance(0.009, "phonf") else first), middle

    def _surname(self, last: str) -> str:
        """The surname as a voter may write it: half of a double one, with another one, or as it sounds."""
        parts = last.replace("-", " ").split()
        if len(parts) == 2 and self._chance(0.3, "surpart"):  # noqa: PLR2004 - a double surname has two
            return self.dice.choice(parts)
        if self._chance(0.004, "suradd"):
            return f"{last}-{self.dice.draw(load_names().surnames)}"
        return self._respelled(last) if self._chance(0.012, "phon") else last

    def _respelled(self, word: str) -> str:
        """The word as a person spells it who has only heard it."""
        fitting = [(old, new) for old, new in RESPELLINGS.items() if old in word[1:]]
        if not fitting:
            return word
        old, new = self.dice.choice(fitting)
        return word[0] + word[1:].replace(old, new, 1)

    def _residence(self, address: Address) -> str:
        """House, street and unit on one line; two digits of the house may be exchanged, or one wrong."""
        fraction, house, street = address.house_fraction, address.house_number, address.street_name
        if fraction and self._chance(0.3, "nofraction"):
            fraction = ""
        if len(house) > 1 and self._chance(0.014, "hnum"):
            at = self.dice.randrange(1, len(house))
            one, other = house[at - 1], house[at]
            slip = other + one if one != other else one + str((int(other) + 1) % 10)
            house = house[: at - 1] + slip + house[at + 1 :]
        direction = self._direction(address.pre_direction)
        if " " in street and self._chance(0.02, "stjoin"):
            street = street.replace(" ", "")
        return _spaced(house, fraction, direction, street, self._type(address.street_type), self._unit(address))

    def _direction(self, direction: str) -> str:
        if not direction:
            return self.dice.choice(DIRECTIONS) if self._chance(0.02, "adddir") else ""
        if self._chance(0.2, "nodir"):
            return ""
        if self._chance(0.012, "wrongdir"):
            return self.dice.choice(DIRECTIONS.replace(direction, ""))
        return SPELLED[direction] if self.dice.chance(0.1) else direction

    def _type(self, type_: str) -> str:
        if not type_ or self._chance(0.13, "notype"):
            return ""
        if self._chance(0.015, "wrongtype"):
            type_ = self.dice.choice([other for other in TYPES if other != type_])
        return SPELLED[type_] if self.dice.chance(0.3) else type_

    def _unit(self, address: Address) -> str:
        unit = address.unit_number
        if not unit:
            return f"APT {self.dice.randint(1, 12)}" if self._chance(0.006, "addunit") else ""
        if self._chance(0.2, "nounit"):
            return ""
        if self._chance(0.02, "wrongunit"):
            unit = str(self.dice.randint(1, 40))
        return self.dice.choice(UNIT_FORMS).format(unit)

    def _city(self, address: Address) -> str:
        city, aliases = address.city, self.county.aliases.get(address.zip)
        if self._chance(0.03, "nocity"):
            return ""
        if aliases and self._chance(0.04, "cityalias"):
            city = self.dice.choice(aliases)
        elif city == "LOS ANGELES" and self.dice.chance(0.15):
            city = self.dice.choice(("LA", "L.A.", "L A"))
        return f"{city} CA" if self.dice.chance(0.08) else city

    def _zip(self, address: Address) -> str:
        if self._chance(0.05, "nozip"):
            return ""
        if self._chance(0.016, "wrongzip"):
            return self.dice.choice(self.county.zips)
        return f"{address.zip}-{self.dice.randint(1000, 9999)}" if self.dice.chance(0.03) else address.zip

    def _read(self, text: str) -> str:
        """The text with some wrong characters, as a keyboard or a machine makes them."""
        chance, wrong, read = self.dice.chance, MISREAD if self.error >= MACHINE else KEYED, ""
        for character in text:
            if not chance(self.error):
                read += character
            elif not chance(0.12):
                read += character * 2 if chance(0.1) else self.dice.choice(wrong.get(character, character))
        return read


def _spaced(*parts: str) -> str:
    """The parts that are not empty, with spaces between."""
    return " ".join(filter(None, parts))
