"""Pairs of signatures to compare, without anything that says who signed (2 CCR 20960(b))."""

from typing import NamedTuple

from asyncpg import Connection

from app.access.principals import Principal
from app.count.line_queries import signatures_at
from app.examination.comparison_queries import lines_to_compare
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


async def pairs_held(connection: Connection, petition: PetitionKey, who: Principal, *, limit: int) -> list[Pair]:
    """The pairs of the lines to compare that a person has claimed, the oldest claim first.

    Args:
        connection: any; only read.
        petition: whose lines.
        who: the person.
        limit: how many pairs at most.
    """
    held = [lease.place for lease in await leases_of(connection, petition, who)]
    found = await lines_to_compare(connection, petition, held)
    shown = [place for place in held if place in found][:limit]
    others = {place: found[place][1] for place in shown}
    signatures = await signatures_at(connection, petition, {*shown, *filter(None, others.values())})
    images = {place: PlacedImage(place, one.image_sha256) for place, one in signatures.items()}
    on_file = await references_of(connection, petition.county_id, {voter for voter, _ in found.values()})
    counted = {place: images[other] if other else None for place, other in others.items()}
    return [Pair(images[place], on_file[found[place][0]], counted[place]) for place in shown]
