"""What else one might use, on the same lines and with the same reading of name and address as the matcher's own."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import log2
from typing import Any, NamedTuple

import asyncpg

from app.law.line import Signature
from app.law.reasons import VALID, Outcome
from app.matching.addresses import street_token
from app.matching.blocking import house_token
from app.matching.names import given_words, surname_parts
from app.matching.parsing import parse_line

CERTAIN = 0.99  # the probability from which Splink's best pair is taken for a match
_NOBODY = Outcome("invalid", "not_registered")
_REVIEW = Outcome("review", "weak_match")


@dataclass(frozen=True)
class Answer:
    """A decision without evidence."""

    outcome: Outcome = _NOBODY
    voter_id: str | None = None
    reason_open: bool = True  # a pair that was not found says nothing of the reason
    evidence_json: str = "{}"


class Row(NamedTuple):
    """A registration or a line as the rivals see it."""

    unique_id: str
    first: str
    last: str
    house: str
    street: str
    zip: str


# Registrations in force at some time between two dates. Reads the whole version of the roll.
_IN_FORCE = """
SELECT registration_no, voter_id, first_name, last_name, house_number, street_name, zip FROM registration
WHERE county_id = $1 AND roll_version = $2 AND (effective_to IS NULL OR effective_to >= $3)
  AND (affidavit_signed IS NULL OR affidavit_signed <= $4)
  AND (status IN ('active', 'inactive') OR effective_to >= $3)
"""

_EXACT = """
SELECT l.unique_id::int, array_agg(DISTINCT r.voter_id)
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS l (unique_id, first, last, house, street)
JOIN exact_roll r USING (first, last, house, street)
GROUP BY 1
"""


async def voters(
    connection: asyncpg.Connection, county_id: str, roll_version: int, start: date, end: date
) -> list[tuple[str, Row]]:
    """Return the voter and the compared words of each registration in force between the dates."""
    rows = await connection.fetch(_IN_FORCE, county_id, roll_version, start, end)
    return [
        (
            r[1],
            Row(
                str(r[0]),
                " ".join(given_words(r[2])[:1]),
                " ".join(surname_parts(r[3])),
                house_token(r[4]),
                street_token(r[5]),
                r[6][:5],
            ),
        )
        for r in rows
    ]


def written(writings: Iterable[Signature]) -> list[Row]:
    """Return the compared words of each line, by the likeliest of its readings; the id is the line's index."""
    return [_written(at, writing) for at, writing in enumerate(writings)]


def _written(at: int, writing: Signature) -> Row:
    line = parse_line(writing)
    given, surname = line.names[0][:2] if line.names else ((), ())
    house, streets = (line.addresses[0].house, line.addresses[0].streets) if line.addresses else ("", ())
    return Row(str(at), " ".join(given[:1]), " ".join(surname), house, "".join(streets[:1]), line.zip)


async def exact_join(
    connection: asyncpg.Connection, roll: Sequence[tuple[str, Row]], lines: Sequence[Row]
) -> list[Answer]:
    """Join lines and registrations on equal first name, surname, house number and street."""
    await connection.execute(
        "CREATE TEMP TABLE IF NOT EXISTS exact_roll (voter_id text, first text, last text, house text, street text)"
    )
    await connection.execute("TRUNCATE exact_roll")
    records = [(voter, row.first, row.last, row.house, row.street) for voter, row in roll]
    await connection.copy_records_to_table("exact_roll", records=records)
    await connection.execute("ANALYZE exact_roll")
    found = await connection.fetch(_EXACT, *([row[part] for row in lines] for part in range(5)))
    matched = {row[0]: row[1] for row in found}
    return [_of_voters(matched.get(at, ())) for at in range(len(lines))]


def by_signature(writings: Iterable[Signature], answers: Iterable[Answer]) -> list[Answer]:
    """Return the answers, and for lines that nobody signed the one that needs no matching."""
    unsigned = Answer(Outcome("invalid", "no_signature"), reason_open=False)
    return [answer if writing.signed else unsigned for writing, answer in zip(writings, answers, strict=True)]


def _of_voters(found: Sequence[str]) -> Answer:
    """One voter is a match, several are a person's business, and nobody is taken for not registered."""
    if len(found) == 1:
        return Answer(VALID, found[0])
    return Answer(_REVIEW, found[0]) if found else Answer()


def splink(roll: Sequence[tuple[str, Row]], lines: Sequence[Row]) -> list[Answer]:
    """Link lines and registrations with Splink, as its manual has it: trained without labels, the best pair wins.

    Raises:
        ImportError: Splink is not installed.
    """
    voter_of = {row.unique_id: voter for voter, row in roll}
    best: dict[int, dict[str, float]] = defaultdict(dict)
    for at, number, weight in _linked([row for _, row in roll], lines):
        best[at][voter_of[number]] = max(weight, best[at].get(voter_of[number], weight))
    return [_of_weights(best.get(at, {})) for at in range(len(lines))]


def _of_weights(found: dict[str, float]) -> Answer:
    """The heaviest pair, where its probability is enough; its weight, since probabilities of 1.0 have no order."""
    order = sorted(found, key=lambda voter: (-found[voter], voter))
    if not order or found[order[0]] < log2(CERTAIN / (1 - CERTAIN)):
        return Answer()
    tied = [voter for voter in order if found[voter] == found[order[0]]]
    return Answer(_REVIEW if len(tied) > 1 else VALID, order[0])


def _linked(roll: Sequence[Row], lines: Sequence[Row]) -> Iterator[tuple[int, str, float]]:
    """Pairs of a line's index and a registration's number with Splink's weight, a logarithm to base 2."""
    import pyarrow as pa  # type: ignore[import-not-found]  # noqa: PLC0415 - comes with Splink
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # type: ignore[import-not-found]  # noqa: PLC0415 - bench alone
    from splink import comparison_library as compare  # noqa: PLC0415

    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            compare.JaroWinklerAtThresholds("first", [0.92, 0.8]).configure(term_frequency_adjustments=True),
            compare.JaroWinklerAtThresholds("last", [0.92, 0.8]).configure(term_frequency_adjustments=True),
            compare.LevenshteinAtThresholds("house", 1),
            compare.JaroWinklerAtThresholds("street", [0.92, 0.8]).configure(term_frequency_adjustments=True),
            compare.LevenshteinAtThresholds("zip", 1),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("house", "street"),
            block_on("first", "last"),
            block_on("last", "street"),
            block_on("first", "street"),
            block_on("last", "house"),
        ],
    )
    database = DuckDBAPI()
    tables = [
        database.register(_table(pa, rows), dataset_display_name=name) for name, rows in (("l", lines), ("r", roll))
    ]
    linker = Linker(tables, settings, log_level="ERROR")
    linker.training.estimate_probability_two_random_records_match(
        [block_on("first", "last", "house", "street")], recall=0.7
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in (block_on("first", "last"), block_on("house", "street")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule, record_sample_proportion=1.0)
    for pair in linker.inference.predict(threshold_match_probability=0.5).as_record_list():
        sides = {pair["source_dataset_l"]: pair["unique_id_l"], pair["source_dataset_r"]: pair["unique_id_r"]}
        yield int(sides["l"]), sides["r"], pair["match_weight"]


def _table(pa: Any, rows: Sequence[Row]) -> Any:  # noqa: ANN401 - pyarrow's, which is not installed by default
    """Rows as a table; what is not written is null, which weighs nothing."""
    return pa.table({name: [row[at] or None for row in rows] for at, name in enumerate(Row._fields)})
