"""Proofs of a long log read a few hundred of its entries, and follow a database that was put back."""

from hashlib import sha256

import asyncpg
import pytest

from app.errors import UnknownEntryError
from app.ledger import proofs, queries
from app.ledger.entries import log_leaf, merkle_root
from app.ledger.proofs import Prover
from tests.ledger.counted import Counted
from tests.ledger.test_ledger import consistent, includes

SIZES = (1, 255, 256, 257, 1_500, 3_000)
INSERT = "INSERT INTO ledger SELECT county_id, petition_id, $1, 'intake', '', '', '{}', $2 FROM petition"


async def lengthen(connection: asyncpg.Connection, size: int, salt: bytes = b"") -> list[bytes]:
    """Give the only petition a ledger of so many entries; their leaves."""
    await connection.execute("SET session_replication_role = 'replica'")
    await connection.execute("DELETE FROM ledger")
    hashes = [sha256(salt + str(seq).encode()).digest() for seq in range(1, size + 1)]
    await connection.executemany(INSERT, list(enumerate(hashes, 1)))
    return [log_leaf(entry) for entry in hashes]


async def check(prover: Prover, counted: Counted, leaves: list[bytes], size: int) -> None:
    root, other = merkle_root(leaves[:size]), max(1, size * 2 // 3)
    included = await prover.inclusion(counted.petition.key, other, size)
    assert (included.leaf, included.root) == (leaves[other - 1], root)
    assert includes(included.leaf, other - 1, size, included.hashes, root)
    continued = await prover.consistency(counted.petition.key, other, size)
    assert (continued.first_root, continued.second_root) == (merkle_root(leaves[:other]), root)
    assert other == size or consistent(other, continued.first_root, size, root, continued.hashes)


async def test_proofs_of_every_size_hold_and_only_the_first_reads_the_whole_log(
    counted: Counted, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves, prover, read = await lengthen(connection, max(SIZES)), Prover(counted.database), list[int]()

    async def counting(*arguments: object) -> dict[int, bytes]:
        found = await queries.entry_hashes(*arguments)  # type: ignore[arg-type]  # passed on
        read.append(len(found))
        return found

    monkeypatch.setattr(proofs, "entry_hashes", counting)
    for size in SIZES:
        await check(prover, counted, leaves, size)
    read.clear()
    await check(prover, counted, leaves, max(SIZES))
    assert sum(read) <= 2 * (3 * 256 + 1), "two proofs: each of three tiles at most, and the last entry that is known"


async def test_a_log_that_was_put_back_and_went_on_otherwise_is_proved_as_it_is(
    counted: Counted, connection: asyncpg.Connection
) -> None:
    prover = Prover(counted.database)
    await check(prover, counted, await lengthen(connection, 1_500), 1_500)
    await check(prover, counted, await lengthen(connection, 1_200, b"another history"), 1_200)
    for seq, size in ((1, 1_201), (1_201, 1_200), (1, 2**62)):
        with pytest.raises(UnknownEntryError):
            await prover.inclusion(counted.petition.key, seq, size)
