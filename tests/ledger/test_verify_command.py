"""`python -m app verify`: what it prints, and its exit status."""

import os
import subprocess
import sys
from pathlib import Path

import asyncpg

from tests.ledger.counted import Counted

ROOT = Path(__file__).parents[2]


def app(database: str, key: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DATABASE_URL": database, "CHECKPOINT_KEY_FILE": str(key)}
    command = [sys.executable, "-m", "app", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)  # noqa: S603  # ours


async def test_a_count_that_agrees_ends_with_success(counted: Counted, database: str, tmp_path: Path) -> None:
    done = app(database, tmp_path / "key", "verify", str(counted.petition.petition_id))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("rows, ledger, tally and checkpoints agree\n")


async def test_a_count_that_disagrees_fails_and_names_the_place_and_no_voter(
    counted: Counted, database: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    await connection.execute("UPDATE line SET voter_id = 'V9' WHERE voter_id = 'V2'")
    done = app(database, tmp_path / "key", "verify", str(counted.petition.petition_id))
    assert (done.returncode, done.stderr) == (1, "error: 2 disagreements\n")
    assert "line 5-1-2: it is not as its last finding decided it" in done.stdout
    assert "line 5-1-2: its voter has no slot" in done.stdout
    assert "V9" not in done.stdout


async def test_a_checkpoint_that_was_kept_is_held_against_the_ledger(
    counted: Counted, database: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.write_text(await counted.checkpoint())
    arguments = ("verify", str(counted.petition.petition_id), "--checkpoint", str(kept))
    assert app(database, tmp_path / "key", *arguments).returncode == 0
    await connection.execute("UPDATE checkpoint SET note = replace(note, 'checkpoint 1', 'checkpoint 9')")
    kept.write_text(kept.read_text().replace("checkpoint 3", "checkpoint 4"))
    done = app(database, tmp_path / "key", *arguments)
    assert done.returncode == 1
    assert "kept checkpoint 1: it is not a checkpoint of this petition that the key has signed" in done.stdout


async def test_without_the_key_nothing_is_verified(counted: Counted, database: str, tmp_path: Path) -> None:
    done = app(database, tmp_path / "nowhere", "verify", str(counted.petition.petition_id))
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


async def test_the_key_is_printed_as_it_is_passed_on(counted: Counted, database: str, tmp_path: Path) -> None:
    assert app(database, tmp_path / "key", "ledger-key").stdout.strip() == counted.signer.verifier_key


async def test_a_lost_key_is_not_replaced(counted: Counted, database: str, tmp_path: Path) -> None:
    await counted.checkpoint()
    empty = tmp_path / "empty"
    environment = {**os.environ, "DATABASE_URL": database, "DATA_DIR": str(empty)}
    for arguments in (["serve", "--port", "0"], ["petition", "close", str(counted.petition.petition_id)]):
        command = [sys.executable, "-m", "app", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)  # noqa: ASYNC221, S603  # ours
        lost = "checkpoint.key is missing, and the database has checkpoints that were signed with it: put it back"
        assert done.returncode == 1
        assert done.stderr.endswith(f"error: DATA_DIR: {lost}\n")
    assert not empty.exists()
