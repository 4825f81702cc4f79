"""What is learnt of a roll's words."""

import pytest

from app.matching.frequencies import TermFrequencies


def test_what_is_known_is_kept_and_slips_are_forgotten() -> None:
    words = TermFrequencies(5_000_000, ["LOS ANGELES"])
    words.learn({"surname": {"GARCIA", "GRACIA", "GARCLA"}}, [("surname", "GARCIA", 90_000), ("surname", "GRACIA", 4)])
    asked = {"surname": {"GARCIA", "GARCLA"}}
    words.learn_corrections(asked, [("surname", "GARCLA", "GARCIA", 90_000)])

    kept = words.known_alone()

    assert kept.count("surname", "GARCIA") == 90_000
    assert kept.unlearnt("surname", {"GARCIA", "GRACIA", "GARCLA"}) == {"GRACIA", "GARCLA"}
    assert kept.corrections("surname", "GARCIA") == ()
    assert kept.uncorrected("surname", {"GARCIA", "GARCLA"}) == {"GARCLA"}
    assert (kept.registrations, kept.cities) == (words.registrations, words.cities)
    with pytest.raises(KeyError):
        kept.count("surname", "GARCLA")
    assert words.corrections("surname", "GARCLA") == ("GARCIA",)  # whoever holds the old ones still knows
