"""One line's findings with their evidence, for a person."""

from app.db.engine import Database
from app.db.lines import line_history, read_line
from app.domain.errors import UnknownLineError
from app.domain.explanation import explanation
from app.domain.petition import Petition
from app.domain.signature import Place


async def explain(database: Database, petition: Petition, place: Place) -> str:
    """The line's writing, where it stands and every finding that led there, as text.

    Raises:
        UnknownLineError: no signature stands there.
    """
    async with database.reading() as connection:
        read = await read_line(connection, petition.county_id, petition.petition_id, place)
        if read is None:
            raise UnknownLineError
        history = await line_history(connection, petition.county_id, petition.petition_id, place)
    return explanation(read.writing, history)
