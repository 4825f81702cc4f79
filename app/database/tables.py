"""The tables, and of them the columns, over which SQLAlchemy composes queries; and the identifiers of new rows."""

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Column, Date, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.types import TypeEngine

_TIME = DateTime(timezone=True)


def _table(name: str, **columns: TypeEngine[Any]) -> Table:
    key = (Column("county_id", Text, primary_key=True), Column("petition_id", Uuid, primary_key=True))
    return Table(name, MetaData(), *key, *(Column(column, kind) for column, kind in columns.items()))


petition = _table(
    "petition",
    **dict.fromkeys(("title", "officer", "office", "district", "ruleset", "created_by"), Text()),
    **dict.fromkeys(("required", "registered_voters"), Integer()),
    **dict.fromkeys(("registration_source", "window_exception"), Text()),
    **dict.fromkeys(("registration_reported_on", "form_approved_on"), Date()),
    **dict.fromkeys(("circulation_from", "circulation_to", "filed_on"), Date()),
    created_at=_TIME,
)

ruleset = Table(
    "ruleset",
    MetaData(),
    Column("name", Text, primary_key=True),
    Column("valid_from", Date),
    Column("parameters", Text),  # a JSON object
)

head = _table(
    "head",
    **dict.fromkeys(("version", "received", "valid", "invalid", "review", "unsettled"), Integer()),
    **dict.fromkeys(("unsettled_valid", "blank", "struck", "unscanned"), Integer()),
    **dict.fromkeys(("state", "by_reason", "raw_count", "ruleset_in_force"), Text()),
    hash=LargeBinary(),
    as_of=_TIME,
)

line = _table(
    "line",
    **dict.fromkeys(("section", "page", "line", "people_needed", "version"), Integer()),
    **dict.fromkeys(("status", "reason", "voter_id"), Text()),
    **dict.fromkeys(("confirmed_by", "mismatch_by"), ARRAY(Text)),
    **dict.fromkeys(("settled", "uncompared"), Boolean()),
)


def new_id(now: datetime) -> UUID:
    """A UUIDv7 (RFC 9562): its order is the order of creation, so that an index grows at its end."""
    milliseconds = int(now.timestamp() * 1000)
    bits = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return UUID(int=bits)
