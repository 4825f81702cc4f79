"""The made-up petition: who signs it, what they write, and what is true of each line."""

from array import array
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

from app.demo.county import WINDOW_FIRST, Building, County, Row, alike
from app.demo.mix import KINDS, Mix, kinds
from app.demo.people import DAYS, Human, People
from app.demo.streets import Address
from app.demo.truth import Truth, place
from app.demo.writing import ILLEGIBLE, Pen, Text

TRIPLE_SHARE = 0.1  # of the voters who sign more than once: how many sign three times
OCCUPIED_SHARE = 0.5  # of the signers who have moved: how many write an address where others are registered
MANY = 15  # people in a building, from which on a given name alone is no sign of being the same person
REMEMBERED = 200  # buildings, and unused registrations of each kind
JUNIOR_SHARE = 0.03  # of the relatives in a hard petition: how many bear the voter's own name
ILLEGIBLE_BUT_KNOWN = 0.3  # share of wrong characters from which a good matcher still finds some signers

PUBLISHED = {kind: result for result, of_result in KINDS.items() for kind in of_result}
CLASSES = {
    "valid": "valid", "signature_mismatch": "valid", "not_personally_affixed": "valid", "withdrawn": "valid",
    "illegible": "illegible", "no_signature": "other", "no_address": "other", "different_address": "moved",
    "canceled": "cancelled", "out_of_county": "ooc", "duplicate": "dup",
}  # fmt: skip
REASONS = dict.fromkeys(("relative", "housemate", "stranger", "stranger_at_home"), "not_registered")  # the others' own
IN_THE_ROLL = ("canceled", "registered_late", "pending_registration", "under_age")  # signers who are no voters


class Line(NamedTuple):
    """One line of the petition: its place, as an index, and the two things to be written about it."""

    at: int
    signature: dict[str, Any]  # what the station posts
    truth: Truth


class Petition:
    """Draws the lines of a petition while a county is streamed past it: show it every building once, then `finish`."""

    def __init__(self, county: County, mix: Mix, seed: int, *, hard: bool = False) -> None:
        """Draws the places and how many sign in which way.

        Args:
            county: the county whose buildings will be shown.
            mix: how many lines of each result.
            seed: of the petition; a county may have several.
            hard: also draw unregistered people whom no lookup can tell from a voter: namesakes at the same address,
                relatives of a similar name. That tests a matcher, but nobody could say for certain how it must end.
        """
        self._random = Random(f"petition {seed}")  # noqa: S311 - made up, not secret
        self._county = county
        self._hard = hard
        self._people = People(self._random, county.names)
        self._pen = Pen(self._random, county.names, county.atlas)
        self._places = array("L", range(mix.raw))
        self._random.shuffle(self._places)
        self._kinds = [kind for kind, count in kinds(mix.lines).items() for _ in range(count)]
        self._random.shuffle(self._kinds)
        self._copies = self._draw_copies(mix)
        self._voters_left = mix.registered
        self._recent: deque[Building] = deque(maxlen=REMEMBERED)
        self._unused: dict[str, deque[tuple[Row, Building]]] = {kind: deque(maxlen=REMEMBERED) for kind in IN_THE_ROLL}
        self._waiting: list[str] = []

    def _draw_copies(self, mix: Mix) -> list[int]:
        """For each valid voter, how many further lines: 0, 1 or 2."""
        twice = int(mix.lines["duplicate"] * TRIPLE_SHARE / (1 + TRIPLE_SHARE))
        once = mix.lines["duplicate"] - 2 * twice
        copies = [2] * twice + [1] * once + [0] * (mix.lines["valid"] - once - twice)
        self._random.shuffle(copies)
        return copies

    def visit(self, building: Building) -> Iterator[Line]:
        """The lines of those who sign in this building, and of those who are made up beside them."""
        self._recent.append(building)
        for kind, unused in self._unused.items():
            unused.extend((row, building) for row in getattr(building, kind))
        for row in building.current:
            # each voter in turn is drawn with the chance that brings the number of signers out exactly
            if self._random.random() * self._voters_left < len(self._kinds):
                yield from self._sign(self._kinds.pop(), row, building)
            self._voters_left -= 1

    def finish(self) -> Iterator[Line]:
        """The lines of signers of whom there was none in the roll yet when their turn came."""
        for kind in self._waiting:
            if self._unused[kind]:
                yield self._in_the_roll(kind)
            elif kind == "canceled":
                message = "the county is too small: nobody's registration was canceled"
                raise ValueError(message)
            else:  # another of the published line Not Registered
                yield self._unregistered("stranger", self._recent[-1].current[0], self._recent[-1])

    def _sign(self, kind: str, row: Row, building: Building) -> Iterator[Line]:
        """The line or lines that this voter brings about."""
        if kind == "valid":
            yield from self._valid(row, building)
        elif kind == "different_address":
            yield self._line(kind, self._pen.write(row, self._elsewhere(row, building)), row.voter_id, [row.voter_id])
        elif kind == "out_of_county":
            yield self._out_of_county()
        elif kind in self._unused:
            if self._unused[kind]:
                yield self._in_the_roll(kind)
            else:
                self._waiting.append(kind)
        elif PUBLISHED.get(kind) == "not_registered":
            yield self._unregistered(kind, row, building)
        else:
            yield self._flawed(kind, row, building)

    def _valid(self, row: Row, building: Building) -> list[Line]:
        """A voter's good lines, one to three: the lowest place counts (EC 105(b)), whatever came first."""
        lines = []
        indexes = sorted(self._places.pop() for _ in range(1 + self._copies.pop()))
        for copy, index in enumerate(indexes):
            text, ok = self._own(row, building)
            lines.append(self._line("duplicate" if copy else "valid", text, row.voter_id, ok, index=index))
        return lines

    def _flawed(self, kind: str, row: Row, building: Building) -> Line:
        """A registered voter's line that does not count for another reason than the registration."""
        error = 0.0
        if kind == "illegible":
            error = ILLEGIBLE_BUT_KNOWN if self._hard else ILLEGIBLE
        text, ok = self._own(row, building, error)
        if kind == "no_address":
            box = self._random.choice(("", f"PO BOX {self._random.randint(10, 9999)}"))
            text = replace(text, residence_address=box, tags="pobox" if box else "noaddress")
        return self._line(kind, text, row.voter_id, ok, signed=kind != "no_signature")

    def _own(self, row: Row, building: Building, error: float = 0) -> tuple[Text, list[str]]:
        """A voter's line with an address of the registration, and the voters whom that writing fits as well."""
        before = building.before.get(row.voter_id)
        if before and before.effective_to >= DAYS[WINDOW_FIRST] and self._random.random() < OCCUPIED_SHARE:
            # registered there for a part of the circulation (2 CCR 20931)
            return self._pen.write(row, before.address, error=error), [row.voter_id]
        namesakes = [other.voter_id for other in building.current if _same_name(other, row)]
        return self._pen.write(row, row.address, known=_others(row, building), error=error), namesakes

    def _in_the_roll(self, kind: str) -> Line:
        """Somebody whose registration is canceled, or not in force yet."""
        row, building = self._unused[kind].popleft()
        text = self._pen.write(row, row.address, known=_others(row, building))
        return self._line(kind, text, row.voter_id, [row.voter_id])

    def _out_of_county(self) -> Line:
        zip_, city = self._random.choice(self._county.names.outside)
        address = self._county.atlas.empty(self._random)
        return self._line("out_of_county", self._pen.outside(self._people.adult(), address, zip_, city))

    def _unregistered(self, kind: str, row: Row, building: Building) -> Line:
        """Somebody who is in no roll: a relative or housemate of this voter, or a stranger."""
        address = row.address
        if kind == "stranger":
            address = self._county.atlas.empty(self._random)
            return self._line(kind, self._pen.write(self._people.adult(), address, voter=False), tags=kind)
        if kind == "stranger_at_home":
            building = self._random.choice(self._recent)
            address = self._random.choice(building.current).address
        surname = row.last_name if kind == "relative" else ""
        if self._hard and surname and self._random.random() < JUNIOR_SHARE:
            return self._line(kind, self._pen.write(row._replace(suffix=""), address, voter=False), tags="junior")
        person = self._clear_of(building, surname)
        return self._line(kind, self._pen.write(person, address, voter=False), tags=kind)

    def _clear_of(self, building: Building, surname: str) -> Human:
        """Somebody who cannot be taken for anybody of the building; in a hard petition, for nobody of the same name."""
        while True:
            person = self._people.adult(surname)
            taken = any(_same_name(person, row) for row in building.people())
            if not taken and (self._hard or not _mistakable(person, building)):
                return person

    def _elsewhere(self, row: Row, building: Building) -> Address:
        """An address where this voter was not registered while the petition went round."""
        before = building.before.get(row.voter_id)
        if before and before.effective_to < DAYS[WINDOW_FIRST]:
            return before.address
        other = self._random.choice(self._recent)
        if other is building or self._random.random() > OCCUPIED_SHARE or _mistakable(row, other):
            return self._county.atlas.empty(self._random)
        return self._random.choice(other.current).address

    def _line(
        self,
        kind: str,
        text: Text,
        voter_id: str = "",
        ok: list[str] | None = None,
        *,
        signed: bool = True,
        index: int | None = None,
        tags: str = "",
    ) -> Line:
        """The line as posted, and its truth."""
        index = self._places.pop() if index is None else index
        section, page, line = place(index)
        signature = {
            "section": section,
            "page": page,
            "line": line,
            "printed_name": text.printed_name,
            "residence_address": text.residence_address,
            "city": text.city,
            "zip": text.zip,
            "signed": signed,
            "image_sha256": f"{self._random.getrandbits(256):064x}",
        }
        published = PUBLISHED.get(kind, kind)
        truth: Truth = {
            "place": f"{section}-{page}-{line}",
            "status": "valid" if kind == "valid" else "invalid",
            "reason": None if kind == "valid" else REASONS.get(kind, kind),
            "published": published,
            "voter_id": voter_id,
            "class": CLASSES.get(kind, "notreg"),
            "ok": ok or [],
            "character_error": text.character_error,
            "tags": f"{tags} {text.tags}".strip(),
        }
        return Line(index, signature, truth)


def _same_name(one: Row | Human, other: Row | Human) -> bool:
    return one.first_name == other.first_name and one.last_name == other.last_name


def _given_names(person: Row | Human) -> Iterator[str]:
    """Every given name that is written out."""
    yield from person.first_name.split()
    if len(person.middle_name) > 1:
        yield person.middle_name


def _others(row: Row, building: Building) -> set[str]:
    """The given names of the building's others of the same surname."""
    others = [other for other in building.people() if other.last_name == row.last_name and other is not row]
    return {name for other in others for name in _given_names(other)}


def _mistakable(person: Row | Human, building: Building) -> bool:
    """Whether this person could be taken for somebody of the building."""
    people = list(building.people())
    if len(people) > MANY:
        surname = person.last_name
        people = [row for row in people if row.last_name in surname or surname in row.last_name]
    theirs = {name for row in people for name in _given_names(row)}
    return any(alike(mine, name) for mine in _given_names(person) for name in theirs)
