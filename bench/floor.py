"""The floor: a whole petition by COPY and set-based SQL, in one session and one transaction, matching exactly.

What is left when nobody matches fuzzily, explains, answers or waits for another: the rows alone. The same tables as the
service's, with the same indexes, checks and foreign keys between them, in a schema of their own; the same rows in them
at the end, of the same size; the same durability. Timed from the start of COPY to the end of COMMIT.

The exact keys of the roll are made beforehand, as the service's are. The lines are in COPY's format beforehand.
"""

import json
from collections.abc import Sequence
from io import BytesIO
from time import perf_counter
from typing import Literal

import asyncpg

Indexes = Literal["before", "after"]

TABLES = ("signature", "line", "slot", "finding", "ledger", "head", "idempotency")
_FIELDS = ("section", "page", "line", "printed_name", "residence_address", "city", "zip", "signed", "image_sha256")
_IDS = "'floor'::text AS county_id, '00000000-0000-0000-0000-000000000001'::uuid AS petition_id"
_FRONT = 100  # characters of a finding that differ from line to line
_BATCH = 500  # lines of one entry and one stored answer, as the stations' batches

# First and last word of the name, house number, street without direction, type and unit: cheap, and often right.
_KEY = """
hashtextextended(upper(concat_ws('|', split_part({name}, ' ', -1), split_part({name}, ' ', 1), {house}, {street})), 0)
"""
_HOUSE = "split_part(residence_address, ' ', 1)"
_STREET = """
(SELECT array_to_string(words[
        CASE WHEN cardinality(words) > 2 AND words[2] IN ('N', 'S', 'E', 'W', 'NORTH', 'SOUTH', 'EAST', 'WEST')
            THEN 3 ELSE 2 END
        : cardinality(words) - CASE WHEN cardinality(words) > 2 AND words[cardinality(words)] IN (
            'ST', 'STREET', 'AVE', 'AV', 'AVENUE', 'DR', 'DRIVE', 'BLVD', 'PL', 'PLACE', 'RD', 'ROAD', 'CT', 'LN',
            'LANE', 'WAY', 'CIR', 'TER') THEN 1 ELSE 0 END], ' ')
    FROM string_to_array(split_part(split_part(split_part(upper(residence_address), ' APT ', 1), ' UNIT ', 1), ' #', 1),
                         ' ') AS words)
"""
_LINE_KEY = _KEY.format(name="trim(printed_name)", house=_HOUSE, street=_STREET)
_ROLL_KEY = _KEY.format(name="first_name || ' ' || last_name", house="house_number", street="street_name")

_PREPARE = f"""
DROP SCHEMA IF EXISTS floor CASCADE;
CREATE SCHEMA floor;
CREATE TABLE floor.roll AS
    SELECT {_ROLL_KEY} AS key, min(voter_id) AS voter_id, min(registration_no) AS registration_no
    FROM registration WHERE county_id = '%s' AND status IN ('active', 'inactive') AND effective_to IS NULL
    GROUP BY 1;
ALTER TABLE floor.roll ADD PRIMARY KEY (key);
VACUUM ANALYZE floor.roll;
"""  # noqa: S608  # literals of ours; the county's code is checked by the database

# Each line with its voter, the line's number among the voter's, its batch, and its number in it; in the paper's order.
_MATCH = f"""
CREATE TEMPORARY TABLE found ON COMMIT DROP AS
SELECT *, CASE WHEN voter_id IS NULL OR NOT signed OR nth > 1 THEN 'invalid' ELSE 'valid' END AS status,
       CASE WHEN NOT signed THEN 'no_signature' WHEN voter_id IS NULL THEN 'not_registered'
            WHEN nth > 1 THEN 'duplicate' END AS reason
FROM (
    SELECT staged.*, roll.voter_id, roll.registration_no,
           row_number() OVER (PARTITION BY roll.voter_id, signed ORDER BY section, page, line) AS nth,
           (row_number() OVER paper - 1) / {_BATCH} + 1 AS seq, (row_number() OVER paper - 1) % {_BATCH} AS leaf_no
    FROM staged LEFT JOIN floor.roll ON roll.key = {_LINE_KEY}
    WINDOW paper AS (ORDER BY section, page, line)
) AS matched
ORDER BY section, page, line
"""  # noqa: S608  # literals of ours

_SIGNATURES = f"""
INSERT INTO floor.signature (county_id, petition_id, section, page, line, printed_name, residence_address, city, zip,
                             signed, image_sha256, writing_sha256, station, received_at)
SELECT {_IDS}, section, page, line, printed_name, residence_address, city, zip, signed, image_sha256,
       sha256(convert_to(concat_ws('|', printed_name, residence_address, city, zip), 'UTF8')), 'station-1', now()
FROM found
"""  # noqa: S608
_SLOTS = f"""
INSERT INTO floor.slot (county_id, petition_id, voter_id)
SELECT DISTINCT {_IDS}, voter_id FROM found WHERE voter_id IS NOT NULL AND signed ORDER BY voter_id
"""  # noqa: S608
_LINES = f"""
INSERT INTO floor.line (county_id, petition_id, section, page, line, status, reason, voter_id, settled, finding_no,
                        version, roll_version, people_needed, confirmed_by, mismatch_by, station)
SELECT {_IDS}, section, page, line, status, reason, voter_id, reason IS DISTINCT FROM 'not_registered', 1, seq + 1, 1,
       CASE reason WHEN 'not_registered' THEN 1 ELSE 0 END, '{{}}', '{{}}', 'station-1'
FROM found
"""  # noqa: S608

# Contents of the service's own findings, with the line's place, standing and voter instead of as much of theirs: of the
# same size, and as hard to compress.
_ENTRIES = f"""
CREATE TEMPORARY TABLE entry ON COMMIT DROP AS
WITH written AS (
    INSERT INTO floor.finding (county_id, petition_id, version, section, page, line, finding_no, leaf_no, salt, content)
    SELECT {_IDS}, seq + 1, section, page, line, 1, leaf_no, uuid_send(gen_random_uuid()),
           concat('{{"place":"', section, '-', page, '-', line, '","status":"', status, '","reason":"', reason,
                  '","voter_id":"', voter_id, '","registration_no":', registration_no, ',', sample.rest)
    FROM found JOIN floor.sample ON sample.no = leaf_no % (SELECT count(*) FROM floor.sample)
    RETURNING version, leaf_no, sha256(salt || convert_to(content, 'UTF8')) AS leaf
)
SELECT version, string_agg(leaf, ''::bytea ORDER BY leaf_no) AS leaves FROM written GROUP BY version
"""  # noqa: S608

# The counts after each entry, and the chain of hashes over all of them.
_PAYLOADS = """
CREATE TEMPORARY TABLE counted ON COMMIT DROP AS
SELECT version, leaves, jsonb_build_object('at', now(), 'leaves', length(leaves) / 32, 'tally', jsonb_build_object(
           'received', 0, 'review', 0, 'unsettled', sum(unregistered) OVER w, 'valid', sum(valid) OVER w,
           'invalid', sum(invalid) OVER w, 'by_reason', jsonb_build_object('duplicate', sum(duplicate) OVER w,
           'not_registered', sum(unregistered) OVER w)))::text AS payload
FROM entry JOIN (
    SELECT seq + 1 AS version, count(*) FILTER (WHERE status = 'valid') AS valid,
           count(*) FILTER (WHERE status = 'invalid') AS invalid,
           count(*) FILTER (WHERE reason = 'duplicate') AS duplicate,
           count(*) FILTER (WHERE reason = 'not_registered') AS unregistered
    FROM found GROUP BY seq
) AS moved USING (version)
WINDOW w AS (ORDER BY version)
"""
_IN_ORDER = "CREATE UNIQUE INDEX ON counted (version)"
_LEDGER = f"""
WITH RECURSIVE chain AS (
    SELECT version, sha256(leaves || convert_to(payload, 'UTF8')) AS hash FROM counted WHERE version = 2
    UNION ALL
    SELECT counted.version, sha256(chain.hash || leaves || convert_to(payload, 'UTF8'))
    FROM chain JOIN counted ON counted.version = chain.version + 1
)
INSERT INTO floor.ledger (county_id, petition_id, seq, type, leaf_root, leaves, payload, hash)
SELECT {_IDS}, version, 'intake', sha256(leaves), leaves, payload, hash FROM chain JOIN counted USING (version)
"""  # noqa: S608
_HEAD = f"""
INSERT INTO floor.head (county_id, petition_id, version, hash, state, as_of, received, valid, invalid, review,
                        unsettled, by_reason, ruleset_in_force)
SELECT {_IDS}, (SELECT max(seq) FROM floor.ledger), (SELECT hash FROM floor.ledger ORDER BY seq DESC LIMIT 1), 'open',
       now(), 0, count(*) FILTER (WHERE status = 'valid'), count(*) FILTER (WHERE status = 'invalid'), 0,
       count(*) FILTER (WHERE reason = 'not_registered'), '{{}}',
       'california-local-recall/1'
FROM found
"""  # noqa: S608
_ANSWERS = f"""
INSERT INTO floor.idempotency (county_id, petition_id, principal, key, fingerprint, answer, created_at)
SELECT {_IDS}, 'station-1', 'batch-' || seq, sha256(convert_to(seq::text, 'UTF8')),
       '[' || string_agg(concat('["', section, '-', page, '-', line, '","', status, '","', reason, '",true,', seq + 1,
                                ',true]'), ',' ORDER BY leaf_no) || ']', now()
FROM found GROUP BY seq
"""  # noqa: S608

_FILL = (_SIGNATURES, _SLOTS, _LINES, _ENTRIES, _PAYLOADS, _IN_ORDER, _LEDGER, _HEAD, _ANSWERS)

_INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY ($1::text[])"
_FOREIGN_KEYS = """
SELECT format('ALTER TABLE floor.%I ADD %s', child.relname,
              replace(pg_get_constraintdef(c.oid), 'REFERENCES ', 'REFERENCES floor.'))
FROM pg_constraint c JOIN pg_class child ON child.oid = c.conrelid JOIN pg_class parent ON parent.oid = c.confrelid
WHERE c.contype = 'f' AND child.relname = ANY ($1::text[]) AND parent.relname = ANY ($1::text[])
  AND child.relnamespace = 'public'::regnamespace
"""


def copy_text(lines: Sequence[bytes]) -> bytes:
    """The petition's lines in COPY's text format."""
    rows = []
    for line in lines:
        values = {"signed": True, **json.loads(line)}
        texts = ["\\N" if values.get(name) is None else str(values[name]) for name in _FIELDS]
        rows.append("\t".join(text if text == "\\N" else text.replace("\\", "\\\\") for text in texts))
    return "\n".join([*rows, ""]).encode()


async def prepare(dsn: str, county_id: str) -> None:
    """Make the exact keys of a county's roll; at most one version of it may be loaded."""
    connection = await asyncpg.connect(dsn)
    for statement in (_PREPARE % county_id).split(";\n"):
        if statement.strip():
            await connection.execute(statement, timeout=None)
    await connection.close()


async def sample_findings(connection: asyncpg.Connection, samples: int = 64) -> float:
    """Take some of the service's findings for the size of the floor's; their mean size in bytes."""
    await connection.execute(
        f"""
        DROP TABLE IF EXISTS floor.sample;
        CREATE TABLE floor.sample AS
            SELECT row_number() OVER () - 1 AS no, substr(content, {_FRONT} + 1) AS rest FROM (
                SELECT content FROM finding ORDER BY md5(content) LIMIT {samples}
            ) AS drawn
        """  # noqa: S608  # a number of ours
    )
    return float(await connection.fetchval("SELECT avg(octet_length(content)) FROM finding"))


async def run(dsn: str, lines: bytes, *, indexes: Indexes = "before") -> tuple[float, dict[str, int]]:
    """The seconds that the petition took, and its tally.

    Args:
        dsn: of the database; whoever connects there may make tables in the schema `floor`.
        lines: the petition as `copy_text` makes it.
        indexes: whether the tables are there beforehand, with their indexes, as for a petition that comes to others;
            or are made in the transaction, with the indexes and keys after the rows.
    """
    connection = await asyncpg.connect(dsn, server_settings={"jit": "off", "work_mem": "512MB"})
    try:
        await connection.execute(f"DROP TABLE IF EXISTS {', '.join(f'floor.{table}' for table in TABLES)}")
        if indexes == "before":
            await _make_tables(connection)
            await _make_indexes(connection)
        await connection.execute("CHECKPOINT")
        started = perf_counter()
        async with connection.transaction():
            if indexes == "after":
                await _make_tables(connection)
            await _fill(connection, lines)
            if indexes == "after":
                await _make_indexes(connection)
        taken = perf_counter() - started
        counts = await connection.fetchrow("SELECT valid, invalid FROM floor.head")
    finally:
        await connection.close()
    return taken, dict(counts)


async def _fill(connection: asyncpg.Connection, lines: bytes) -> None:
    await connection.execute(
        "CREATE TEMPORARY TABLE staged (section int, page int, line int, printed_name text, residence_address text,"
        " city text, zip text, signed boolean, image_sha256 text) ON COMMIT DROP"
    )
    await connection.copy_to_table("staged", source=BytesIO(lines), timeout=None)
    await connection.execute("ANALYZE staged")
    await connection.execute(_MATCH, timeout=None)
    await connection.execute("ANALYZE found")
    for statement in _FILL:
        await connection.execute(statement, timeout=None)


async def _make_tables(connection: asyncpg.Connection) -> None:
    for table in TABLES:
        # Without autovacuum, as the service's: it would come in somebody else's turn.
        await connection.execute(
            f"CREATE TABLE floor.{table} (LIKE public.{table} INCLUDING ALL EXCLUDING INDEXES)"
            " WITH (autovacuum_enabled = off)"
        )


async def _make_indexes(connection: asyncpg.Connection) -> None:
    for row in await connection.fetch(_INDEXES, TABLES):
        await connection.execute(row[0].replace(" ON public.", " ON floor."), timeout=None)
    for row in await connection.fetch(_FOREIGN_KEYS, TABLES):
        await connection.execute(row[0], timeout=None)
