"""Petitions, their lines, the count, the ledger, and the keys of those who may speak to the service.

Everything that changes the count is append-only for the service's role: signatures, findings, the ledger and the
stored answers can be inserted and read, never updated or deleted. Only where a line stands now, the slots and the head
row change in place, and each is derived from what is append-only.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE api_key (
    county_id text NOT NULL REFERENCES county,
    prefix text NOT NULL,
    principal text NOT NULL,
    role text NOT NULL CHECK (role IN ('station', 'system', 'clerk', 'supervisor', 'auditor', 'monitor', 'admin')),
    secret_sha256 bytea NOT NULL CHECK (octet_length(secret_sha256) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    PRIMARY KEY (county_id, prefix)
);

CREATE TABLE petition (
    county_id text NOT NULL REFERENCES county,
    petition_id uuid NOT NULL,
    title text NOT NULL,
    officer text NOT NULL,
    required integer NOT NULL CHECK (required > 0),
    registered_voters integer,
    circulation_from date NOT NULL,
    circulation_to date NOT NULL CHECK (circulation_to >= circulation_from),
    filed_on date NOT NULL CHECK (filed_on >= circulation_from),
    ruleset text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    -- Grows with every declaration of a section's dates; examinations hold it, so that none rests on dates gone by.
    sections_version integer NOT NULL DEFAULT 0,
    PRIMARY KEY (county_id, petition_id)
);

-- The dates of one booklet, as its circulator declared them. The newest declaration holds; a section that is not
-- declared was signed within the circulation window.
CREATE TABLE section (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    section integer NOT NULL CHECK (section > 0),
    declaration_no integer NOT NULL CHECK (declaration_no > 0),
    signed_from date,
    signed_to date,
    declared_by text NOT NULL,
    declared_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, petition_id, section, declaration_no),
    FOREIGN KEY (county_id, petition_id) REFERENCES petition
);

-- What stands on paper. The primary key decides which of two submissions of a place came first.
CREATE TABLE signature (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    section integer NOT NULL CHECK (section > 0),
    page integer NOT NULL CHECK (page > 0),
    line integer NOT NULL CHECK (line > 0),
    printed_name text NOT NULL,
    name_parts text,  -- JSON, from stations that read the name in parts
    residence_address text NOT NULL,
    city text NOT NULL,
    zip text NOT NULL,
    signed boolean NOT NULL,
    image_sha256 text,
    writing_sha256 bytea NOT NULL CHECK (octet_length(writing_sha256) = 32),
    station text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, petition_id, section, page, line)
);

-- A clerk's correction of what a station read. The newest one holds; the reading itself is never edited.
CREATE TABLE signature_revision (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    section integer NOT NULL,
    page integer NOT NULL,
    line integer NOT NULL,
    revision_no integer NOT NULL CHECK (revision_no > 0),
    printed_name text NOT NULL,
    name_parts text,
    residence_address text NOT NULL,
    city text NOT NULL,
    zip text NOT NULL,
    signed boolean NOT NULL,
    image_sha256 text,
    writing_sha256 bytea NOT NULL CHECK (octet_length(writing_sha256) = 32),
    note text NOT NULL,
    revised_by text NOT NULL,
    revised_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, petition_id, section, page, line, revision_no),
    FOREIGN KEY (county_id, petition_id, section, page, line) REFERENCES signature
);

CREATE FUNCTION all_different(people text[]) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT
    RETURN (SELECT count(DISTINCT person) = cardinality(people) FROM unnest(people) AS person);

-- Where a place stands now: the last finding, in the shape the count needs.
CREATE TABLE line (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    section integer NOT NULL,
    page integer NOT NULL,
    line integer NOT NULL,
    status text NOT NULL CHECK (status IN ('received', 'valid', 'invalid', 'review')),
    reason text,
    voter_id text,
    settled boolean NOT NULL,
    finding_no integer NOT NULL,
    version bigint NOT NULL,
    roll_version integer,
    people_needed integer NOT NULL,
    confirmed_by text[] NOT NULL,
    mismatch_by text[] NOT NULL,
    station text NOT NULL,
    PRIMARY KEY (county_id, petition_id, section, page, line),
    FOREIGN KEY (county_id, petition_id, section, page, line) REFERENCES signature,
    CHECK (status <> 'valid' OR voter_id IS NOT NULL),
    CHECK ((status IN ('invalid', 'review')) = (reason IS NOT NULL)),
    -- 2 CCR 20960: a machine, or too few people, cannot reject a signature by its look.
    CHECK (reason IS DISTINCT FROM 'signature_mismatch' OR status <> 'invalid'
           OR (people_needed > 0 AND cardinality(confirmed_by) >= people_needed AND all_different(confirmed_by)))
);
-- A voter's lines, for the slot; and the safety net under it: no voter counts twice.
CREATE INDEX line_voter ON line (county_id, petition_id, voter_id) WHERE voter_id IS NOT NULL;
CREATE UNIQUE INDEX line_counts_once ON line (county_id, petition_id, voter_id) WHERE status = 'valid';
-- The queue of people, in paper order.
CREATE INDEX line_review ON line (county_id, petition_id, section, page, line) WHERE status = 'review';

-- What a newer roll version may change, by the version it was last asked of.
CREATE INDEX line_reexamination ON line (county_id, petition_id, roll_version)
    WHERE reason IN ('not_registered', 'no_roll');

-- Every decision on every line, the newest last. `content` is the canonical JSON that its ledger leaf hashes.
CREATE TABLE finding (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    section integer NOT NULL,
    page integer NOT NULL,
    line integer NOT NULL,
    finding_no integer NOT NULL,
    version bigint NOT NULL,
    leaf_no integer NOT NULL,
    salt bytea NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (county_id, petition_id, section, page, line, finding_no)
);

-- The one place of a voter in a petition's count: the row whose lock decides between a voter's lines.
CREATE TABLE slot (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    voter_id text NOT NULL,
    withdrawn_on date,
    PRIMARY KEY (county_id, petition_id, voter_id)
);

-- A voter's written request to be taken off the petition (EC 11303); another row takes back one recorded by mistake.
-- The ledger's payload holds SHA-256(0x00, salt, content), so it proves the row and says nothing of the voter.
CREATE TABLE withdrawal (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    withdrawal_id uuid NOT NULL,
    voter_id text NOT NULL,
    received_on date NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    note text NOT NULL,
    salt bytea NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (county_id, petition_id, withdrawal_id),
    FOREIGN KEY (county_id, petition_id) REFERENCES petition
);
CREATE INDEX withdrawal_voter ON withdrawal (county_id, petition_id, voter_id);
CREATE TABLE withdrawal_revocation (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    withdrawal_id uuid NOT NULL,
    revoked_by text NOT NULL,
    revoked_at timestamptz NOT NULL,
    note text NOT NULL CHECK (note <> ''),
    salt bytea NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (county_id, petition_id, withdrawal_id),
    FOREIGN KEY (county_id, petition_id, withdrawal_id) REFERENCES withdrawal
);

-- One row per petition: the ledger's end and the tally. Updated last in every writing transaction, in place.
CREATE TABLE head (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    version bigint NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    state text NOT NULL CHECK (state IN ('open', 'closed')),
    as_of timestamptz NOT NULL,
    received integer NOT NULL CHECK (received >= 0),
    valid integer NOT NULL CHECK (valid >= 0),
    invalid integer NOT NULL CHECK (invalid >= 0),
    review integer NOT NULL CHECK (review >= 0),
    unsettled integer NOT NULL CHECK (unsettled >= 0),
    by_reason text NOT NULL,  -- JSON: reason code -> invalid lines
    PRIMARY KEY (county_id, petition_id),
    FOREIGN KEY (county_id, petition_id) REFERENCES petition
) WITH (fillfactor = 20);

-- One entry per committed transaction. `leaves` are the leaf hashes, 32 bytes each, so that the entry still verifies
-- after retention has destroyed the rows and salts under it.
CREATE TABLE ledger (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    seq bigint NOT NULL,
    type text NOT NULL,
    leaf_root bytea NOT NULL,
    leaves bytea NOT NULL,
    payload text NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (county_id, petition_id, seq),
    FOREIGN KEY (county_id, petition_id) REFERENCES petition
);

-- The answer to a request, stored with what it changed. Never pruned while the petition can be contested.
CREATE TABLE idempotency (
    county_id text NOT NULL,
    petition_id uuid NOT NULL,
    principal text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    answer text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (county_id, petition_id, principal, key)
);
"""

GRANTS = """
GRANT SELECT, INSERT ON petition, section, signature, signature_revision, finding, withdrawal, withdrawal_revocation,
    ledger, idempotency TO recall_service;
GRANT UPDATE (sections_version) ON petition TO recall_service;
GRANT SELECT, INSERT, UPDATE ON line, head, slot TO recall_service;
GRANT SELECT, INSERT, UPDATE (revoked_at, last_used_at) ON api_key TO recall_service;
"""


def upgrade() -> None:
    """Create the tables and give the service's role what it needs and no more."""
    for statement in (TABLES + GRANTS).split(";\n"):  # the driver takes one at a time
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    """Drop them, with what they hold."""
    op.execute(
        "DROP TABLE idempotency, ledger, head, withdrawal_revocation, withdrawal, slot, finding, line,"
        " signature_revision, signature, section, petition, api_key"
    )
    op.execute("DROP FUNCTION all_different")
