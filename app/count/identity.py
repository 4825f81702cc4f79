"""One identity of each voter in a petition's count, also of one who became confidential or ceased to be (EC 2166)."""

from collections.abc import Collection

from app.count import queries as rows
from app.count.queries import Change


async def counted_ids(change: Change, voters: Collection[str]) -> dict[str, str]:
    """The ids by which the petition counts those of these voters who are, or ever were, confidential.

    Each has two: the number in the roll and a pseudonym. A line or a withdrawal counts by the number if the petition
    already counts the voter by it, and otherwise by the pseudonym. Until this transaction ends no line is examined, and
    no other such voter decided, so that two transactions cannot count one voter by both. Machines count such voters by
    neither (`app.matching.confidential`).

    Args:
        change: the transaction; it holds no slot yet.
        voters: numbers and pseudonyms; the result has both of each voter.
    """
    pseudonyms = await rows.pseudonyms_of(change, voters)
    if not pseudonyms:
        return {}
    await rows.hold_petition(change)
    counted = await rows.counted_voters(change, pseudonyms)
    chosen = {number: number if number in counted else pseudonym for number, pseudonym in pseudonyms.items()}
    return chosen | {pseudonym: chosen[number] for number, pseudonym in pseudonyms.items()}
