"""What a person's finding does to a line: confirmation, first finding, opinion on a signature, reversal, undo."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

from app.access.principals import Principal
from app.errors import FindingRefusedError, SupervisorNeededError
from app.law.line import Line, Merits
from app.law.reasons import COUNTED_LATER, KEPT_FOR_A_PERSON, Reason, ReviewCause
from app.law.ruleset import Ruleset


@dataclass(frozen=True, slots=True)
class PersonFinding:
    """What a person says of a line."""

    status: Literal["valid", "invalid", "review"]
    reason: Reason | ReviewCause | None = None
    voter_id: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Judgment:
    """What follows: the line's merits now, who agrees with them, and who says the signature does not match."""

    merits: Merits
    confirmed_by: tuple[str, ...]
    mismatch_by: tuple[str, ...]


def judge(line: Line, word: PersonFinding, who: Principal, ruleset: Ruleset) -> Judgment | None:
    """What a word makes of a line; None where it changes nothing, since the same person said the same before.

    Raises:
        FindingRefusedError: nobody can find that here.
        SupervisorNeededError: it reverses a person's finding (rule: a reversal is a supervisor's, with a reason).
    """
    current = current_merits(line)
    said = _merits(line, word)
    if said.reason == "signature_mismatch" and said.status == "invalid" and current.reason != "signature_mismatch":
        return _opinion(line, said, word, who, ruleset)
    if _same(said, current):
        if said.status == "review" or (who.name in line.confirmed_by and not line.mismatch_by):
            return None
        return Judgment(said, _with(line.confirmed_by, who), ())
    _check_reversal(line, word, who)
    return Judgment(said, () if said.status == "review" else (who.name,), ())


def current_merits(line: Line) -> Merits:
    """What a line's finding says of it by itself, without what its voter's slot made of it."""
    standing = line.standing
    if line.eligible:
        return Merits("valid", None, standing.voter_id, roll_version=line.roll_version)
    return Merits(standing.status, standing.reason, standing.voter_id, roll_version=line.roll_version)


def judge_again(line: Line, found: Merits, cause: ReviewCause) -> Judgment:
    """What a new examination makes of a line whose roll, writing or dates changed (`cause`).

    What people agreed on stands while the data say the same. Where they now say otherwise, a person looks again: a
    machine never flips a person's finding, and never ends a review that a person asked for.
    """
    current = current_merits(line)
    if _same(found, current):
        chosen = replace(found, reason_open=found.reason_open and not line.confirmed_by)
        return Judgment(chosen, line.confirmed_by, line.mismatch_by)
    if current.reason in _SEEN_ON_PAPER and (found.status, found.voter_id) == ("valid", current.voter_id):
        return Judgment(replace(found, status="invalid", reason=current.reason), line.confirmed_by, ())
    if current.status == "review" and current.reason in KEPT_FOR_A_PERSON:
        return Judgment(replace(found, status="review", reason=current.reason, voter_id=None), (), ())
    if line.confirmed_by:
        return Judgment(replace(found, status="review", reason=cause, voter_id=None), (), ())
    return Judgment(found, (), ())


_SEEN_ON_PAPER = frozenset({"signature_mismatch", "not_personally_affixed", "section_defect", "other"})
"""Reasons of invalid lines that no data can find or refute."""


def _same(one: Merits, other: Merits) -> bool:
    return (one.status, one.reason, one.voter_id) == (other.status, other.reason, other.voter_id)


def _merits(line: Line, word: PersonFinding) -> Merits:
    voter_id = word.voter_id or line.standing.voter_id
    version = line.roll_version
    if word.status == "valid":
        if word.reason is not None:
            raise FindingRefusedError("a valid line has no reason")
        if voter_id is None:
            raise FindingRefusedError("say which voter signed: voter_id")
        return Merits("valid", None, voter_id, roll_version=version)
    if word.status == "review":
        if word.reason not in (None, *get_args(ReviewCause)):
            raise FindingRefusedError("reason must be a cause of review")
        return Merits("review", word.reason or "undone", None, roll_version=version)
    if word.reason in COUNTED_LATER:
        raise FindingRefusedError("say which voter signed; whether the line is the one that counts follows by itself")
    if word.reason not in get_args(Reason):
        raise FindingRefusedError("reason must be one of the codes of invalid lines")
    return Merits("invalid", word.reason, voter_id, roll_version=version)


def _opinion(line: Line, said: Merits, word: PersonFinding, who: Principal, ruleset: Ruleset) -> Judgment | None:
    """One person's view that a signature is not the voter's. It decides nothing until enough share it (2 CCR 20960).

    The line keeps its standing, unsettled: the signature is presumed the voter's. It must be known whose it is, and
    against a person who found it valid only a supervisor may raise the question again.
    """
    current = current_merits(line)
    if current.status != "valid" or said.voter_id != current.voter_id:
        raise FindingRefusedError("a signature is compared once the line is found valid for its voter")
    if who.name in line.mismatch_by:
        return None
    _check_reversal(line, word, who)
    sharing = _with(line.mismatch_by, who)
    if len(sharing) < ruleset.people_needed("invalid", "signature_mismatch"):
        return Judgment(current, (), sharing)
    return Judgment(said, sharing, ())


def _check_reversal(line: Line, word: PersonFinding, who: Principal) -> None:
    if not line.confirmed_by or (line.confirmed_by == (who.name,) and word.status == "review"):
        return  # a machine's finding gives way to a person's; an undo returns the line to review and never flips it
    if who.role != "supervisor":
        raise SupervisorNeededError
    if not word.note.strip():
        raise FindingRefusedError("a reversal needs a note that says why")


def _with(people: tuple[str, ...], who: Principal) -> tuple[str, ...]:
    return people if who.name in people else (*people, who.name)
