"""`python -m app queue`: how many lines wait for people."""

from app.cli import common as cli
from app.database.pools import Database
from app.examination.queues import QueueBoard
from app.http import queues
from app.law.reasons import REASONS, REVIEW_CAUSES


def add_parser(subparsers: cli.Subparsers) -> None:
    """Add the command."""
    text = "print how many lines wait for people, in which queue, for what and since when, as JSON"
    queue = cli.command(subparsers, "queue", text, _queue, cli.PETITION_FIRST)
    queue.add_argument("--section", type=cli.a_number, metavar="N", help="count lines of this section alone")
    codes = [*REASONS, *REVIEW_CAUSES]
    text = f"count lines that wait for this alone, one of: {', '.join(codes)}"
    queue.add_argument("--reason", choices=codes, metavar="CODE", help=text)


async def _queue(arguments: cli.Arguments, database: Database) -> None:
    only = {"section": arguments.section, "reason": arguments.reason}
    found = await QueueBoard(database).read(arguments.petition.key, queues.READABLE, **only)
    print(queues.queues_out(found, cli.now()).model_dump_json(indent=2))
