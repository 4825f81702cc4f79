"""Verification: what agrees, and every way of tampering with a count, found and located."""

import json
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from app.count.queries import Change
from app.count.record import write
from app.errors import CheckpointRefusedError, PetitionClosedError, UndecidedLinesError
from app.examination.closing import close_and_sign, close_petition
from app.law.line import Place, canonical
from app.ledger import queries as rows
from app.ledger.evidence import verify
from app.ledger.notes import Signer
from app.ledger.replay import Chain, Verification
from tests.closing import close
from tests.ledger.counted import Counted, not_registered, valid
from tests.ledger.tamperings import TAMPERINGS, rewrite_chain, roll_back_tail


async def verdict(counted: Counted, *kept: str) -> Verification:
    async with counted.database.reading() as connection:
        return await verify(connection, counted.petition.key, counted.signer, kept=kept)


def found(verdict: Verification) -> set[tuple[str, str]]:
    return {(fault.code, fault.where) for fault in verdict.faults}


async def test_an_untouched_count_agrees(counted: Counted) -> None:
    result = await verdict(counted)
    assert result.faults == []
    assert result.agrees
    assert (result.version, result.entries, result.lines, result.checkpoints) == (6, 6, 11, 3)
    assert result.findings == 13  # a person confirmed one line, and one gave its place up to a lower one
    assert result.uncovered == 0


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_tampering_is_found_and_located(name: str, counted: Counted, connection: asyncpg.Connection) -> None:
    statement, expected = TAMPERINGS[name]
    await connection.execute("SET session_replication_role = 'replica'")  # a tamperer may work as the owner
    await connection.execute(statement)
    result = await verdict(counted)
    assert not result.agrees
    assert expected <= found(result)


async def test_a_tail_rolled_back_with_its_head_is_found_by_the_checkpoint_over_it(
    counted: Counted, connection: asyncpg.Connection
) -> None:
    await roll_back_tail(connection)
    assert found(await verdict(counted)) == {("shortened", "checkpoint 3")}


async def test_a_tail_rolled_back_with_its_checkpoint_is_found_by_a_checkpoint_that_was_kept(
    counted: Counted, connection: asyncpg.Connection
) -> None:
    kept = await counted.checkpoint()
    await roll_back_tail(connection)
    await connection.execute("DELETE FROM checkpoint WHERE checkpoint_no = 3")
    alone = await verdict(counted)
    # Nothing in the database can show it; the verification reports how many entries no checkpoint covers.
    assert (alone.agrees, alone.uncovered) == (True, 1)
    assert found(await verdict(counted, kept)) == {("shortened", "kept checkpoint 1")}


async def test_a_chain_rewritten_without_fault_is_found_by_every_checkpoint_over_it(
    counted: Counted, connection: asyncpg.Connection
) -> None:
    await rewrite_chain(connection, leaves=True)
    assert found(await verdict(counted)) == {("rewritten", f"checkpoint {number}") for number in (1, 2, 3)}


async def test_a_chain_without_leaves_would_not_find_an_edited_finding(
    counted: Counted, connection: asyncpg.Connection
) -> None:
    """The negative control: what finds the edit is the leaves, not the chain, the checkpoints or the recount."""
    await rewrite_chain(connection, leaves=False)
    chain = Chain(Verification(counted.petition.petition_id))
    async with counted.database.reading() as reading, reading.transaction():
        async for entry in rows.entries(reading, counted.petition.key):
            chain.take(entry)
    assert (chain.seq, chain.found.faults) == (6, [])
    assert found(await verdict(counted)) == {("finding", "line 5-1-2, finding 1"), ("leaf", "entry 2, leaf 1")}


async def test_a_checkpoint_of_another_key_is_none(counted: Counted, tmp_path: Path) -> None:
    counted.signer = Signer.from_file(tmp_path / "another", create=True)
    assert {code for code, _ in found(await verdict(counted))} == {"checkpoint"}


async def test_a_checkpoint_that_would_shrink_the_log_is_refused(
    counted: Counted, connection: asyncpg.Connection
) -> None:
    await roll_back_tail(connection)
    with pytest.raises(CheckpointRefusedError):
        await counted.checkpoint()


async def test_checkpoints_continue_while_the_clock_is_behind_the_last_one(counted: Counted) -> None:
    ahead = timedelta(days=400)
    counted.now += ahead
    await counted.take([valid(Place(8, 1, 1), "V10")])
    first = await counted.checkpoint()
    counted.now -= ahead
    await counted.take([valid(Place(8, 1, 2), "V11")])
    second = await counted.checkpoint()
    assert first != second
    checkpoints = [counted.signer.read(note, counted.petition.key) for note in (first, second)]
    assert checkpoints[0].at <= checkpoints[1].at
    assert (await verdict(counted, first)).faults == []


async def test_a_checkpoint_over_a_rewritten_chain_is_refused(counted: Counted, connection: asyncpg.Connection) -> None:
    await rewrite_chain(connection, leaves=True)
    await counted.take([valid(Place(8, 1, 1), "V10")])
    with pytest.raises(CheckpointRefusedError):
        await counted.checkpoint()


async def test_a_log_that_did_not_grow_gets_no_second_checkpoint(counted: Counted) -> None:
    assert await counted.checkpoint() == await counted.checkpoint()
    assert (await verdict(counted)).checkpoints == 3


async def test_a_closed_petition_verifies_and_changes_no_more(counted: Counted) -> None:
    await close(counted)
    await counted.checkpoint()
    assert (await verdict(counted)).faults == []
    with pytest.raises(PetitionClosedError):
        await counted.take([valid(Place(8, 1, 1), "V10")])
    with pytest.raises(PetitionClosedError):
        await close_petition(counted.count, counted.petition, closed_by="supervisor-1", now=counted.later())


async def test_a_petition_with_lines_to_decide_is_not_closed(counted: Counted) -> None:
    await counted.take([not_registered(Place(8, 1, 1))])
    with pytest.raises(UndecidedLinesError):
        await close_petition(counted.count, counted.petition, closed_by="supervisor-1", now=counted.later())


async def test_what_retention_destroys_and_says_leaves_the_rest_verifiable(
    counted: Counted, connection: asyncpg.Connection
) -> None:
    await close(counted)
    await connection.execute("SET session_replication_role = 'replica'")
    for table in ("finding", "line", "signature"):
        await connection.execute(f"DELETE FROM {table} WHERE (section, page, line) = (5, 1, 2)")  # noqa: S608  # ours
    assert not (await verdict(counted)).agrees
    facts = {"destroyed": [[2, 1, 1]]}
    await write(Change(connection, counted.petition, counted.later()), "retention", [], facts=facts)
    await counted.checkpoint()
    result = await verdict(counted)
    assert result.faults == []
    assert (result.destroyed, result.findings) == (1, 12)
    await connection.execute("UPDATE finding SET salt = ''::bytea WHERE (section, page, line) = (5, 1, 3)")
    assert ("finding", "line 5-1-3, finding 1") in found(await verdict(counted))


@pytest.mark.usefixtures("counted")
async def test_payloads_hold_no_personal_data(connection: asyncpg.Connection) -> None:
    for row in await connection.fetch("SELECT payload FROM ledger"):
        assert "V1" not in row["payload"]
        assert "SIGNER" not in row["payload"]
        assert canonical(json.loads(row["payload"])).decode() == row["payload"]


async def test_a_petition_whose_ledger_cannot_be_signed_is_not_closed(
    counted: Counted, connection: asyncpg.Connection
) -> None:
    await rewrite_chain(connection, leaves=True)
    await counted.take([valid(Place(8, 1, 1), "V10")])
    with pytest.raises(CheckpointRefusedError):
        await close_and_sign(
            counted.count, counted.petition, counted.signer, closed_by="supervisor-1", now=counted.later
        )
    await counted.take([valid(Place(8, 1, 2), "V11")])  # it is still open
