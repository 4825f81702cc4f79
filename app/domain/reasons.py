"""The codes of findings, and the lines under which Los Angeles County published them."""

from typing import Literal, get_args

Status = Literal["received", "valid", "invalid", "review"]

Reason = Literal[
    "section_defect",
    "no_signature",
    "no_address",
    "not_personally_affixed",
    "illegible",
    "out_of_county",
    "not_registered",
    "registered_late",
    "pending_registration",
    "under_age",
    "canceled",
    "out_of_district",
    "different_address",
    "signature_mismatch",
    "withdrawn",
    "duplicate",
    "other",
]
"""Why a line is invalid, in the order in which the rules are tried: the first that fails is the reason."""

ReviewCause = Literal[
    "ambiguous",
    "weak_match",
    "possible_move",
    "confidential",
    "section_dates",
    "no_roll",
    "new_roll",  # a person confirmed that nobody fits, and a newer roll version says otherwise
    "new_writing",  # a person decided it, and the corrected writing says otherwise
    "new_dates",  # a person decided it, and the section's new dates say otherwise
    "quality_check",  # drawn for the blind double check
    "undone",  # a person took a finding back
]
"""Why a person must look at a line."""

Published = Literal[
    "not_registered", "duplicate", "different_address", "signature_mismatch", "canceled", "out_of_county", "other"
]
"""The seven lines of the county's published result; the tally's `invalid_by_reason` always shows each."""

STATUSES: tuple[Status, ...] = get_args(Status)
REASONS: tuple[Reason, ...] = get_args(Reason)
REVIEW_CAUSES: tuple[ReviewCause, ...] = get_args(ReviewCause)
KEPT_FOR_A_PERSON: frozenset[str] = frozenset({"new_roll", "new_writing", "new_dates", "quality_check", "undone"})
"""Causes of review that only a person's finding ends; the others an examination may end that knows more."""
PUBLISHED: tuple[Published, ...] = get_args(Published)

_PUBLISHED_UNDER: dict[str, Published] = {
    "not_registered": "not_registered",
    "registered_late": "not_registered",
    "pending_registration": "not_registered",
    "under_age": "not_registered",
    "duplicate": "duplicate",
    "different_address": "different_address",
    "signature_mismatch": "signature_mismatch",
    "canceled": "canceled",
    "out_of_county": "out_of_county",
}


def published_under(reason: str) -> Published:
    """The published line that a reason code is counted under."""
    return _PUBLISHED_UNDER.get(reason, "other")
