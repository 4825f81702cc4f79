"""`python -m app verify`, `bundle` and `ledger-key`: the count for those who do not trust it."""

import argparse
import sys
from pathlib import Path

from app.cli.common import Subparsers, a_petition, over_database, signer
from app.cli.petitions import the_petition
from app.database.engine import Database
from app.ledger.bundle import export_bundle
from app.ledger.verification import Verification, verify
from app.settings import Settings


def add_parser(subparsers: "Subparsers") -> None:
    """Mount the commands."""
    verifying = subparsers.add_parser("verify", help="recount every row and replay the ledger; fails if they disagree")
    verifying.add_argument("petition", type=a_petition, metavar="ID")
    verifying.add_argument(
        "--checkpoint", type=Path, action="append", default=[], metavar="FILE", help="a checkpoint kept elsewhere"
    )
    verifying.set_defaults(run=over_database(_verify))
    bundle = subparsers.add_parser("bundle", help="export the evidence of a count, for tools/verify_bundle.py")
    bundle.add_argument("--petition", required=True, type=a_petition, metavar="ID")
    bundle.add_argument(
        "--out", required=True, type=Path, metavar="FILE", help="a new ZIP file; personal data is in it"
    )
    bundle.set_defaults(run=over_database(_bundle))
    key = subparsers.add_parser("ledger-key", help="print the public key that checks the ledger's checkpoints")
    key.set_defaults(run=_ledger_key)


async def _verify(arguments: argparse.Namespace, database: Database) -> int:
    petition = await the_petition(database, arguments.petition)
    held = [path.read_text() for path in arguments.checkpoint]
    key = signer(Settings.from_environment())
    return _say(await verify(database, petition, key, held=held))


def _say(verdict: Verification) -> int:
    print(
        f"version {verdict.version}: {verdict.entries} entries, {verdict.findings} findings, {verdict.lines} lines,"
        f" {verdict.destroyed} findings destroyed by retention, {verdict.checkpoints} checkpoints,"
        f" {verdict.uncovered} entries behind the last"
    )
    if verdict.agrees:
        print("rows, ledger, tally and checkpoints agree")
        return 0
    for fault in verdict.faults:
        print(f"{fault.where}: {fault.says} ({fault.code})")
    print(f"error: {verdict.fault_count} disagreements", file=sys.stderr)
    return 1


async def _bundle(arguments: argparse.Namespace, database: Database) -> int:
    petition = await the_petition(database, arguments.petition)
    key = signer(Settings.from_environment())
    written = await export_bundle(database, petition, key, arguments.out)
    print(f"{written.findings} findings and {written.entries} entries; check them with tools/verify_bundle.py")
    return 0


def _ledger_key(_: argparse.Namespace) -> int:
    print(signer(Settings.from_environment()).verifier_key)
    return 0
