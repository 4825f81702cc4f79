"""Comparing: pairs of signatures, without anything that says who signed (2 CCR 20960(b))."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.examination.comparisons import Pair, PlacedImage, show_pairs
from app.examination.reads import VoterRead
from app.http import wire
from app.http.frame import AppState, ClaimHolder, PathPetition

router = APIRouter(prefix="/v1/petitions/{petition_id}/comparisons", tags=["queues"])
PairsShown = Annotated[int, Query(ge=1, le=50), wire.DIGITS]
OnePlace = Annotated[wire.PlaceText | None, Query()]


class PlacedImageOut(wire.ResponseModel):
    """A line by its place and the image of its signature."""

    place: str
    image_sha256: str | None


class PairOut(PlacedImageOut):
    """A signature to compare with all those on file; a duplicate is compared with the line that counts as well.

    Without a reference on file the line is held: it is neither rejected nor found to match (2 CCR 20960).
    """

    references: list[str]
    counted: PlacedImageOut | None


class PairsOut(wire.ResponseModel):
    """A page of signatures to compare; empty where the person holds none."""

    pairs: list[PairOut]


@router.get("", response_model=PairsOut)
async def get_comparisons(
    who: ClaimHolder, state: AppState, petition: PathPetition, limit: PairsShown = 20, place: OnePlace = None
) -> object:
    """The signatures of the lines that the person has claimed from the queue `to_compare`, or of the line at `place`.

    A supervisor may name any line whose voter is known, such as one that was compared before; so may the officer of
    confidential voters. There is no name, address, party, race or ethnicity in it. The page is recorded, and each line
    counts once a day against the lines that a principal may read. An opinion of a mismatch is refused for a person to
    whom the signatures on file, as they are then, were not shown here.
    """
    only, now = wire.place_of(place) if place else None, state.now()
    async with state.database.reading() as connection, connection.transaction():
        pairs = await show_pairs(connection, petition.key, who, only=only, limit=limit, now=now)
        if pairs:
            places = tuple(str(pair.line.place) for pair in pairs)
            read = VoterRead("comparison", petition.petition_id, places, voters=len(pairs))
            await state.budget.put_on_record(connection, who, read, now=now)
    return {"pairs": [_pair(pair) for pair in pairs]}


def _pair(pair: Pair) -> dict[str, object]:
    beside = {"references": pair.references, "counted": pair.counted and _image(pair.counted)}
    return _image(pair.line) | beside


def _image(one: PlacedImage) -> dict[str, object]:
    return {"place": str(one.place), "image_sha256": one.image_sha256}
