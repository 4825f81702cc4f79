"""The evidence bundle, checked by a program that shares no code with the service.

`data/bundle.zip` was exported by an earlier program. It holds a made-up petition: findings of the machine and of
people, a withdrawal, one that was revoked, a corrected reading, and two checkpoints; `data/kept.checkpoint` is the
first of them. These files are never made again: bundles that counties keep must verify.
"""

import ast
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import asyncpg
import pytest

from app.count.queries import Change
from app.count.record import write
from app.ledger.evidence import export_bundle
from tests.closing import close
from tests.ledger.counted import Counted, a_counted_petition
from tests.ledger.tamperings import TAMPERINGS, rewrite_chain, roll_back_tail

VERIFIER = Path(__file__).parents[2] / "tools" / "verify_bundle.py"
DATA = Path(__file__).parent / "data"
KEY = (DATA / "bundle.key").read_text().strip()


async def export(counted: Counted, folder: Path, name: str = "bundle.zip") -> Path:
    await export_bundle(counted.database, counted.petition.key, counted.signer, folder / name)
    return folder / name


def verify_bundle(bundle: Path, key: str, *kept: Path) -> tuple[int, str]:
    """The verifier's exit status and output, in a process of its own without the project's modules."""
    command = [sys.executable, "-I", str(VERIFIER), str(bundle), "--key", key]
    for path in kept:
        command += ["--checkpoint", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=bundle.parent)  # noqa: S603  # ours
    return done.returncode, done.stdout + done.stderr


def verify(counted: Counted, bundle: Path, *kept: Path) -> tuple[int, str]:
    return verify_bundle(bundle, counted.signer.verifier_key, *kept)


def test_the_verifier_shares_no_code_with_the_service() -> None:
    tree = ast.parse(VERIFIER.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names | {"cryptography"}


async def test_an_untouched_bundle_verifies(counted: Counted, tmp_path: Path) -> None:
    status, output = verify(counted, await export(counted, tmp_path))
    assert status == 0, output
    assert output.splitlines() == [
        "1. format: ok (recall-evidence/1)",
        "2. chain of entries: ok (6 entries, 13 leaves)",
        "3. findings: ok (13 findings, 8 voters counted, 0 withdrawn)",
        "4. leaves and tallies: ok (0 findings destroyed by retention)",
        "5. result: ok (11 lines, 8 valid, 5 required, open)",
        "6. checkpoints: ok (3 checkpoints, 0 entries after the last)",
        "7. records: ok (0 records, 1 rulesets)",
        "everything agrees",
    ]


# Where a bundle shows what was done; what is not here was done to rows that are not evidence and not exported.
SHOWN = {
    "an edited finding": "line 5-1-2, finding 1",
    "a deleted finding": "entry 2, leaf 2",
    "findings that changed their leaves": "line 7-1-1, finding 1",
    "findings that changed their voters": "line 7-1-2, finding 1",
    "a changed salt": "line 4-1-2, finding 1",
    "an edited entry": "entry 2",
    "an edited entry that adds up": "entry 2",
    "edited leaves": "line 5-1-2, finding 1",
    "a deleted entry": "entry 4 is expected here",
    "an inserted entry": "entry 7",
    "entries in another order": "entry 5",
    "a changed tally": "manifest",
    "a moved head": "manifest",
    "a reopened or closed petition": "manifest",
    "changed terms": "manifest: the petition was opened with another required",
    "a dropped checkpoint": "checkpoint 2 is expected here",
    "a dropped checkpoint with the next renumbered": "checkpoint 2 is expected here",
    "an edited checkpoint": "checkpoint 1: the key has not signed it",
}


@pytest.mark.parametrize("name", SHOWN)
async def test_tampering_is_found_in_the_bundle(
    name: str, counted: Counted, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    await connection.execute("SET session_replication_role = 'replica'")
    await connection.execute(TAMPERINGS[name][0])
    status, output = verify(counted, await export(counted, tmp_path))
    assert status == 1
    assert SHOWN[name] in output


async def test_a_rewritten_chain_is_found_by_the_signatures(
    counted: Counted, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    await rewrite_chain(connection, leaves=True)
    status, output = verify(counted, await export(counted, tmp_path))
    assert status == 1
    assert "checkpoint 1: the entries up to 2 are not those it was signed over" in output


async def test_a_shortened_log_is_found_by_a_checkpoint_that_was_kept(
    counted: Counted, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.write_text(await counted.checkpoint())
    await roll_back_tail(connection)
    await connection.execute("DELETE FROM checkpoint WHERE checkpoint_no = 3")
    bundle = await export(counted, tmp_path)
    assert verify(counted, bundle)[0] == 0
    status, output = verify(counted, bundle, kept)
    assert status == 1
    assert f"{kept}: it was signed over 6 entries; there are 5" in output


async def test_what_retention_destroyed_leaves_the_rest_verifiable(
    counted: Counted, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    await close(counted)
    await connection.execute("DELETE FROM finding WHERE (section, page, line) = (5, 1, 2)")
    facts = {"destroyed": [[2, 1, 1]]}
    await write(Change(connection, counted.petition, counted.later()), "retention", [], facts=facts)
    status, output = verify(counted, await export(counted, tmp_path))
    assert status == 0, output
    assert "1 findings destroyed by retention" in output


async def test_a_bundle_of_another_service_does_not_verify(counted: Counted, tmp_path: Path) -> None:
    bundle = await export(counted, tmp_path)
    other = await a_counted_petition(counted.database, tmp_path / "other")
    status, output = verify(other, bundle)
    assert status == 1
    assert "the key has not signed it" in output


async def test_a_bundle_is_its_owner_s_alone_and_never_overwrites_another(counted: Counted, tmp_path: Path) -> None:
    bundle = await export(counted, tmp_path)
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        await export(counted, tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["bundle.zip", "key"]  # noqa: PTH208  # no draft is left over


async def test_a_bundle_of_another_format_is_refused(counted: Counted, tmp_path: Path) -> None:
    with ZipFile(tmp_path / "other.zip", "w") as bundle:
        bundle.writestr("manifest.json", json.dumps({"format": "recall-evidence/2"}))
    status, output = verify(counted, tmp_path / "other.zip")
    assert status == 2
    assert "its format is not recall-evidence/1" in output


def test_an_old_bundle_verifies() -> None:
    status, output = verify_bundle(DATA / "bundle.zip", KEY, DATA / "kept.checkpoint")
    assert status == 0, output
    assert output.splitlines() == [
        "1. format: ok (recall-evidence/1)",
        "2. chain of entries: ok (16 entries, 27 leaves)",
        "3. findings: ok (27 findings, 7 voters counted, 1 withdrawn)",
        "4. leaves and tallies: ok (0 findings destroyed by retention)",
        "5. result: ok (11 lines, 7 valid, 5 required, open)",
        "6. checkpoints: ok (2 checkpoints, 0 entries after the last)",
        "everything agrees",
    ]


def test_an_old_bundle_in_which_a_voter_was_exchanged_does_not(tmp_path: Path) -> None:
    changed = tmp_path / "changed.zip"
    with ZipFile(DATA / "bundle.zip") as bundle, ZipFile(changed, "w") as copy:
        for name in bundle.namelist():
            copy.writestr(name, bundle.read(name).replace(rb"\"V6\"", rb"\"V9\""))
    status, output = verify_bundle(changed, KEY, DATA / "kept.checkpoint")
    assert status == 1
    assert "line 2-1-2, finding 1: it is not what leaf" in output
