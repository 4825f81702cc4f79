"""Statuses and reason codes, and the headings under which Los Angeles County published them."""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, get_args

Status = Literal["received", "valid", "invalid", "review", "blank", "struck"]

Reason = Literal[
    "section_defect", "no_signature", "no_address", "not_personally_affixed", "illegible", "out_of_county",
    "not_registered", "registered_late", "pending_registration", "under_age", "canceled", "out_of_district",
    "different_address", "signature_mismatch", "withdrawn", "duplicate", "other",
]  # fmt: skip
"""Why a line is invalid, in the order in which the rules are tried: the first that fails is the reason."""

ReviewCause = Literal[
    "ambiguous", "weak_match", "possible_move", "undated_cancellation", "confidential", "section_dates", "no_roll",
    "no_district", "new_roll", "new_writing", "new_dates", "new_aliases", "new_ruleset", "defect_taken_back",
    "quality_check", "undone",
]  # fmt: skip
"""Why a person must look at a line."""


class Outcome(NamedTuple):
    """A line's status and why: a reason if it is invalid, a cause if a person must review it, otherwise None."""

    status: Status
    reason: Reason | ReviewCause | None = None

    @property
    def eligible(self) -> bool:
        """Whether the line passes every rule but the last (EC 105(b)), so that its voter's slot decides about it."""
        return self.status == "valid" or (self.status == "invalid" and self.reason in COUNTED_LATER)


VALID = Outcome("valid")
NOT_RAW: frozenset[str] = frozenset({"blank", "struck"})
"""Statuses of lines that hold their place and are not in the raw count (2 CCR 20520, 20931)."""

Published = Literal[
    "not_registered", "duplicate", "different_address", "signature_mismatch", "canceled", "out_of_county", "other"
]
"""The seven lines of the county's published result; the tally's `invalid_by_reason` always shows each."""

STATUSES: tuple[Status, ...] = get_args(Status)
REASONS: tuple[Reason, ...] = get_args(Reason)
REVIEW_CAUSES: tuple[ReviewCause, ...] = get_args(ReviewCause)
COUNTED_LATER: frozenset[str] = frozenset({"duplicate", "withdrawn"})
"""Reasons that only the count gives, to lines that pass every other rule; no examination of a line finds them."""
KEPT_FOR_A_PERSON = frozenset(
    {
        "new_roll",
        "new_writing",
        "new_dates",
        "new_aliases",
        "new_ruleset",
        "defect_taken_back",
        "quality_check",
        "undone",
    }
)
"""Causes of review that only a person's finding ends. A later examination that knows more may end the others."""
PUBLISHED: tuple[Published, ...] = get_args(Published)

REASONS_IN_WORDS: Mapping[str, str] = {
    "section_defect": "the section is defective: its circulator's declaration (EC 104)",
    "no_signature": "the line is not signed (EC 100)",
    "no_address": "no residence address is written, or only a PO box (EC 100)",
    "not_personally_affixed": "the signer did not personally write the name and address (EC 100)",
    "illegible": "what is written cannot be read (EC 100)",
    "out_of_county": "city and zip are not of this county",
    "not_registered": "searches by name and by address found no registered voter who may have signed (EC 2102)",
    "registered_late": "the affidavit was signed after the line, or received after the filing (EC 2102(b))",
    "pending_registration": "the registration was not complete (EC 2102)",
    "under_age": "the signer was not yet 18 (EC 2102(d))",
    "canceled": "the registration was canceled before the line was signed (EC 2201)",
    "out_of_district": "the voter is not of the officer's district (EC 11045)",
    "different_address": "the voter is registered, at another house number or street (EC 105(a)(1))",
    "signature_mismatch": "different people agree that the signature is not the voter's (2 CCR 20960)",
    "withdrawn": "the voter withdrew in writing before the filing (EC 11303)",
    "duplicate": "another line of the same voter counts (EC 105(b))",
    "other": "another reason, given in the note",
    "ambiguous": "several voters fit",
    "weak_match": "the evidence is too weak for the machine to decide",
    "possible_move": "a voter of this name is registered elsewhere and may have moved",
    "undated_cancellation": "the registration is canceled, and the roll does not say since when (EC 2201)",
    "confidential": "the line may be a confidential voter's (EC 2166)",
    "section_dates": "the section's dates are missing or contradictory (EC 104)",
    "no_roll": "no roll was active yet",
    "no_district": "the roll does not say who is of the officer's district: a roll with its code is needed (EC 11045)",
    "new_roll": "a person confirmed that no voter fits, and a newer roll says otherwise",
    "new_writing": "its corrected writing contradicts what a person decided, or takes it out of the raw count, which"
    " a second person must confirm",
    "new_dates": "a person decided the line, and the section's new dates say otherwise",
    "new_aliases": "a person decided the line, and by another name of its street or city the data say otherwise",
    "new_ruleset": "a person decided the line, and under the ruleset put into force since the data say otherwise",
    "defect_taken_back": "a person decided the line before its section was found defective, and the data say otherwise",
    "quality_check": "a person who did not know the decision decided otherwise",
    "undone": "a person undid the previous finding",
}
"""What the codes mean in plain words, with the section of law."""


def in_order(failing: Iterable[Reason]) -> tuple[Reason, ...]:
    """Reasons in the order in which the rules are tried, each once: the first is the reason, the others secondary."""
    return tuple(sorted(set(failing), key=REASONS.index))


_OF_THE_LINE: frozenset[Reason] = frozenset({"no_signature", "no_address", "out_of_county"})


class Failing(NamedTuple):
    """The rules that fail by the newest examination of a line, and the voter of whom it says so."""

    reasons: tuple[Reason, ...] = ()
    voter_id: str | None = None

    def beside(self, outcome: Outcome, voter_id: str | None) -> tuple[Reason, ...]:
        """Those that a person's finding keeps as secondary: of another voter only what the line itself shows."""
        if outcome.status != "invalid":
            return ()
        same = voter_id == self.voter_id
        kept = (reason for reason in self.reasons if same or reason in _OF_THE_LINE)
        return in_order(reason for reason in kept if reason != outcome.reason)


_PUBLISHED_UNDER: Mapping[str, Published] = {
    **{heading: heading for heading in PUBLISHED},
    **dict.fromkeys(("registered_late", "pending_registration", "under_age"), PUBLISHED[0]),
}


def invalid_by_published(by_reason: Mapping[str, int]) -> dict[Published, int]:
    """Invalid lines under the seven published headings, each present."""
    result = dict.fromkeys(PUBLISHED, 0)
    for reason, count in by_reason.items():
        result[_PUBLISHED_UNDER.get(reason, "other")] += count
    return result
