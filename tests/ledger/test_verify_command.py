"""`python -m app verify`: what it prints, and its exit status."""

from pathlib import Path

import asyncpg

from tests.commands import command
from tests.ledger.counted import Counted


async def app(database: str, key: Path, *arguments: str) -> tuple[int, str, str]:
    return await command(*arguments, environment={"DATABASE_URL": database, "CHECKPOINT_KEY_FILE": str(key)})


async def test_a_count_that_agrees_ends_with_success(counted: Counted, database: str, tmp_path: Path) -> None:
    status, printed, errors = await app(database, tmp_path / "key", "verify", str(counted.petition.petition_id))
    assert (status, errors) == (0, "")
    assert printed.endswith("rows, ledger, tally and checkpoints agree\n")


async def test_a_count_that_disagrees_fails_and_names_the_place_and_no_voter(
    counted: Counted, database: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    await connection.execute("UPDATE line SET voter_id = 'V9' WHERE voter_id = 'V2'")
    status, printed, errors = await app(database, tmp_path / "key", "verify", str(counted.petition.petition_id))
    assert (status, errors) == (1, "error: 2 disagreements\n")
    assert "line 5-1-2: it is not as its last finding decided it" in printed
    assert "line 5-1-2: its voter has no slot" in printed
    assert "V9" not in printed


async def test_a_checkpoint_that_was_kept_is_held_against_the_ledger(
    counted: Counted, database: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.write_text(await counted.checkpoint())
    arguments = ("verify", str(counted.petition.petition_id), "--checkpoint", str(kept))
    assert (await app(database, tmp_path / "key", *arguments))[0] == 0
    await connection.execute("UPDATE checkpoint SET note = replace(note, 'checkpoint 1', 'checkpoint 9')")
    kept.write_text(kept.read_text().replace("checkpoint 3", "checkpoint 4"))
    status, printed, _ = await app(database, tmp_path / "key", *arguments)
    assert status == 1
    assert "kept checkpoint 1: it is not a checkpoint of this petition that the key has signed" in printed


async def test_without_the_key_nothing_is_verified(counted: Counted, database: str, tmp_path: Path) -> None:
    status, _, errors = await app(database, tmp_path / "nowhere", "verify", str(counted.petition.petition_id))
    assert status == 1
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1


async def test_the_key_is_printed_as_it_is_passed_on(counted: Counted, database: str, tmp_path: Path) -> None:
    assert (await app(database, tmp_path / "key", "ledger-key"))[1].strip() == counted.signer.verifier_key


async def test_a_lost_key_is_not_replaced(counted: Counted, database: str, tmp_path: Path) -> None:
    await counted.checkpoint()
    empty = tmp_path / "empty"
    environment = {"DATABASE_URL": database, "DATA_DIR": str(empty)}
    for arguments in (["serve", "--port", "0"], ["petition", "close", str(counted.petition.petition_id)]):
        status, _, errors = await command(*arguments, environment=environment)
        lost = "checkpoint.key is missing, and the database has checkpoints that were signed with it: put it back"
        assert status == 1
        assert errors.endswith(f"error: DATA_DIR: {lost}\n")
    assert not empty.exists()
