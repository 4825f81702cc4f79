"""What a person's finding does to a line: confirmation, first finding, opinion on a signature, reversal, undo."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from app.access.names import COMMAND_LINE, is_among, people
from app.access.principals import Principal
from app.errors import FindingRefusedError, SupervisorNeededError
from app.law.line import Finding, Line, LineKind, LookedAt, restated
from app.law.reasons import (
    COUNTED_LATER,
    KEPT_FOR_A_PERSON,
    NOT_RAW,
    REASONS,
    REVIEW_CAUSES,
    VALID,
    Outcome,
    ReviewCause,
)
from app.law.ruleset import Ruleset
from app.law.signatures import SignatureComparison, check_comparison

MISMATCH = Outcome("invalid", "signature_mismatch")
NOT_REGISTERED = Outcome("invalid", "not_registered")


class Searches(NamedTuple):
    """A search by name and one by address that people made for a line, in the same version of the roll."""

    roll_version: int
    ids: tuple[str, ...]  # as they are on record


@dataclass(frozen=True, slots=True)
class PersonFinding:
    """What a person says of a line: as a finding, or as a blind answer, where `review` means: it cannot be decided."""

    outcome: Outcome
    voter_id: str | None = None
    note: str = ""
    looked_at: LookedAt | None = None
    comparison: SignatureComparison | None = None  # what a mismatch rests on

    @property
    def compares(self) -> bool:
        """Whether the person says that the signature was compared with those on file."""
        return self.looked_at in ("signature", "both")


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a person's finding can rest on: the newest examination of the line by the data, and what people did."""

    good_for: str | None = None  # the voter of whom the data find it a good line
    named: Collection[str] = ()  # the voters whom the evidence names
    searches: Searches | None = None  # against the roll in use

    def naming(self, others: Iterable[str], ids: Mapping[str, str]) -> "Grounds":
        """The same with other voters, whom another search names, and each as the petition counts them (`ids`)."""
        good_for = ids.get(self.good_for or "", self.good_for)
        return replace(self, good_for=good_for, named={ids.get(one, one) for one in (*self.named, *others)})

    def resting_on(self, searches: Searches | None) -> "Grounds":
        """The same with these searches."""
        return replace(self, searches=searches)

    def contradict(self, outcome: Outcome, voter_id: str | None) -> bool:
        """Whether the data say otherwise, so that one person cannot settle the finding alone.

        That is the rejection of a line that they find good, for any reason, or its move to another voter; and a line
        found valid for a voter whom they do not name. A mismatch has a rule of its own (2 CCR 20960).
        """
        if outcome == MISMATCH or outcome.status not in ("valid", "invalid"):
            return False
        if outcome == VALID and self.good_for is None:
            return voter_id not in self.named
        return self.good_for is not None and (outcome != VALID or voter_id != self.good_for)


def judge(line: Line, said: PersonFinding, who: Principal, ruleset: Ruleset, grounds: Grounds) -> Finding | None:
    """The finding that follows from what a person says; None if nothing changes since the person said it before.

    Raises FindingRefusedError if the rules do not allow it here, and SupervisorNeededError if it reverses a person's
    finding (rule: a reversal is a supervisor's, with a reason). Names that look alike are one person's.

    Args:
        line: as it is decided now.
        said: what the person says of it.
        who: the person.
        ruleset: of the petition.
        grounds: what the data say of it.
    """
    if who.name == COMMAND_LINE:
        raise FindingRefusedError(
            "a finding is a person's: it needs that person's key (on the command line: RECALL_KEY)"
        )
    if line.outcome.status in NOT_RAW:
        raise FindingRefusedError("the line is blank or struck: if it is not, correct its text first")
    outcome = _checked(line, said)
    voter_id = None if outcome.status == "review" else said.voter_id or line.voter_id
    found = restated(line)._replace(
        outcome=outcome,
        voter_id=voter_id,
        decided_by=who.name,
        person=True,
        note=said.note,
        confirmed_by=(who.name,),
        mismatch_by=(),
        against_data=grounds.contradict(outcome, voter_id) or _contested(line, outcome) or _reopened(line, outcome),
        uncompared=outcome == VALID and not said.compares,
        looked_at=said.looked_at,
        comparison=said.comparison,
    )
    if outcome == NOT_REGISTERED and grounds.searches:
        found = found._replace(roll_version=grounds.searches.roll_version, searches=grounds.searches.ids)
    if found.outcome == MISMATCH and not _agree(found, line):
        return _opinion(line, found, said, who, ruleset)
    if _agree(found, line):
        return _confirmation(line, found, said, who, ruleset)
    _check_grounds(found, ruleset)
    _check_reversal(line, said, who)
    return found._replace(confirmed_by=()) if found.outcome.status == "review" else found


def judge_again(line: Line, found: Finding, cause: ReviewCause) -> Finding:
    """The finding that follows from a new examination of a line whose roll, text, dates or aliases changed (`cause`).

    What people agreed on remains while the data agree. Where the data now contradict it, a person reviews the line: a
    machine never reverses a person's finding, and never ends a review that a person asked for. Where a line was good
    until a person corrected its text or entered other dates, that is one person's rejection of a good line, or its move
    to another voter, and takes a second one. So does a correction that takes a line out of the raw count
    (`agreed_out_of_count`): until then a person reviews it.
    """
    current, agrees = line.by_itself, _agree(found, line)
    spoiled = cause in _BY_ONE_PERSON and (line.against_data if agrees else current == VALID)
    again = found._replace(before=line, against_data=spoiled or _contested(line, found.outcome))
    if agrees:
        kept = {name: getattr(line, name) for name in ("confirmed_by", "mismatch_by", "uncompared")}
        return again._replace(reason_open=found.reason_open and not line.confirmed_by, **kept)
    if found.outcome.status in NOT_RAW:
        open_for_another = again._replace(outcome=Outcome("review", "new_writing"))
        return found._replace(before=line) if current.status in NOT_RAW else open_for_another
    on_record = again._replace(by_data=(found.outcome, found.voter_id))
    if current.reason in _SEEN_ON_PAPER and (found.outcome, found.voter_id) == (VALID, line.voter_id):
        against = line.against_data or current.reason in _TAKES_A_NOTE
        return on_record._replace(outcome=current, confirmed_by=line.confirmed_by, against_data=against)
    if current.status == "review" and current.reason in KEPT_FOR_A_PERSON:
        return on_record._replace(outcome=current, voter_id=None, against_data=again.against_data or line.against_data)
    if line.confirmed_by:
        return on_record._replace(outcome=Outcome("review", cause), voter_id=None)
    return again


def agreed_out_of_count(line: Line, said: LineKind, by: str, last: LineKind, last_by: str) -> bool:
    """Whether a correction takes a line out of the raw count (2 CCR 20520, 20931): as another person's last one did.

    What people found of the line since is not overruled by it.

    Args:
        line: in the raw count, as it is decided now.
        said: what stands on it by the correction.
        by: the person who corrects it.
        last: what stands on it by its newest text.
        last_by: the station or the person who entered that.
    """
    undecided = line.outcome.status == "review" or line.outcome.reason == "section_defect"
    two = COMMAND_LINE not in (by, last_by) and not is_among(by, [last_by])
    return undecided and two and said == last and said in NOT_RAW


def says_as_before(content: Mapping[str, Any], found: Finding, *, confirmed: bool) -> bool:
    """Whether a new examination of a line finds what the last one did: the outcome, the voter and all failing rules.

    Args:
        content: of the last finding of an examination, as it is stored.
        found: what the new one finds.
        confirmed: whether people have chosen the reason since.
    """
    if content["evidence"] is None or found.evidence is None:
        return content["evidence"] is found.evidence
    data = content.get("by_data") or content
    before = Outcome(data["status"], data["reason"])
    before = VALID if before.eligible else before
    if _failing(before, content["secondary"]) != _failing(found.outcome, found.secondary):
        return False
    if before.reason == "section_defect":  # which hides what the data say of the line, but for the rules that fail
        return True
    same = (before, data["voter_id"]) == (found.outcome, found.voter_id)
    return same and (confirmed or content["reason_open"] == found.reason_open)


def _failing(outcome: Outcome, secondary: Iterable[str]) -> set[str]:
    reasons = {outcome.reason or "", *secondary} if outcome.status == "invalid" else set(secondary)
    return reasons - {"section_defect"}


def under(line: Line, ruleset: Ruleset, *, reason_open: bool = False) -> Finding:
    """The finding that repeats what is found of a line, as another ruleset takes it.

    Where too few people for that ruleset found a mismatch, they keep their opinions, and the signature is presumed the
    voter's (2 CCR 20960); where opinions are enough for it, they become the finding.

    Args:
        line: as it is decided now.
        ruleset: the other one.
        reason_open: whether a person must still choose the reason why the line is invalid.
    """
    found, needed = restated(line)._replace(reason_open=reason_open), ruleset.people_needed(MISMATCH)
    if line.outcome == MISMATCH and len(line.confirmed_by) < needed:
        said = found._replace(outcome=VALID, confirmed_by=(), mismatch_by=line.confirmed_by)
    elif line.by_itself == VALID and len(line.mismatch_by) >= needed:
        said = found._replace(outcome=MISMATCH, confirmed_by=line.mismatch_by, mismatch_by=())
    else:
        return found
    last = (*line.confirmed_by, *line.mismatch_by)[-1]
    return said._replace(decided_by=last, person=True, note=f"under {ruleset.name}")


def ruled(line: Line, ruleset: Ruleset) -> Line:
    """The line as a ruleset takes what people found on it. One that was decided under it stays the same."""
    found = under(line, ruleset)
    if found.outcome == line.by_itself:
        return line
    return line._replace(outcome=found.outcome, confirmed_by=found.confirmed_by, mismatch_by=found.mismatch_by)


_SEEN_ON_PAPER = frozenset({"signature_mismatch", "not_personally_affixed", "section_defect", "other"})
"""Reasons of invalid lines that no data can find or refute."""
_TAKES_A_NOTE = frozenset({"other", "illegible", "not_personally_affixed"})
"""Only the paper shows these, and a helper's hand or a mark is no ground (EC 100.5, 106)."""
ONLY_ON_PAPER = _SEEN_ON_PAPER | _TAKES_A_NOTE | {"no_signature"}
"""Reasons that another line with the same text does not share."""


_BY_ONE_PERSON = frozenset({"new_writing", "new_dates"})
"""Causes of new examinations that one person's act is: a correction, or the dates of a section."""


def _contested(line: Line, outcome: Outcome) -> bool:
    """Whether a finding remains against what the data, or people, once found: until a person finds the line good."""
    return line.against_data and VALID not in (line.by_itself, outcome)


def _reopened(line: Line, outcome: Outcome) -> bool:
    """Whether a good line returns to review: a correction that follows takes no second person's say away."""
    return outcome.status == "review" and line.by_itself == VALID and not line.against_data


def _agree(found: Finding, line: Line) -> bool:
    return (found.outcome, found.voter_id) == (line.by_itself, line.voter_id)


def _checked(line: Line, said: PersonFinding) -> Outcome:
    """The outcome that a person may find. Raises FindingRefusedError: it names what is missing or not allowed."""
    status, reason = said.outcome
    if said.comparison and said.outcome != MISMATCH:
        raise FindingRefusedError("only a signature_mismatch has a comparison")
    if said.outcome == MISMATCH and said.looked_at == "line":
        raise FindingRefusedError("signature_mismatch takes a look at the signature")
    if status == "valid":
        if reason is not None:
            raise FindingRefusedError("a valid line has no reason")
        if said.voter_id is None and line.voter_id is None:
            raise FindingRefusedError("say which voter signed: voter_id")
    elif status == "review":
        if reason not in (None, *REVIEW_CAUSES):
            raise FindingRefusedError("reason must be a cause of review")
        return Outcome("review", reason or "undone")
    elif reason in COUNTED_LATER:
        raise FindingRefusedError("say which voter signed; whether the line is the one that counts follows by itself")
    elif reason not in REASONS:
        raise FindingRefusedError("reason must be one of the codes of invalid lines")
    return said.outcome


def _check_grounds(found: Finding, ruleset: Ruleset) -> None:
    if found.outcome == MISMATCH:
        check_comparison(found.comparison, ruleset.mismatch_characteristics)
    if found.outcome == NOT_REGISTERED and not found.searches:
        raise FindingRefusedError(
            "not_registered takes a search by name and one by address for this line in the roll in use:"
            " look voters up with petition_id and place"
        )
    if found.note.strip():
        return
    if found.outcome.reason in _TAKES_A_NOTE:
        raise FindingRefusedError(f"{found.outcome.reason} needs a note that says what is on the paper")
    if found.against_data and found.outcome.status != "review":
        raise FindingRefusedError("the data say otherwise: this needs a note that says why, and a second person")


def _confirmation(line: Line, found: Finding, said: PersonFinding, who: Principal, ruleset: Ruleset) -> Finding | None:
    """A person's agreement with what holds; None if it adds nothing.

    To say whose line it is ends no doubt about the signature: that takes a comparison.
    """
    found = found._replace(against_data=found.against_data or line.against_data)
    adds = said.compares and (line.uncompared or line.mismatch_by)
    if found.outcome.status == "review" or (is_among(who.name, line.confirmed_by) and not adds):
        return None
    _check_grounds(found, ruleset)
    return found._replace(
        confirmed_by=people((*line.confirmed_by, who.name)),
        mismatch_by=() if said.compares else line.mismatch_by,
        uncompared=found.uncompared and (line.uncompared or not line.confirmed_by),
    )


def _opinion(line: Line, found: Finding, said: PersonFinding, who: Principal, ruleset: Ruleset) -> Finding | None:
    """One person's opinion that a signature is not the voter's. It decides nothing until enough share it.

    The line keeps its outcome, unsettled: the signature is presumed the voter's (2 CCR 20960). The line must be valid
    for a known voter, and against a person who found it valid only a supervisor may raise the question again.
    """
    if line.by_itself != VALID or found.voter_id != line.voter_id:
        raise FindingRefusedError("a signature is compared once the line is found valid for its voter")
    if is_among(who.name, line.mismatch_by):
        return None
    _check_grounds(found, ruleset)
    if not line.uncompared:  # the people who said whose line it is said nothing of the signature
        _check_reversal(line, said, who)
    sharing = people((*line.mismatch_by, who.name))
    if len(sharing) >= ruleset.people_needed(MISMATCH):
        return found._replace(confirmed_by=sharing)
    return found._replace(
        outcome=VALID,
        confirmed_by=line.confirmed_by if line.uncompared else (),
        mismatch_by=sharing,
        against_data=line.against_data,
        uncompared=line.uncompared,
    )


def _check_reversal(line: Line, said: PersonFinding, who: Principal) -> None:
    own = people((*line.confirmed_by, who.name)) == people(line.confirmed_by[:1])
    if not line.confirmed_by or (own and said.outcome.status == "review"):
        return  # a person may overrule a machine; an undo returns the line to review and never reverses it
    if who.role not in ("supervisor", "confidential"):
        raise SupervisorNeededError
    if not said.note.strip():
        raise FindingRefusedError("a reversal needs a note that says why")
