"""What an opinion that a signature is not the voter's has to say (2 CCR 20960)."""

from typing import Final, Literal, NamedTuple, get_args

from app.errors import FindingRefusedError

Characteristic = Literal[
    "slant", "print_or_cursive", "size", "individual_letters", "spacing", "line_direction", "letter_formations",
    "letter_proportions", "strokes", "endings", "speed", "pen_lifts", "spelling",
]  # fmt: skip
"""In what a signature may differ: 2 CCR 20960(f)."""
CHARACTERISTICS: Final[tuple[Characteristic, ...]] = get_args(Characteristic)
_NEVER_ENOUGH: Final = frozenset({"slant", "size", "print_or_cursive"})
FEWEST_CHARACTERISTICS: Final = 2
"""Multiple respects (2 CCR 20960): no ruleset asks for fewer."""

Standard = Literal[
    "beyond a reasonable doubt, it differs in multiple, significant, and obvious respects from all signatures on file"
]
"""The standard of proof, in the words to which the person agrees."""
STANDARD: Final[Standard] = get_args(Standard)[0]


class SignatureComparison(NamedTuple):
    """With which signatures on file a signature was compared, in what it differs, and by what standard."""

    references: tuple[str, ...]  # the ids or labels of all that were shown
    characteristics: tuple[Characteristic, ...]
    standard: Standard = STANDARD


def check_comparison(comparison: SignatureComparison | None, fewest: int = FEWEST_CHARACTERISTICS) -> None:
    """Raise FindingRefusedError if this is not enough for a mismatch; it names what is missing.

    At least the `fewest` characteristics, and not slant, size, or print against cursive alone.
    """
    if comparison is None:
        raise FindingRefusedError("signature_mismatch takes a comparison: references, characteristics, and standard")
    if not comparison.references:
        raise FindingRefusedError("name every signature on file that was shown; without any the line is held")
    if len(set(comparison.characteristics)) < fewest:
        raise FindingRefusedError(f"a signature must differ in at least {fewest} characteristics (2 CCR 20960(f))")
    if _NEVER_ENOUGH.issuperset(comparison.characteristics):
        raise FindingRefusedError("slant, size, and print against cursive alone never suffice")
