"""The parameters of the law where it leaves room: named, versioned, and recorded with every finding."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.law.reasons import Outcome

_CONFIRMATIONS = MappingProxyType(
    {
        "not_registered": 1,
        "registered_late": 1,
        "pending_registration": 1,
        "under_age": 1,
        "canceled": 1,
        "different_address": 1,
        "illegible": 1,
        "not_personally_affixed": 1,
        "section_defect": 1,
        "out_of_district": 1,
        "other": 1,
        # 2 CCR 20960: the signature is presumed the voter's; unanimous, different people, each blind to the others.
        "signature_mismatch": 3,
    }
)


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What a machine may decide and how many people confirm what.

    `confirmations` maps a reason to the number of different people whose agreement settles it; a reason that is not
    listed is settled by the machine. County counsel must confirm a ruleset before it decides a real petition.
    """

    name: str
    confirmations: Mapping[str, int]
    compare_signatures: bool = False  # valid is unsettled until one person has compared the signature
    double_check_ppm: int = 10_000  # of a million of the machine's decisions, how many people check blindly

    def people_needed(self, outcome: Outcome) -> int:
        """How many people must have confirmed an outcome before it is settled."""
        if outcome.status == "valid":
            return 1 if self.compare_signatures else 0
        return self.confirmations.get(outcome.reason or "", 0) if outcome.status == "invalid" else 0


CALIFORNIA = Ruleset("california-local-recall/1", _CONFIRMATIONS)
CALIFORNIA_COMPARED = Ruleset("california-local-recall-compared/1", _CONFIRMATIONS, compare_signatures=True)

RULESETS: Mapping[str, Ruleset] = MappingProxyType({r.name: r for r in (CALIFORNIA, CALIFORNIA_COMPARED)})
