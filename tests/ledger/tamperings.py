"""Every way of tampering with the counted petition, as its owner could in the database, and where it must be found."""

import asyncpg

from app.ledger.entries import Entry, leaf_hash, merkle_root

# What is done, and the faults (code, where) that must be among those found.
TAMPERINGS: dict[str, tuple[str, set[tuple[str, str]]]] = {
    "an edited finding": (
        'UPDATE finding SET content = replace(content, \'"voter_id":"V2"\', \'"voter_id":"V9"\')',
        {("finding", "line 5-1-2, finding 1"), ("line", "line 5-1-2")},
    ),
    "a finding moved to another place": (
        "UPDATE finding SET line = 9 WHERE (section, page, line) = (7, 1, 2)",
        {("finding", "line 7-1-9, finding 1"), ("line", "line 7-1-9"), ("line", "line 7-1-2")},
    ),
    "a deleted finding": (
        "DELETE FROM finding WHERE (section, page, line) = (5, 1, 3)",
        {("leaf", "entry 2, leaf 2"), ("tally", "entry 2"), ("line", "line 5-1-3")},
    ),
    "an inserted finding": (
        (
            "INSERT INTO finding"
            " SELECT county_id, petition_id, section, page, line, 2, 6, 2, salt, content FROM finding"
            " WHERE (section, page, line) = (5, 1, 3)"
        ),
        {("finding", "line 5-1-3, finding 2"), ("line", "line 5-1-3")},
    ),
    "findings that changed their leaves": (
        "UPDATE finding SET leaf_no = 1 - leaf_no WHERE section = 7",
        {("finding", "line 7-1-1, finding 1"), ("finding", "line 7-1-2, finding 1"), ("leaf", "entry 6, leaf 0")},
    ),
    "findings that changed their voters": (
        (
            "UPDATE finding SET content = CASE line"
            " WHEN 1 THEN replace(content, 'V7', 'V8') ELSE replace(content, 'V8', 'V7') END WHERE section = 7"
        ),
        {("finding", "line 7-1-1, finding 1"), ("finding", "line 7-1-2, finding 1")},
    ),
    "a changed salt": (
        "UPDATE finding SET salt = salt || '\\x00'::bytea WHERE (section, page, line) = (4, 1, 2)",
        {("finding", "line 4-1-2, finding 1"), ("leaf", "entry 5, leaf 1")},
    ),
    "an edited entry": (
        "UPDATE ledger SET payload = replace(payload, '\"valid\":5', '\"valid\":6') WHERE seq = 2",
        {("entry_hash", "entry 2"), ("payload", "entry 2"), ("tally", "entry 3")},
    ),
    "an edited entry that adds up": (
        (
            "UPDATE ledger SET payload = replace(replace(payload, '\"valid\":5', '\"valid\":4'), '\"review\":0',"
            " '\"review\":1') WHERE seq = 2"
        ),
        {("entry_hash", "entry 2"), ("tally", "entry 2"), ("rewritten", "checkpoint 1")},
    ),
    "edited leaves": (
        "UPDATE ledger SET leaves = set_byte(leaves, 40, 255 - get_byte(leaves, 40)) WHERE seq = 2",
        {("leaf_root", "entry 2"), ("finding", "line 5-1-2, finding 1")},
    ),
    "a deleted entry": (
        "DELETE FROM ledger WHERE seq = 4",
        {("entry_missing", "entry 4"), ("entry_hash", "entry 5"), ("finding", "line 6-1-2, finding 2")},
    ),
    "an inserted entry": (
        (
            "INSERT INTO ledger SELECT county_id, petition_id, 7, type, leaf_root, leaves, payload, hash FROM ledger"
            " WHERE seq = 6"
        ),
        {("entry_hash", "entry 7"), ("head", "head"), ("leaf", "entry 7, leaf 0")},
    ),
    "an entry before the first": (
        (
            "INSERT INTO ledger"
            " SELECT county_id, petition_id, -1, 'intake', leaf_root, leaves, payload, hash FROM ledger WHERE seq = 1"
        ),
        {("entry_hash", "entry -1"), ("entry_type", "entry -1")},
    ),
    "an entry of a type that cannot be": (
        "UPDATE ledger SET type = repeat('x', 300) WHERE seq = 3",
        {("entry_hash", "entry 3"), ("entry_type", "entry 3")},
    ),
    "a payload that is none": (
        "UPDATE ledger SET payload = '[]' WHERE seq = 3",
        {("entry_hash", "entry 3"), ("payload", "entry 3")},
    ),
    "a finding that is none": (
        """UPDATE finding SET content = '{"status": []}' WHERE (section, page, line) = (5, 1, 3)""",
        {("finding", "line 5-1-3, finding 1"), ("line", "line 5-1-3")},
    ),
    "entries in another order": (
        (
            "UPDATE ledger SET seq = -5 WHERE seq = 5; UPDATE ledger SET seq = 5 WHERE seq = 6;"
            "UPDATE ledger SET seq = 6 WHERE seq < 0"
        ),
        {("entry_hash", "entry 5"), ("entry_hash", "entry 6"), ("finding", "line 7-1-1, finding 1")},
    ),
    "a changed tally": (
        "UPDATE head SET valid = valid + 1, invalid = invalid - 1",
        {("head", "head"), ("recount", "head")},
    ),
    "a moved head": ("UPDATE head SET version = 5", {("head", "head")}),
    "a reopened or closed petition": ("UPDATE head SET state = 'closed'", {("head", "head")}),
    "a changed line": (
        "UPDATE line SET status = 'invalid', reason = 'other' WHERE (section, page, line) = (5, 1, 2)",
        {("line", "line 5-1-2"), ("recount", "head")},
    ),
    "a made-up confirmation": (
        "UPDATE line SET confirmed_by = '{clerk-2}' WHERE (section, page, line) = (5, 1, 2)",
        {("line", "line 5-1-2")},
    ),
    "a deleted line": (
        "DELETE FROM line WHERE (section, page, line) = (5, 1, 2)",
        {("line", "line 5-1-2"), ("recount", "head"), ("signature", "line 5-1-2")},
    ),
    "a voter's lines that changed their parts": (
        (
            "UPDATE line SET status = 'invalid', reason = 'duplicate' WHERE (section, page, line) = (4, 1, 1);"
            "UPDATE line SET status = 'valid', reason = NULL WHERE (section, page, line) = (5, 1, 1)"
        ),
        {("line", "line 4-1-1"), ("line", "line 5-1-1"), ("voter", "line 4-1-1"), ("voter", "line 5-1-1")},
    ),
    "a deleted signature": (
        "DELETE FROM signature WHERE (section, page, line) = (5, 1, 2)",
        {("signature", "line 5-1-2")},
    ),
    "an inserted line": (
        (
            "INSERT INTO line SELECT county_id, petition_id, 9, page, line, 'invalid', 'not_registered', NULL, settled,"
            " finding_no, version, roll_version, people_needed, confirmed_by, mismatch_by, station, aliases_version"
            " FROM line WHERE (section, page, line) = (6, 1, 2)"
        ),
        {("line", "line 9-1-2")},
    ),
    "an inserted signature": (
        (
            "INSERT INTO signature SELECT county_id, petition_id, 9, page, line, printed_name, name_parts,"
            " residence_address, city, zip, signed, image_sha256, writing_sha256, station, received_at"
            " FROM signature WHERE (section, page, line) = (6, 1, 2)"
        ),
        {("signature", "line 9-1-2")},
    ),
    "a deleted slot": ("DELETE FROM slot WHERE voter_id = 'V6'", {("voter", "line 4-1-2")}),
    "a payload with fractions of lines": (
        "UPDATE ledger SET payload = replace(payload, '\"valid\":5', '\"valid\":5.0') WHERE seq = 2",
        {("entry_hash", "entry 2"), ("payload", "entry 2")},
    ),
    "a payload with more lines than can be": (
        (
            "UPDATE ledger SET payload = replace(replace(payload, '\"valid\":5', '\"valid\":9223372036854775807'),"
            " '\"raw\":5', '\"raw\":9223372036854775807') WHERE seq = 2"
        ),
        {("entry_hash", "entry 2"), ("payload", "entry 2")},
    ),
    "a payload that is another list": (
        "UPDATE ledger SET payload = '[ ]' WHERE seq = 1",
        {("entry_hash", "entry 1"), ("payload", "entry 1"), ("petition", "petition")},
    ),
    "a withdrawal that was not recorded": (
        "UPDATE slot SET withdrawn_on = '2022-07-01' WHERE voter_id = 'V6'",
        {("voter", "line 4-1-2")},
    ),
    "a rewritten signature": (
        "UPDATE signature SET printed_name = 'SOMEBODY ELSE' WHERE (section, page, line) = (5, 1, 2)",
        {("writing", "line 5-1-2")},
    ),
    "a signature rewritten with its hash": (
        "UPDATE signature SET writing_sha256 = sha256('other') WHERE (section, page, line) = (5, 1, 2)",
        {("writing", "line 5-1-2")},
    ),
    "changed terms": ("UPDATE petition SET required = required - 1", {("petition", "petition")}),
    "a dropped checkpoint": (
        "DELETE FROM checkpoint WHERE checkpoint_no = 2",
        {("checkpoint_missing", "checkpoint 2")},
    ),
    "a dropped checkpoint with the next renumbered": (
        (
            "DELETE FROM checkpoint WHERE checkpoint_no = 2;"
            "UPDATE checkpoint SET checkpoint_no = 2 WHERE checkpoint_no = 3"
        ),
        {("checkpoint_missing", "checkpoint 2"), ("checkpoint", "checkpoint 2")},
    ),
    "an edited checkpoint": (
        "UPDATE checkpoint SET note = replace(note, '\"valid\":5', '\"valid\":6') WHERE checkpoint_no = 1",
        {("checkpoint", "checkpoint 1")},
    ),
}


async def roll_back_tail(connection: asyncpg.Connection) -> None:
    """Take the last entry away with everything that followed from it, as if it had never been."""
    await connection.execute("SET session_replication_role = 'replica'")
    await connection.execute(
        "DELETE FROM ledger WHERE seq = 6; DELETE FROM finding WHERE section = 7; DELETE FROM line WHERE section = 7;"
        "DELETE FROM signature WHERE section = 7; DELETE FROM slot WHERE voter_id IN ('V7', 'V8');"
        "UPDATE head SET version = 5, valid = valid - 2, hash = (SELECT hash FROM ledger WHERE seq = 5)"
    )


async def rewrite_chain(connection: asyncpg.Connection, *, leaves: bool) -> None:
    """Give voter V2's line to V9 everywhere, and make every hash from there on anew; without `leaves`, of entries."""
    await connection.execute("SET session_replication_role = 'replica'")
    await connection.execute(
        'UPDATE finding SET content = replace(content, \'"voter_id":"V2"\', \'"voter_id":"V9"\');'
        "UPDATE line SET voter_id = 'V9' WHERE voter_id = 'V2'; UPDATE slot SET voter_id = 'V9' WHERE voter_id = 'V2'"
    )
    previous = bytes(32)
    for entry in await connection.fetch("SELECT * FROM ledger ORDER BY seq") if leaves else ():
        rows = await connection.fetch(
            "SELECT salt, content FROM finding WHERE version = $1 ORDER BY leaf_no", entry["seq"]
        )
        hashes = [leaf_hash(row["salt"], row["content"].encode()) for row in rows]
        root = merkle_root(hashes)
        previous = Entry(entry["seq"], entry["type"], root, b"", entry["payload"]).after(previous).hash
        await connection.execute(
            "UPDATE ledger SET leaves = $2, leaf_root = $3, hash = $4 WHERE seq = $1",
            entry["seq"],
            b"".join(hashes),
            root,
            previous,
        )
        await connection.execute("UPDATE head SET hash = $1", previous)
