"""The county, its roll in versions, and the role the service works under.

`registration` has one partition per version of a county's roll. A partition is filled as a table of its own and
attached when it is complete, so a load disturbs no reader and a failed one leaves nothing.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The matcher's blocking keys (app/matching/blocking.py), our own hashes. The one place of the schema that lists them.
KEY_COLUMNS = (
    "key_house_street",
    "key_house_surname",
    "key_house_surname2",
    "key_given_surname",
    "key_given_surname2",
    "key_surname_street",
    "key_surname2_street",
    "key_house_given",
    "key_given_street",
)

# The service works under this role, which cannot log in: the owner of the schema connects and takes it on.
# Databases of one cluster share the role and may be migrated at the same time: who comes second finds it there.
SERVICE_ROLE = """
DO $$
BEGIN
    FOR attempt IN 1..20 LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'recall_service') THEN
                CREATE ROLE recall_service NOLOGIN;
            END IF;
            IF current_setting('server_version_num')::int >= 160000 THEN
                IF NOT pg_has_role(current_user, 'recall_service', 'SET') THEN
                    EXECUTE 'GRANT recall_service TO CURRENT_USER WITH INHERIT FALSE, SET TRUE';  -- no syntax of 15
                END IF;
            ELSIF NOT pg_has_role(current_user, 'recall_service', 'MEMBER') THEN
                GRANT recall_service TO CURRENT_USER;
            END IF;
            EXIT;
        EXCEPTION WHEN duplicate_object OR unique_violation OR internal_error THEN
            -- internal_error: "tuple concurrently updated", another database's migration at the same row
            IF attempt = 20 THEN
                RAISE;
            END IF;
            PERFORM pg_sleep(0.05);
        END;
    END LOOP;
END
$$
"""

COUNTY = """
CREATE TABLE county (
    county_id text PRIMARY KEY CHECK (county_id ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$'),
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
)
"""

ROLL = """
CREATE TABLE roll (
    county_id text NOT NULL REFERENCES county,
    roll_version integer NOT NULL CHECK (roll_version > 0),
    state text NOT NULL CHECK (state IN ('loading', 'loaded', 'active', 'retired', 'failed')),
    format text NOT NULL,
    complete_through date NOT NULL,
    keys_version integer NOT NULL,
    progress_phase text NOT NULL DEFAULT 'copying',
    progress_rows bigint NOT NULL DEFAULT 0,
    registrations bigint,
    source_sha256 text,
    failure text,
    created_at timestamptz NOT NULL DEFAULT now(),
    loaded_at timestamptz,
    activated_at timestamptz,
    dropped_at timestamptz,
    PRIMARY KEY (county_id, roll_version)
)
"""

# A county has one roll in use, whoever activates what at the same time.
ROLL_ONE_ACTIVE = "CREATE UNIQUE INDEX roll_one_active ON roll (county_id) WHERE state = 'active'"

REGISTRATION = f"""
CREATE TABLE registration (
    county_id text NOT NULL,
    roll_version integer NOT NULL,
    registration_no integer NOT NULL,
    voter_id text NOT NULL,
    last_name text NOT NULL,
    first_name text NOT NULL,
    middle_name text NOT NULL,
    suffix text NOT NULL,
    birth_date date,
    house_number text NOT NULL,
    house_fraction text NOT NULL,
    pre_direction text NOT NULL,
    street_name text NOT NULL,
    street_type text NOT NULL,
    post_direction text NOT NULL,
    unit_type text NOT NULL,
    unit_number text NOT NULL,
    city text NOT NULL,
    zip text NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'inactive', 'pending', 'canceled', 'preregistered')),
    status_reason text NOT NULL,
    affidavit_signed date,
    affidavit_received date,
    effective_to date,
    confidential boolean NOT NULL,
    {", ".join(f"{key} bigint" for key in KEY_COLUMNS)},
    PRIMARY KEY (county_id, roll_version, registration_no)
) PARTITION BY RANGE (county_id, roll_version)
"""

# A query names county and version, so it sees one partition: there these columns alone find the row.
REGISTRATION_INDEXES = (
    "CREATE INDEX registration_voter ON registration (voter_id)",
    *(f"CREATE INDEX registration_{key} ON registration ({key}) WHERE {key} IS NOT NULL" for key in KEY_COLUMNS),
)

# How many registrations of a roll bear each surname, given name, street, city, zip: frequencies and spellings.
TOKENS = """
CREATE TABLE roll_token (
    county_id text NOT NULL,
    roll_version integer NOT NULL,
    kind text NOT NULL,
    token text NOT NULL,
    registrations integer NOT NULL,
    PRIMARY KEY (county_id, roll_version, kind, token)
)
"""

PARTITION_NAME = """
CREATE FUNCTION roll_partition(county_id text, roll_version integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN 'registration_' || county_id || '_' || roll_version
"""

# The table a load is copied into. The service may create it and fill it, and owns nothing. Its CHECK is the
# partition's bound: rows are checked as they arrive, and attaching need not read them again.
ROLL_STAGE = """
CREATE FUNCTION roll_stage(county text, version integer) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    partition text := roll_partition(county, version);
BEGIN
    PERFORM FROM roll WHERE county_id = county AND roll_version = version AND state = 'loading';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such roll is loading' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE registration INCLUDING CONSTRAINTS)', partition);
    EXECUTE format(
        'ALTER TABLE %I ALTER county_id SET DEFAULT %L, ALTER roll_version SET DEFAULT %L,'
        ' ADD CONSTRAINT bound CHECK (county_id = %L AND roll_version >= %s AND roll_version < %s)',
        partition, county, version, county, version, version + 1);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO recall_service', partition);
    RETURN partition;
END
$$
"""

# Attaching builds the indexes of `registration` on the new table and holds up no reader of the other versions.
ROLL_ATTACH = """
CREATE FUNCTION roll_attach(county text, version integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
SET maintenance_work_mem = '256MB'
AS $$
DECLARE
    partition text := roll_partition(county, version);
BEGIN
    PERFORM FROM roll WHERE county_id = county AND roll_version = version AND state = 'loading';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such roll is loading' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    EXECUTE format('REVOKE INSERT ON %I FROM recall_service', partition);
    EXECUTE format(
        'ALTER TABLE registration ATTACH PARTITION %I FOR VALUES FROM (%L, %L) TO (%L, %L)',
        partition, county, version, county, version + 1);
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT bound', partition);
    EXECUTE format('ANALYZE %I', partition);
END
$$
"""

# Gives the room of a version back that is not in use. Its row in `roll` stays: findings name it.
ROLL_DROP = """
CREATE FUNCTION roll_drop(county text, version integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE roll SET dropped_at = now(), state = CASE state WHEN 'loaded' THEN 'retired' ELSE state END
    WHERE county_id = county AND roll_version = version AND state IN ('loaded', 'retired') AND dropped_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'not a roll out of use' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    EXECUTE format('DROP TABLE %I', roll_partition(county, version));
    DELETE FROM roll_token WHERE county_id = county AND roll_version = version;
END
$$
"""

FUNCTIONS = ("roll_stage", "roll_attach", "roll_drop")

ROLL_CHANGES = (
    "state",
    "progress_phase",
    "progress_rows",
    "registrations",
    "source_sha256",
    "failure",
    "loaded_at",
    "activated_at",
)

# What the service may do, and nothing else: it adds counties, rolls and tokens, moves a roll through its states,
# and reads registrations without ever changing one.
GRANTS = (
    "GRANT USAGE ON SCHEMA public TO recall_service",
    "GRANT SELECT ON alembic_version TO recall_service",
    "GRANT SELECT, INSERT ON county, roll, roll_token TO recall_service",
    f"GRANT UPDATE ({', '.join(ROLL_CHANGES)}) ON roll TO recall_service",
    "GRANT UPDATE (name) ON county TO recall_service",
    "GRANT SELECT ON registration TO recall_service",
    *(f"REVOKE EXECUTE ON FUNCTION {name}(text, integer) FROM PUBLIC" for name in FUNCTIONS),
    *(f"GRANT EXECUTE ON FUNCTION {name}(text, integer) TO recall_service" for name in FUNCTIONS),
)


def upgrade() -> None:
    """Create the county, the roll and what loads it."""
    for statement in (SERVICE_ROLE, COUNTY, ROLL, ROLL_ONE_ACTIVE, REGISTRATION, *REGISTRATION_INDEXES, TOKENS):
        op.execute(statement)
    for statement in (PARTITION_NAME, ROLL_STAGE, ROLL_ATTACH, ROLL_DROP, *GRANTS):
        op.execute(statement)


def downgrade() -> None:
    """Drop it all. The role stays: other databases of the cluster may use it."""
    for name in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {name}(text, integer)")
    op.execute("DROP FUNCTION roll_partition(text, integer)")
    op.execute("DROP TABLE roll_token, registration, roll, county")
    op.execute("REVOKE ALL ON alembic_version FROM recall_service")
    op.execute("REVOKE ALL ON SCHEMA public FROM recall_service")
