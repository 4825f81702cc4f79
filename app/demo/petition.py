"""The made-up petition: who signs it, what they write, and the truth about each line.

The truth is for the simulated clerks and the last comparison only; the service never sees it. A truth file has one
JSON object per line, in the order of the places.
"""

import json
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, TypedDict

from app.demo.county import NOT_IN_FORCE, WINDOW_FIRST, Address, Building, County, Registration, alike
from app.demo.mix import KINDS, Mix, kinds
from app.demo.people import People, Person
from app.demo.writing import ILLEGIBLE, READERS, Pen, Text

LINES_PER_PAGE = 10
PAGES_PER_SECTION = 4
TRIPLE_SHARE = 0.1  # of the voters who sign more than once: how many sign three times
OCCUPIED_SHARE = 0.5  # of the signers who have moved: how many write an address where others are registered
MANY = 15  # people in a building, from which on a given name alone does not identify a person
REMEMBERED = 200  # buildings, and unused registrations of each kind
JUNIOR_SHARE = 0.03  # of the relatives in a hard petition: how many have the voter's own name
ILLEGIBLE_BUT_KNOWN = 0.3  # share of wrong characters from which a good matcher still finds some signers

PUBLISHED = {kind: result for result, of_result in KINDS.items() for kind in of_result}
CLASSES = {
    "valid": "valid", "signature_mismatch": "valid", "not_personally_affixed": "valid", "withdrawn": "valid",
    "illegible": "illegible", "no_signature": "other", "no_address": "other", "different_address": "moved",
    "canceled": "cancelled", "out_of_county": "ooc", "duplicate": "dup",
}  # fmt: skip
REASONS = dict.fromkeys(("relative", "housemate", "stranger", "stranger_at_home"), "not_registered")  # others: the kind

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


class Line(NamedTuple):
    """One line of the petition: the index of its place, what the station posts, and the truth."""

    at: int
    signature: dict[str, Any]
    truth: Truth


def place(index: int) -> tuple[int, int, int]:
    """Section, page and line of the nth line of the petition, from 0."""
    page, line = divmod(index, LINES_PER_PAGE)
    section, page = divmod(page, PAGES_PER_SECTION)
    return section + 1, page + 1, line + 1


def index_of(section: int, page: int, line: int) -> int:
    """The inverse of `place`."""
    return ((section - 1) * PAGES_PER_SECTION + page - 1) * LINES_PER_PAGE + line - 1


class TruthFile(AbstractContextManager["TruthFile"]):
    """A truth file, read by place; a context manager. Keeps 8 bytes per line in memory."""

    def __init__(self, path: Path) -> None:
        """Opens the file and finds its lines."""
        self._file = path.open("rb")
        self._starts = array("Q", accumulate(map(len, self._file), initial=0))

    def __exit__(self, *_: object) -> None:
        """Closes the file."""
        self._file.close()

    def __len__(self) -> int:
        """How many lines the petition has."""
        return len(self._starts) - 1

    def __iter__(self) -> Iterator[Truth]:
        """The truth of every line, in paper order."""
        self._file.seek(0)
        return map(json.loads, self._file)

    def __getitem__(self, place: str) -> Truth:
        """The truth of one line. Raises KeyError if the petition has no such place."""
        index = index_of(*map(int, place.split("-")))
        if not 0 <= index < len(self):
            raise KeyError(place)
        self._file.seek(self._starts[index])
        truth: Truth = json.loads(self._file.readline())
        return truth


class Petition:
    """Draws the lines of a petition while a county is streamed: show it every building once, then call `finish`."""

    def __init__(self, county: County, mix: Mix, seed: int, *, hard: bool = False) -> None:
        """Draws the places, and how many people sign in which way.

        Args:
            county: The county whose buildings will be shown.
            mix: How many lines of each result.
            seed: Of the petition; a county may have several.
            hard: Also draw unregistered people whom no lookup can distinguish from a voter: people with the same name
                at the same address, and relatives with a similar name. That tests a matcher, but has no certain result.
        """
        self._random = Random(f"petition {seed}")  # noqa: S311 - made up, not secret
        self._county, self._hard = county, hard
        self._people = People(self._random, county.names)
        self._pen = Pen(self._random, county.names, county.atlas)
        self._places = array("L", range(mix.raw))
        self._random.shuffle(self._places)
        self._kinds = [kind for kind, count in kinds(mix.lines).items() for _ in range(count)]
        self._random.shuffle(self._kinds)
        # For each valid voter, how many further lines: 0, 1 or 2.
        twice = int(mix.lines["duplicate"] * TRIPLE_SHARE / (1 + TRIPLE_SHARE))
        once = mix.lines["duplicate"] - 2 * twice
        self._copies = [2] * twice + [1] * once + [0] * (mix.lines["valid"] - once - twice)
        self._random.shuffle(self._copies)
        self._voters_left = mix.registered
        self._recent: deque[Building] = deque(maxlen=REMEMBERED)
        self._unused = {kind: deque[tuple[Registration, Building]](maxlen=REMEMBERED) for kind in NOT_IN_FORCE}
        self._waiting: list[str] = []

    def visit(self, building: Building) -> Iterator[Line]:
        """The lines of the voters of this building who sign, or of people drawn in their place."""
        self._recent.append(building)
        for kind, unused in self._unused.items():
            unused.extend((registration, building) for registration in building.not_in_force[kind])
        for voter in building.current:
            # The chance of each voter in turn makes the number of signers come out exactly.
            if self._random.random() * self._voters_left < len(self._kinds):
                yield from self._sign(self._kinds.pop(), voter, building)
            self._voters_left -= 1

    def finish(self) -> Iterator[Line]:
        """The lines for which the roll had no unused registration yet when their turn came."""
        for kind in self._waiting:
            if self._unused[kind]:
                yield self._registered_not_in_force(kind)
            elif kind == "canceled":
                raise ValueError("the county is too small: it has no canceled registration")
            else:  # a different kind with the same published result
                yield self._unregistered("stranger", self._recent[-1].current[0], self._recent[-1])

    def _sign(self, kind: str, voter: Registration, building: Building) -> Iterator[Line]:
        """The line or lines of a kind, drawn for this voter."""
        if kind == "valid":  # one to three lines: the lowest place counts (EC 105(b)), not the first to arrive
            indexes = sorted(self._places.pop() for _ in range(1 + self._copies.pop()))
            for copy, index in enumerate(indexes):
                text, ok = self._own(voter, building)
                yield self._line("duplicate" if copy else "valid", text, voter.voter_id, ok, index=index)
        elif kind == "different_address":
            text = self._pen.write(voter.person, self._elsewhere(voter, building))
            yield self._line(kind, text, voter.voter_id, [voter.voter_id])
        elif kind == "out_of_county":
            zip_, city = self._random.choice(self._county.names.outside)
            address = self._county.atlas.empty(self._random)._replace(city=city, zip=zip_)
            text = self._pen.write(self._people.adult(), address, known=None, error=READERS[0], outside=True)
            yield self._line(kind, text)
        elif self._unused.get(kind):
            yield self._registered_not_in_force(kind)
        elif kind in self._unused:
            self._waiting.append(kind)
        elif PUBLISHED.get(kind) == "not_registered":
            yield self._unregistered(kind, voter, building)
        else:
            yield self._flawed(kind, voter, building)

    def _flawed(self, kind: str, voter: Registration, building: Building) -> Line:
        """A registered voter's line that does not count for a reason other than the registration."""
        illegible = ILLEGIBLE_BUT_KNOWN if self._hard else ILLEGIBLE
        text, ok = self._own(voter, building, illegible if kind == "illegible" else 0)
        if kind == "no_address":
            box = self._random.choice(("", f"PO BOX {self._random.randint(10, 9999)}"))
            text = replace(text, entry={**text.entry, "residence_address": box}, tags="pobox" if box else "noaddress")
        return self._line(kind, text, voter.voter_id, ok)

    def _own(self, voter: Registration, building: Building, error: float = 0) -> tuple[Text, list[str]]:
        """A voter's line with an address of the registration, and the voters whom the entry fits equally well."""
        before = building.before.get(voter.voter_id)
        if before and before.to >= WINDOW_FIRST and self._random.random() < OCCUPIED_SHARE:
            # registered there for a part of the circulation (2 CCR 20931)
            return self._pen.write(voter.person, before.address, error=error), [voter.voter_id]
        same_name = [other.voter_id for other in building.current if _same_name(other.person, voter.person)]
        text = self._pen.write(voter.person, voter.address, known=_relatives(voter, building), error=error)
        return text, same_name

    def _registered_not_in_force(self, kind: str) -> Line:
        """A line of a person whose registration is canceled, or not in force yet."""
        signer, building = self._unused[kind].popleft()
        text = self._pen.write(signer.person, signer.address, known=_relatives(signer, building))
        return self._line(kind, text, signer.voter_id, [signer.voter_id])

    def _unregistered(self, kind: str, voter: Registration, building: Building) -> Line:
        """A line of a person who is in no roll: a relative or housemate of this voter, or a stranger."""
        address, tag = voter.address, kind
        surname = voter.person.last_name if kind == "relative" else ""
        if kind == "stranger_at_home":
            building = self._random.choice(self._recent)
            address = self._random.choice(building.current).address
        if kind == "stranger":
            address, person = self._county.atlas.empty(self._random), self._people.adult()
        elif self._hard and surname and self._random.random() < JUNIOR_SHARE:
            person, tag = voter.person._replace(suffix=""), "junior"
        else:
            person = self._clear_of(building, surname)
        return self._line(kind, self._pen.write(person, address, known=None), tag=tag)

    def _clear_of(self, building: Building, surname: str) -> Person:
        """A person who cannot be mistaken for any resident; in a hard petition, one whose name differs."""
        while True:
            person = self._people.adult(surname)
            taken = any(_same_name(person, resident.person) for resident in building.residents())
            if not taken and (self._hard or not _mistakable(person, building)):
                return person

    def _elsewhere(self, voter: Registration, building: Building) -> Address:
        """An address where this voter was not registered during the circulation."""
        before = building.before.get(voter.voter_id)
        if before and before.to < WINDOW_FIRST:
            return before.address
        other = self._random.choice(self._recent)
        if other is building or self._random.random() > OCCUPIED_SHARE or _mistakable(voter.person, other):
            return self._county.atlas.empty(self._random)
        return self._random.choice(other.current).address

    def _line(
        self, kind: str, text: Text, voter_id: str = "", ok: Sequence[str] = (), *, index: int = -1, tag: str = ""
    ) -> Line:
        """The line as posted, and its truth; at the next free place if it has no index."""
        index = self._places.pop() if index < 0 else index
        section, page, line = place(index)
        image = f"{self._random.getrandbits(256):064x}"
        signature = {"section": section, "page": page, "line": line, **text.entry}
        signature |= {"signed": kind != "no_signature", "image_sha256": image}
        truth: Truth = {
            "place": f"{section}-{page}-{line}",
            "status": "valid" if kind == "valid" else "invalid",
            "reason": None if kind == "valid" else REASONS.get(kind, kind),
            "published": PUBLISHED.get(kind, kind),
            "voter_id": voter_id,
            "class": CLASSES.get(kind, "notreg"),
            "ok": list(ok),
            "character_error": text.character_error,
            "tags": f"{tag} {text.tags}".strip(),
        }
        return Line(index, signature, truth)


def _same_name(one: Person, other: Person) -> bool:
    return (one.first_name, one.last_name) == (other.first_name, other.last_name)


def _given_names(person: Person) -> list[str]:
    """Every given name that is not only an initial."""
    names = person.first_name.split()
    return [*names, person.middle_name] if len(person.middle_name) > 1 else names


def _relatives(registration: Registration, building: Building) -> set[str]:
    """The given names of the building's other residents with the same surname."""
    surname, others = registration.person.last_name, (r for r in building.residents() if r is not registration)
    return {name for r in others if r.person.last_name == surname for name in _given_names(r.person)}


def _mistakable(person: Person, building: Building) -> bool:
    """Whether this person could be mistaken for a resident of the building."""
    people = [resident.person for resident in building.residents()]
    if len(people) > MANY:
        surname = person.last_name
        people = [other for other in people if other.last_name in surname or surname in other.last_name]
    theirs = {name for other in people for name in _given_names(other)}
    return any(alike(mine, name) for mine in _given_names(person) for name in theirs)
