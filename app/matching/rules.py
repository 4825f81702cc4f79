"""The rules that decide a line, or that leave it to a person, in words and with the law behind them."""

from enum import StrEnum
from typing import Self


class Rule(StrEnum):
    """A rule that decided a line, or that left it to a person. The value is stored with the evidence.

    `words` explain it; `cites` is the law behind it ('': a precaution of the ruleset).
    """

    words: str
    cites: str

    def __new__(cls, value: str, words: str, cites: str = "") -> Self:
        """Keep the words and the law beside the value."""
        rule = str.__new__(cls, value)
        rule._value_, rule.words, rule.cites = value, words, cites
        return rule

    NO_SIGNATURE = "no_signature", "the line is not signed", "EC 100"
    NO_ADDRESS = "no_address", "no residence address is written, or only a PO box", "EC 100"
    UNREADABLE_NAME = "weak_match", "no name can be read", "EC 100"
    NAME_DIFFERS = "name differs", "the name is not the voter's in every part"
    WEAK_NAME = "weak name", "the name resembles the voter's, but not enough to be certain"
    INITIAL_ONLY = "initial only", "a voter is not identified by an initial alone", "EC 105(a)(1)"
    ANOTHER_GIVEN_NAME = "another given name", "the given name resembles the voter's, but is itself a known name"
    MIDDLE_INITIAL_DIFFERS = "middle initial differs", "the middle initial is not the voter's", "EC 100"
    SUFFIX_DIFFERS = "suffix differs", "the suffix is not the voter's", "EC 100"
    CANCELED_NAMESAKE = (
        "canceled namesake here", "a person of this name at this address is no longer registered", "EC 2201",
    )  # fmt: skip
    OUT_OF_COUNTY = "city and zip out of county", "city and zip are not of this county", "EC 105(a)(2)"
    STREET_OF_BOTH_NAMES = (
        "street of both names",
        "the street is another name of the voter's street, but also one where a voter of this surname has this number",
        "EC 105(a)(1)",
    )
    CONFIDENTIAL = "confidential", "the voter's registration may be confidential", "EC 2166"  # of earlier versions
    MAY_BE_REGISTERED = "may be registered here", "a voter at this address may have signed", "EC 105(a)(1)"
    NAME_NOT_KNOWN = "name not known", "neither given name nor surname is known in the county: both may be misread"
    STREET_NOT_KNOWN = (
        "street not known", "the county has no such street, and no voter is registered there: it may be misread",
    )  # fmt: skip
    TOO_LITTLE_READABLE = (
        "too little readable",
        "fewer than three of given name, surname, house number and street are certain: a search may miss the voter",
    )
    LIKE_NAME = (
        "like name at the address",
        "a voter of a similar name is registered at this address, or at one that differs by a slip of the pen",
        "EC 105(a)(1), 2 CCR 20931",
    )
    LEFT_TO_A_PERSON = "left to a person", "a share of the lines that the program could reject is left to a person"
    NO_DISTRICT = "no district", "the roll has no registration with the code of the officer's district", "EC 11045"
    DISTRICT_NOT_SHOWN = "district not shown", "the roll does not show the districts of this registration", "EC 11045"
    OTHER_DISTRICT_TOO = (
        "registered in the district as well",
        "the address is outside the district, and another registration of the voter in the interval is within it",
        "EC 11045, 2 CCR 20931",
    )
    UNDATED_CANCELLATION = (
        "cancellation without a date", "the registration was canceled, before or after the line was signed", "EC 2201",
    )  # fmt: skip
    SAME_GIVEN_NAME = "same given name at the address", "a voter there may have changed the surname", "2 CCR 20931"
