"""The tables over which SQLAlchemy composes queries. Migrations create them."""

from sqlalchemy import ARRAY, Boolean, Column, Date, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid

metadata = MetaData()

petition = Table(
    "petition",
    metadata,
    Column("county_id", Text, primary_key=True),
    Column("petition_id", Uuid, primary_key=True),
    Column("title", Text),
    Column("officer", Text),
    Column("required", Integer),
    Column("registered_voters", Integer),
    Column("circulation_from", Date),
    Column("circulation_to", Date),
    Column("filed_on", Date),
    Column("ruleset", Text),
    Column("created_by", Text),
    Column("created_at", DateTime(timezone=True)),
)

head = Table(
    "head",
    metadata,
    Column("county_id", Text, primary_key=True),
    Column("petition_id", Uuid, primary_key=True),
    Column("version", Integer),
    Column("hash", LargeBinary),
    Column("state", Text),
    Column("as_of", DateTime(timezone=True)),
    Column("received", Integer),
    Column("valid", Integer),
    Column("invalid", Integer),
    Column("review", Integer),
    Column("unsettled", Integer),
    Column("by_reason", Text),
)

line = Table(
    "line",
    metadata,
    Column("county_id", Text, primary_key=True),
    Column("petition_id", Uuid, primary_key=True),
    Column("section", Integer, primary_key=True),
    Column("page", Integer, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("status", Text),
    Column("reason", Text),
    Column("voter_id", Text),
    Column("settled", Boolean),
    Column("people_needed", Integer),
    Column("confirmed_by", ARRAY(Text)),
    Column("mismatch_by", ARRAY(Text)),
    Column("finding_no", Integer),
    Column("version", Integer),
    Column("station", Text),
)

finding = Table(
    "finding",
    metadata,
    Column("county_id", Text, primary_key=True),
    Column("petition_id", Uuid, primary_key=True),
    Column("section", Integer, primary_key=True),
    Column("page", Integer, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("finding_no", Integer, primary_key=True),
    Column("version", Integer),
    Column("content", Text),
)
