"""A bundle that an earlier program exported still verifies, with the key and the checkpoint that were kept then.

`data/bundle.zip` holds a made-up petition: findings of the machine and of people, a withdrawal, one that was revoked, a
corrected reading, and two checkpoints; `data/held.checkpoint` is the first of them. They are never made again.
"""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

VERIFIER = Path(__file__).parents[2] / "tools" / "verify_bundle.py"
DATA = Path(__file__).parent / "data"
KEY = (DATA / "bundle.key").read_text().strip()


def verify_bundle(bundle: Path, key: str, *held: Path) -> tuple[int, str]:
    """The verifier's exit status and output, in a process of its own without the project's modules."""
    command = [sys.executable, "-I", str(VERIFIER), str(bundle), "--key", key]
    for path in held:
        command += ["--checkpoint", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=bundle.parent)  # noqa: S603  # ours
    return done.returncode, done.stdout + done.stderr


def test_an_old_bundle_verifies() -> None:
    status, output = verify_bundle(DATA / "bundle.zip", KEY, DATA / "held.checkpoint")
    assert status == 0, output
    assert output.splitlines() == [
        "1. format: ok (recall-evidence/1)",
        "2. chain of entries: ok (16 entries, 27 leaves)",
        "3. findings: ok (27 findings, 7 voters counted, 1 withdrawn)",
        "4. leaves and tallies: ok (0 findings destroyed by retention)",
        "5. result: ok (11 lines, 7 valid, 5 required, open)",
        "6. checkpoints: ok (2 checkpoints, 0 entries behind the last)",
        "everything agrees",
    ]


def test_an_old_bundle_in_which_a_voter_was_exchanged_does_not(tmp_path: Path) -> None:
    changed = tmp_path / "changed.zip"
    with ZipFile(DATA / "bundle.zip") as bundle, ZipFile(changed, "w") as copy:
        for name in bundle.namelist():
            copy.writestr(name, bundle.read(name).replace(rb"\"V6\"", rb"\"V9\""))
    status, output = verify_bundle(changed, KEY, DATA / "held.checkpoint")
    assert status == 1
    assert "line 2-1-2, finding 1: it is not what leaf" in output
