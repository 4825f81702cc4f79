"""The term frequencies of a roll that are kept."""

import pytest

from app.matching.frequencies import TermFrequencies


def test_known_words_are_kept_and_misspellings_are_dropped() -> None:
    terms = TermFrequencies(5_000_000, ["LOS ANGELES"])
    garcia, gracia, garcla = ("surname", "GARCIA"), ("surname", "GRACIA"), ("surname", "GARCLA")
    terms.add_counts({garcia, gracia, garcla}, [(garcia, 90_000), (gracia, 4)])
    terms.add_corrections({garcia, garcla}, [(garcla, "GARCIA", 90_000)])

    kept = terms.known_only()

    assert kept.count("surname", "GARCIA") == 90_000
    assert kept.without_count({garcia, gracia, garcla}) == {gracia, garcla}
    assert kept.spelling_corrections("surname", "GARCIA") == ()
    assert kept.without_corrections({garcia, garcla}) == {garcla}
    assert (kept.registrations, kept.cities) == (terms.registrations, terms.cities)
    with pytest.raises(KeyError):
        kept.count("surname", "GARCLA")
    assert terms.spelling_corrections("surname", "GARCLA") == ("GARCIA",)  # batches with the old ones keep them
