"""The rules that keep a machine from deciding, or decide without the roll: their words, and what they rest on."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class Rule(NamedTuple):
    """What a rule says, for a person, and the law that it rests on ('': a precaution of the ruleset)."""

    words: str
    cites: str = ""


RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "no_signature": Rule("nobody signed the line", "EC 100"),
        "no_address": Rule("no residence address is written, or only a PO box", "EC 100"),
        "weak_match": Rule("no name can be read", "EC 100"),
        "name differs": Rule("the name is not the voter's in every part"),
        "weak name": Rule("the name resembles the voter's, and that is not enough to be certain"),
        "initial only": Rule("a voter is not identified by an initial alone", "EC 105(a)(1)"),
        "another given name": Rule("the given name is one that others bear, and resembles the voter's"),
        "middle initial differs": Rule("the middle initial is another than the voter's", "EC 100"),
        "suffix differs": Rule("the suffix is another than the voter's", "EC 100"),
        "canceled namesake here": Rule("somebody of this name at this address is not registered any more", "EC 2201"),
        "city and zip out of county": Rule("city and zip are not of this county", "EC 105(a)(2)"),
        "street of both names": Rule(
            "the voter is registered on the street under its other name, and what is written is a street as well where"
            " somebody of this surname is registered at the number",
            "EC 105(a)(1)",
        ),
        "confidential": Rule("the voter may be a confidential one", "EC 2166"),
        "may be registered here": Rule("it is not certain that nobody at this address signed", "EC 105(a)(1)"),
        "name not known": Rule("neither given name nor surname is one of the county's: it may be misread"),
        "street not known": Rule(
            "the street is none of the county's, and nobody is registered there: it may be misread"
        ),
        "like name at the address": Rule(
            "somebody of a like name is registered there, or a slip of the pen from there", "EC 105(a)(1), 2 CCR 20931"
        ),
        "same given name at the address": Rule("the surname of a voter there may have changed", "2 CCR 20931"),
    }
)


def fired(rule: str) -> dict[str, str]:
    """Return a rule as it is kept with the evidence."""
    cites = RULES[rule].cites
    return {"rule": rule, "cites": cites} if cites else {"rule": rule}
