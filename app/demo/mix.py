"""The published counts of the 2022 Gascón recall, and the same counts at any scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

REGISTERED = 5_668_569
REQUIRED = 566_857
LINES = {  # the published result by line: Los Angeles County Registrar-Recorder, 15 August 2022
    "valid": 520_050,
    "not_registered": 88_464,
    "duplicate": 43_593,
    "different_address": 32_187,
    "signature_mismatch": 9_490,
    "canceled": 7_344,
    "out_of_county": 5_374,
    "other": 9_331,
}

# How the published lines divide further was not published; these shares are ours.
KINDS = {
    "not_registered": {
        "relative": 26,  # of a voter, at the voter's address
        "housemate": 20,  # of a voter, with another surname
        "stranger_at_home": 16,  # at an address of the roll where other people are registered
        "stranger": 28,  # at an address that is not in the roll
        "registered_late": 5,
        "pending_registration": 3,
        "under_age": 2,
    },
    "other": {"no_signature": 40, "no_address": 25, "illegible": 20, "not_personally_affixed": 10, "withdrawn": 5},
}


@dataclass(frozen=True, slots=True)
class Mix:
    """The counts at one scale."""

    registered: int  # current registrations in the county
    required: int  # signatures
    lines: dict[str, int]  # by published result

    @property
    def raw(self) -> int:
        """All lines of the petition."""
        return sum(self.lines.values())


def apportion(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Divides the total by weight with the largest remainders; the parts add up to the total exactly."""
    whole = sum(weights.values())
    parts = {key: total * weight // whole for key, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda key: -(total * weights[key] % whole))  # stable: ties in the order given
    for key in by_remainder[: total - sum(parts.values())]:
        parts[key] += 1
    return parts


def gascon(scale: Fraction) -> Mix:
    """The Gascón petition at a scale; 1 is the whole. Raises ValueError if a result would have no line."""
    if scale <= 0:
        raise ValueError("the scale must be above 0")
    lines = apportion(round(sum(LINES.values()) * scale), LINES)
    if min(lines.values()) == 0:
        raise ValueError("the scale is too small: a result would have no line")
    return Mix(round(REGISTERED * scale), ceil(REQUIRED * scale), lines)


def kinds(lines: Mapping[str, int]) -> dict[str, int]:
    """Lines by kind, which divides the published results further; a duplicate is a further line of a valid signer."""
    counts: dict[str, int] = {}
    for result, count in lines.items():
        if result != "duplicate":
            counts |= apportion(count, KINDS.get(result, {result: 1}))
    return counts
