"""The term frequencies of a roll that are kept."""

import pytest

from app.matching.frequencies import TermFrequencies


def test_known_words_are_kept_and_misspellings_are_dropped() -> None:
    terms = TermFrequencies(5_000_000, ["LOS ANGELES"])
    written = {"surname": {"GARCIA", "GRACIA", "GARCLA"}}
    corrected = {"surname": {"GARCIA", "GARCLA"}}
    terms.add_counts(written, [("surname", "GARCIA", 90_000), ("surname", "GRACIA", 4)])
    terms.add_corrections(corrected, [("surname", "GARCLA", "GARCIA", 90_000)])

    kept = terms.known_only()

    assert kept.count("surname", "GARCIA") == 90_000
    assert kept.without_count([written]) == {"surname": {"GRACIA", "GARCLA"}}
    assert kept.spelling_corrections("surname", "GARCIA") == ()
    assert kept.without_corrections([corrected]) == {"surname": {"GARCLA"}}
    assert (kept.registrations, kept.cities) == (terms.registrations, terms.cities)
    with pytest.raises(KeyError):
        kept.count("surname", "GARCLA")
    assert terms.spelling_corrections("surname", "GARCLA") == ("GARCIA",)  # batches with the old ones keep them
