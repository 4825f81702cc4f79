"""The made-up county's roll, streamed building by building, the same for the same seed.

Nothing but the streets is kept, so that a county of 5.7 million registrations needs no more memory than a small one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from app.demo.names import load_names
from app.demo.people import DAYS, YEAR, Human, People, day
from app.demo.streets import Address, Atlas

WINDOW_FIRST, WINDOW_LAST = day(2022, 1, 27), day(2022, 7, 6)  # the circulation; filed on its last day
FIRST_SIGNED = day(1990, 1, 1)
LAST_SIGNED = day(2022, 6, 10)  # of the affidavits of current registrations: all received before the filing
FORMER_SHARE = 0.05  # canceled registrations of former occupants, for each current one
LATE_SHARE, PENDING_SHARE, YOUNG_SHARE = 0.006, 0.004, 0.005
MOVED_SHARE = 0.06  # voters with an earlier interval at another address
MOVED_IN_WINDOW_SHARE = 0.1  # of those
RENUMBERED_SHARE = 0.01  # voters whose earlier, canceled registration stands under a number of its own
VOTERS_PER_HOME = 2.2  # the shares are of voters
AGE_OF_VOTING = int(18 * YEAR)
INACTIVE_SHARE = 0.085
CONFIDENTIAL_SHARE = 0.001
MULTIPLE_SHARE = 0.1  # buildings of several units
HALF_SHARE = 0.02  # houses with a second one behind, numbered 1/2
UNIT_LETTERS = "ABCDEFGHJK"


class Row(NamedTuple):
    """One row of a canonical roll: its field names are the header."""

    voter_id: str
    last_name: str
    first_name: str
    middle_name: str
    suffix: str
    birth_date: str
    house_number: str
    house_fraction: str
    pre_direction: str
    street_name: str
    street_type: str
    post_direction: str
    unit_type: str
    unit_number: str
    city: str
    zip: str
    status: str
    status_reason: str
    affidavit_signed: str
    affidavit_received: str
    effective_to: str
    confidential: str

    @property
    def address(self) -> Address:
        """The residence address."""
        return Address(*self[6:16])


@dataclass(slots=True)
class Building:
    """Everybody who is or was registered in one building."""

    address: Address  # without a unit
    current: list[Row] = field(default_factory=list)  # registered when the petition was filed
    before: dict[str, Row] = field(default_factory=dict)  # by voter_id: where the same voter was registered earlier
    canceled: list[Row] = field(default_factory=list)  # before the petition began
    registered_late: list[Row] = field(default_factory=list)
    pending_registration: list[Row] = field(default_factory=list)
    under_age: list[Row] = field(default_factory=list)
    other: list[Row] = field(default_factory=list)  # registrations that no signer of the petition uses

    def rows(self) -> Iterator[Row]:
        """All rows for the roll."""
        yield from self.current
        yield from self.before.values()
        for rows in (self.canceled, self.registered_late, self.pending_registration, self.under_age, self.other):
            yield from rows

    def people(self) -> Iterator[Row]:
        """Everybody with a registration at this address."""
        yield from self.current
        for rows in (self.canceled, self.registered_late, self.pending_registration, self.under_age):
            yield from rows


class County:
    """A county of so many current registrations."""

    def __init__(self, seed: int, registered: int) -> None:
        """Lays out the streets; the people come with `buildings`."""
        self.registered = registered
        self.names = load_names()
        self.atlas = Atlas(seed, registered, self.names)
        self._seed = seed

    def buildings(self) -> Iterator[Building]:
        """All buildings, with exactly `registered` current registrations in all."""
        return _Settlers(self, Random(f"people {self._seed}")).buildings()  # noqa: S311 - made up, not secret


def alike(first: str, second: str) -> bool:
    """Whether two given names could be taken for each other by a hurried reader."""
    if first[:3] == second[:3] or first in second or second in first:
        return True
    return len(first) == len(second) and sum(a != b for a, b in zip(first, second, strict=True)) <= 2  # noqa: PLR2004


class _Settlers:
    """One pass over a county's buildings."""

    def __init__(self, county: County, random: Random) -> None:
        self._county = county
        self._random = random
        self._uniform = random.random
        self._people = People(random, county.names)
        self._last_id = 1_000_000
        self._extras = (
            (FORMER_SHARE * VOTERS_PER_HOME, self._add_canceled),
            (LATE_SHARE * VOTERS_PER_HOME, self._add_late),
            (PENDING_SHARE * VOTERS_PER_HOME, self._add_pending),
            (YOUNG_SHARE * VOTERS_PER_HOME, self._add_under_age),
        )

    def buildings(self) -> Iterator[Building]:
        left = self._county.registered
        for slot in range(self._county.atlas.buildable):
            building = Building(self._county.atlas.address(slot))
            for address in self._homes(building.address):
                self._move_in(building, address, left)
            left -= len(building.current)
            yield building
            if not left:
                return

    def _homes(self, address: Address) -> list[Address]:
        """The homes of one building: a house, a house and the one behind it, or units."""
        kind = self._uniform()
        if kind < MULTIPLE_SHARE:
            return self._units(address)
        if kind < MULTIPLE_SHARE + HALF_SHARE:
            return [address, address._replace(house_fraction="1/2")]
        return [address]

    def _units(self, address: Address) -> list[Address]:
        random = self._random
        count = random.randint(*random.choices(((2, 6), (7, 30), (31, 150)), (70, 22, 8))[0])
        type_ = random.choice(("APT", "APT", "APT", "UNIT", ""))
        style = random.choice(("letters", "floors", "plain"))
        if style == "letters" and count <= len(UNIT_LETTERS):
            numbers = list(UNIT_LETTERS[:count])
        elif style == "plain":
            numbers = [str(n + 1) for n in range(count)]
        else:
            numbers = [str(100 * (1 + n // 12) + 1 + n % 12) for n in range(count)]
        return [address._replace(unit_type=type_, unit_number=number) for number in numbers]

    def _move_in(self, building: Building, address: Address, left: int) -> None:
        """One household, and those of this home who are in the roll without being registered."""
        for human in self._people.household():
            if len(building.current) < left:
                self._register(building, human, address)
        kind = self._uniform()
        for share, add in self._extras:
            if kind < share:
                human = self._newcomer(building)
                add(building, human, address)
                return
            kind -= share

    def _newcomer(self, building: Building) -> Human:
        """Somebody who cannot be taken for anybody else of the building."""
        while True:
            human = self._people.adult()
            near = [row.first_name for row in building.people() if row.last_name[0] == human.last_name[0]]
            if not any(alike(human.first_name, name) for name in near):
                return human

    def _register(self, building: Building, human: Human, address: Address) -> None:
        """A current registration, and the earlier one of those who moved."""
        moved = self._uniform() < MOVED_SHARE
        signed = self._signed(human.birth, WINDOW_FIRST if moved and self._chance(MOVED_IN_WINDOW_SHARE) else 0)
        status = "inactive" if self._chance(INACTIVE_SHARE) else "active"
        row = self._row(human, address, status=status, signed=signed)
        building.current.append(row)
        if moved:
            building.before[row.voter_id] = self._before(row, human, signed)
        elif self._chance(RENUMBERED_SHARE):
            building.other.append(self._before(row, human, signed)._replace(voter_id=self._next_id()))

    def _before(self, row: Row, human: Human, moved: int) -> Row:
        """The interval at another address that ended with the move."""
        atlas = self._county.atlas
        address = atlas.address(self._random.randrange(atlas.slots))
        signed = min(moved - 1, self._signed(human.birth))
        return self._row(human, address, status="canceled", reason="moved", signed=signed, to=moved, id_=row.voter_id)

    def _add_canceled(self, building: Building, human: Human, address: Address) -> None:
        """A former occupant; the cancellation was before the petition, except for a few."""
        signed = min(self._signed(human.birth), WINDOW_FIRST - 400)
        to = signed + 30 + int(self._uniform() * (WINDOW_LAST - 60 - signed))
        reason = self._random.choice(("requested", "deceased", "moved out of county"))
        row = self._row(human, address, status="canceled", reason=reason, signed=signed, to=to)
        (building.canceled if to < WINDOW_FIRST else building.other).append(row)

    def _add_late(self, building: Building, human: Human, address: Address) -> None:
        """An affidavit signed after the petition was filed, or before and received after it."""
        signed = WINDOW_LAST + int(self._uniform() * 15) - 4
        received = max(signed, WINDOW_LAST) + 1 + int(self._uniform() * 5)
        row = self._row(human, address, status="active", signed=signed, received=received)
        building.registered_late.append(row)

    def _add_pending(self, building: Building, human: Human, address: Address) -> None:
        """An affidavit that lacks something, so that it is no registration yet."""
        row = self._row(human, address, status="pending", reason="incomplete", signed=self._signed(0, WINDOW_FIRST))
        building.pending_registration.append(row)

    def _add_under_age(self, building: Building, human: Human, address: Address) -> None:
        """Preregistered, and not 18 before the petition's last day is over."""
        young = human._replace(birth=WINDOW_LAST - int((16.1 + self._uniform() * 1.8) * YEAR))
        row = self._row(young, address, status="preregistered", signed=self._signed(0, WINDOW_FIRST))
        building.under_age.append(row)

    def _chance(self, share: float) -> bool:
        return self._uniform() < share

    def _signed(self, birth: int, earliest: int = 0) -> int:
        """When somebody signed the affidavit: of age, not before 1990, more often lately."""
        earliest = max(earliest, FIRST_SIGNED, birth + AGE_OF_VOTING)
        return earliest + int((LAST_SIGNED - earliest) * self._uniform() ** 0.7)

    def _next_id(self) -> str:
        self._last_id += 1
        return str(self._last_id)

    def _row(
        self,
        human: Human,
        address: Address,
        *,
        status: str,
        signed: int,
        reason: str = "",
        received: int = 0,
        to: int | None = None,
        id_: str = "",
    ) -> Row:
        uniform = self._uniform
        received = received or signed + int(uniform() ** 3 * 20)
        last, first, middle, suffix, birth, _ = human
        return Row(
            id_ or self._next_id(), last, first, middle, suffix, DAYS[birth], *address,
            status, reason, DAYS[signed], DAYS[received],
            "" if to is None else DAYS[to], "true" if uniform() < CONFIDENTIAL_SHARE else "",
        )  # fmt: skip
