"""Pairs of signatures to compare, without anything that says who signed (2 CCR 20960(b))."""

from datetime import datetime
from typing import NamedTuple

from asyncpg import Connection

from app.access.principals import Principal
from app.count.line_queries import signatures_at
from app.examination.comparison_queries import add_shown, lines_to_compare
from app.examination.queue_queries import leases_of
from app.law.line import Place
from app.law.petition import PetitionKey
from app.roll.reference_queries import references_of


class PlacedImage(NamedTuple):
    """The image of a line."""

    place: Place
    image_sha256: str | None


class Pair(NamedTuple):
    """A line to compare with its voter's signatures on file; and where another line counts for the voter, that one."""

    line: PlacedImage
    references: list[str]  # their ids; none: the line is held (2 CCR 20960)
    counted: PlacedImage | None


async def show_pairs(
    connection: Connection, petition: PetitionKey, who: Principal, *, only: Place | None, limit: int, now: datetime
) -> list[Pair]:
    """The pairs of the lines to compare that a person has claimed, the oldest claim first; kept as shown.

    Args:
        connection: in a transaction, which ends before the page is answered.
        petition: whose lines.
        who: the person.
        only: of this line alone; a clerk must have claimed it, all others may compare any line anew.
        limit: how many pairs at most.
        now: the time of the request.
    """
    held = [lease.place for lease in await leases_of(connection, petition, who) if only in (None, lease.place)]
    wanted = [only] if only and who.role != "clerk" else held
    found = await lines_to_compare(connection, petition, wanted, anew=wanted is not held)
    shown = [place for place in wanted if place in found][:limit]
    others = {place: found[place][1] for place in shown}
    signatures = await signatures_at(connection, petition, {*shown, *filter(None, others.values())})
    images = {place: PlacedImage(place, one.image_sha256) for place, one in signatures.items()}
    on_file = await references_of(connection, petition.county_id, {voter for voter, _ in found.values()})
    beside = {place: (voter, on_file[voter]) for place in shown for voter in found[place][:1] if on_file[voter]}
    if beside:
        await add_shown(connection, petition, who, beside, now=now)
    counted = {place: images[other] if other else None for place, other in others.items()}
    return [Pair(images[place], on_file[found[place][0]], counted[place]) for place in shown]
