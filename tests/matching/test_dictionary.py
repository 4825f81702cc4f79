"""The dictionary that a matcher keeps says the same as the database."""

import asyncpg

from app.database.engine import connect_arguments
from app.matching import lookup, search
from app.matching import queries as db
from app.matching.frequencies import CORRECTED_KINDS, WORDS_A_PAGE, Dictionary, TermFrequencies, Words, variants
from app.matching.lookup import TermCache
from app.matching.queries import SearchedRoll
from tests.http.county import COUNTY


def pages(counts: dict[tuple[str, str], int]) -> list[tuple[str, str]]:
    lines: dict[str, list[str]] = {}
    for (kind, word), count in sorted(counts.items()):
        lines.setdefault(kind, []).append(f"{word}\t{count}")
    starts = [(kind, at) for kind, of_kind in lines.items() for at in range(0, len(of_kind), WORDS_A_PAGE)]
    return [(kind, "\n".join(lines[kind][at : at + WORDS_A_PAGE])) for kind, at in starts]


def corrections(words: Words, similar: list[tuple[str, str, str, int]]) -> dict[tuple[str, str], tuple[str, ...]]:
    terms = TermFrequencies(1000, [])
    terms.add_corrections(words, similar)
    asked = [(kind, word) for kind, of_kind in words.items() for word in of_kind]
    return {(kind, word): terms.spelling_corrections(kind, word) for kind, word in asked}


def test_a_word_is_found_on_whichever_page_it_is() -> None:
    counts = {("surname", f"N{number:04}"): number for number in range(1, 1000)} | {("zip", "90012"): 7}
    kept = Dictionary(pages(counts), 1000)
    absent = {"", "A", "N", "N0000", "N1000", "N00011", "Z"}
    asked = {
        "surname": {word for kind, word in counts if kind == "surname"} | absent,
        "zip": {"90012"},
        "street": {"A"},
    }
    assert {(kind, word): count for kind, word, count in kept.counts(asked)} == counts


def test_only_words_that_are_no_likely_misspellings_correct_one() -> None:
    kept = Dictionary(pages({("given", "MARIA"): 5, ("given", "MARIE"): 4, ("given", "MA"): 9}), 5_000_000)
    found = corrections({"given": {"MARIQ", "MARI", "MAR"}}, kept.similar({"given": {"MARIQ", "MARI", "MAR"}}))
    assert found == {("given", "MARIQ"): ("MARIA",), ("given", "MARI"): ("MARIA",), ("given", "MAR"): ()}
    assert Dictionary([], 1).similar({"street": {"MAIN"}}) == []


async def test_the_dictionary_of_a_roll_says_what_the_database_says(county_database: str) -> None:
    connection = await asyncpg.connect(**connect_arguments(county_database))
    roll = SearchedRoll(connection, COUNTY, 1)
    registrations, *_ = await db.roll_facts(roll)
    kept = Dictionary(await db.dictionary_pages(roll, search.COUNTED_KINDS), registrations)
    rows = await connection.fetch("SELECT kind, token FROM roll_token WHERE county_id = $1", COUNTY)
    known = {kind: {token for of, token in rows if of == kind} for kind in search.COUNTED_KINDS}
    some = {kind: set(sorted(words)[::7]) for kind, words in known.items()}
    misspelt = {
        kind: words | {v for word in words for v in variants(word) | {f"{word}X"}} for kind, words in some.items()
    }
    assert sorted(kept.counts(misspelt)) == sorted(await db.word_counts(roll, misspelt))
    assert sorted(kept.counts(known)) == sorted(await db.word_counts(roll, known))
    corrected = {kind: {word for word in misspelt[kind] if len(word) > 2} for kind in CORRECTED_KINDS}
    found = corrections(corrected, kept.similar(corrected))
    assert found == corrections(corrected, await db.similar_words(roll, corrected))
    assert any(found.values())
    await connection.close()


async def test_one_dictionary_is_kept_that_of_the_roll_in_use(county_database: str) -> None:
    connection = await asyncpg.connect(**connect_arguments(county_database))
    cache, roll = TermCache(with_dictionary=True), SearchedRoll(connection, COUNTY, 1)
    terms = await cache.terms_of(roll)
    kept = terms.dictionary
    assert kept
    assert (await cache.terms_of(SearchedRoll(connection, "another", 1))).dictionary is None
    cache.max_terms = 0  # the terms are begun anew
    await lookup.load_counts(roll, terms, {"surname": {"SMITH"}})
    anew = await cache.terms_of(roll)
    assert anew is not terms
    assert anew.dictionary is kept
    cache.max_terms = 100
    assert (await cache.terms_of(SearchedRoll(connection, COUNTY, 2))).dictionary not in (None, kept)
    assert anew.dictionary is None, "the version before is hardly asked for any more"
    await connection.close()
