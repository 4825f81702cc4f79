"""`python -m app verify`, `bundle` and `ledger-key`: verifying a count, and exporting its evidence."""

from pathlib import Path

from app.cli import common as cli
from app.cli.reads import put_on_record
from app.database.pools import Database
from app.ledger.evidence import export_bundle, verify
from app.settings import Settings


def add_parser(subparsers: cli.Subparsers) -> None:
    """Add the commands."""
    text = "recount every row and replay the ledger; the exit status is 1 if they disagree"
    verifying = cli.command(subparsers, "verify", text, _verify, cli.PETITION_FIRST)
    text = "a checkpoint kept elsewhere; may be given several times"
    verifying.add_argument("--checkpoint", type=Path, action="append", default=[], metavar="FILE", help=text)
    text = "export the evidence of a count, for tools/verify_bundle.py"
    bundle = cli.command(subparsers, "bundle", text, _bundle, cli.PETITION)
    text = "a new ZIP file, which holds personal data"
    bundle.add_argument("--out", required=True, type=Path, metavar="FILE", help=text)
    text = "print the public key that checks the ledger's checkpoints"
    cli.add_command(subparsers, "ledger-key", text).set_defaults(run=_ledger_key)


async def _verify(arguments: cli.Arguments, database: Database) -> None:
    kept = [path.read_text(errors="replace") for path in arguments.checkpoint]
    key = cli.signer(Settings.from_environment())
    async with database.reading() as connection:
        found = await verify(connection, arguments.petition.key, key, kept=kept)
    print(
        f"version {found.version}: {found.entries} entries, {found.findings} findings, {found.lines} lines,"
        f" {found.destroyed} findings destroyed by retention, {found.checkpoints} checkpoints,"
        f" {found.uncovered} entries after the last"
    )
    for fault in found.faults:
        print(f"{fault.where}: {fault.message} ({fault.code})")
    if not found.agrees:
        raise cli.CommandError(f"{found.fault_count} disagreements")
    print("rows, ledger, tally and checkpoints agree")


async def _bundle(arguments: cli.Arguments, database: Database) -> None:
    key = cli.signer(Settings.from_environment())
    await put_on_record(database, arguments.petition)
    try:
        holds = await export_bundle(database, arguments.petition.key, key, arguments.out)
    except (FileExistsError, FileNotFoundError, PermissionError) as error:  # it would name the temporary file
        raise cli.CommandError(f"{arguments.out}: {error.strerror}") from None
    print(f"{holds['findings']} findings and {holds['entries']} entries; check them with tools/verify_bundle.py")


def _ledger_key(_: cli.Arguments) -> None:
    print(cli.signer(Settings.from_environment()).verifier_key)
