"""The settings, read from environment variables here and nowhere else. Election rules are data, not settings.

COMPILED alone is read by `app.compiled`, since it says which modules are imported.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final, Literal, TypeAlias, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from app.errors import SettingsError

Metering: TypeAlias = Literal["open", "key", "off"]
Choice = TypeVar("Choice", bound=str)

_PATHS: Final = ("DATA_DIR", "PG_BIN", "CHECKPOINT_KEY_FILE", "BACKUP_DIR")
_COLLECTORS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")  # either enables telemetry
_MOST_MATCHERS: Final = 2  # unless more are asked for: each holds 75 MB, and with two the service stays under 300
_MOST_READS: Final = 1_000_000_000  # no limit to speak of, for a demo
_SHORTEST: Final = 12  # characters of a password
_FEWEST: Final = 5  # different ones among them
# A password made of nothing but these words is among the first that an attacker tries.
_DEFAULT: Final = re.compile(
    r"(?:postgres(?:ql)?|pass(?:word|wd)?|change(?:this|it)?|me|secret|admin|default|example|root|test|user|welcome|qwerty"
    r"|letmein|recall|owner|service|database|db|petition|verifier|the|your|my|0?123[4-9]*0?|[\W_])+\d{0,4}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """How one process runs."""

    database_url: str | None  # the service's login, postgresql+asyncpg://…; None: the embedded server in data_dir
    data_dir: Path
    pg_bin: Path | None  # PostgreSQL's programs for the embedded server; None: the wheel's, else the system's
    log_format: Literal["json", "text"]
    intake_connections: int  # connections that write
    reading_connections: int  # connections for everything else, so that readers cannot starve the stations
    matchers: int = 0  # worker processes that decide lines; 0: the service does it itself
    requests_per_second: int = 1000  # from one key, with bursts of twice as many
    reads_per_day: int = 3_000  # lines whose voter data a principal may read in a day of
    time_zone: str = "America/Los_Angeles"  # the county
    lease_seconds: int = 900  # that a person holds claimed lines, unless the person renews the claim
    streams: int = 2000  # of the tally at a time
    telemetry: bool = False  # send spans to OpenTelemetry; its own variables OTEL_… say where
    checkpoint_key_file: Path | None = None  # Ed25519, PEM; None: `checkpoint.key` in data_dir, made if it is missing
    person_key: str = field(default="", repr=False)  # of the person who runs a command
    backup_dir: Path | None = None  # the service backs its embedded database up there all the time; None: it does not
    docs: bool = True  # whether /docs and /openapi.json are served
    metrics: Metering = "open"  # who may read /metrics: everyone who reaches it, a live key, or no client
    allowed_hosts: tuple[str, ...] = ()  # that requests may name; none: any
    trusted_proxies: tuple[str, ...] = ()  # addresses and networks whose X-Forwarded-For is believed
    migrate_database_url: str | None = None  # the same database with its owner's login; None: nothing is migrated

    @property
    def embedded_data_dir(self) -> Path | None:
        """The data folder, if the database is in it."""
        return None if self.database_url else self.data_dir

    @property
    def checkpoint_key(self) -> Path:
        """Where the key that signs checkpoints is."""
        return self.checkpoint_key_file or self.data_dir / "checkpoint.key"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read and check the environment. SettingsError names a value that cannot be used."""
        paths = {name: Path(value) for name, value in environment.items() if name in _PATHS and value}
        telemetry_disabled = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        result = cls(
            database_url=_database_url(environment, "DATABASE_URL"),
            data_dir=paths.get("DATA_DIR", Path("data")).absolute(),
            pg_bin=paths.get("PG_BIN"),
            log_format=_choice(environment, "LOG_FORMAT", ("text", "json")),
            intake_connections=_count(environment, "INTAKE_CONNECTIONS", 4),
            reading_connections=_count(environment, "READING_CONNECTIONS", 8),
            matchers=_count(environment, "MATCHERS", min(os.cpu_count() or 1, _MOST_MATCHERS), least=0),
            requests_per_second=_count(environment, "REQUESTS_PER_SECOND", 1000),
            reads_per_day=_count(environment, "READS_PER_DAY", 3_000, most=_MOST_READS),
            time_zone=_time_zone(environment.get("TIME_ZONE") or "America/Los_Angeles"),
            lease_seconds=_count(environment, "LEASE_SECONDS", 900, most=86_400),
            streams=_count(environment, "TALLY_STREAMS", 2000, most=100_000),
            telemetry=any(map(environment.get, _COLLECTORS)) and not telemetry_disabled,
            checkpoint_key_file=paths.get("CHECKPOINT_KEY_FILE"),
            person_key=environment.get("RECALL_KEY", "").strip(),
            backup_dir=paths["BACKUP_DIR"].absolute() if "BACKUP_DIR" in paths else None,
            docs=_choice(environment, "DOCS", ("on", "off")) == "on",
            metrics=_choice(environment, "METRICS", ("open", "key", "off")),
            allowed_hosts=_list(environment, "ALLOWED_HOSTS", _host),
            trusted_proxies=_list(environment, "FORWARDED_ALLOW_IPS", lambda text: str(ip_network(text))),
            migrate_database_url=_database_url(environment, "MIGRATE_DATABASE_URL"),
        )
        if result.migrate_database_url and not result.database_url:
            raise SettingsError("MIGRATE_DATABASE_URL needs DATABASE_URL, the service's own login, beside it")
        # A missing key is created later, readable by its owner alone.
        if result.checkpoint_key.exists() and result.checkpoint_key.stat().st_mode & 0o077:
            name = "CHECKPOINT_KEY_FILE" if result.checkpoint_key_file else "DATA_DIR: checkpoint.key"
            raise SettingsError(f"{name} must be readable by its owner alone (mode 0600)")
        return result


def _choice(environment: Mapping[str, str], name: str, allowed: Sequence[Choice]) -> Choice:
    """One of the allowed values; the first where none is given."""
    given = environment.get(name) or allowed[0]
    for choice in allowed:
        if choice == given:
            return choice
    raise SettingsError(f"{name} must be one of {', '.join(allowed)}")


def _list(environment: Mapping[str, str], name: str, read: Callable[[str], str]) -> tuple[str, ...]:
    """Values with commas between them; `read` refuses a wrong one with a ValueError."""
    try:
        return tuple(read(text.strip()) for text in environment.get(name, "").split(",") if text.strip())
    except ValueError:
        raise SettingsError(f"{name} must be a list with commas: see docs/operations.md") from None


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", text):
        raise ValueError
    return text.lower()


def _count(environment: Mapping[str, str], name: str, default: int, *, least: int = 1, most: int = 1000) -> int:
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not least <= int(text[:20]) <= most:
        raise SettingsError(f"{name} must be a whole number from {least} to {most}")
    return int(text)


def _time_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError("TIME_ZONE must be a time zone such as America/Los_Angeles") from None


def _database_url(environment: Mapping[str, str], name: str) -> str | None:
    """The address of a given database, with a password where one is needed."""
    text = environment.get(name)
    if not text:
        return None
    if not text.startswith("postgresql+asyncpg://"):
        raise SettingsError(f"{name} must start with postgresql+asyncpg://")
    try:
        url = make_url(text)
        remote = _is_remote(url)
    except (ArgumentError, ValueError):
        raise SettingsError(f"{name} is not an address like postgresql+asyncpg://user@host/database") from None
    if remote and not url.password:
        raise SettingsError(f"{name} must have a password, since the database is on another machine")
    if url.password and (
        len(url.password) < _SHORTEST
        or len(set(url.password)) < _FEWEST
        or url.password == url.username
        or _DEFAULT.fullmatch(url.password)
    ):
        raise SettingsError(f"{name} must have a password of {_SHORTEST} or more characters that is no default")
    return text


def _is_remote(url: URL) -> bool:
    """Whether a connection may cross a network. An address without a host means a socket of this machine."""
    several = [host for named in url.normalized_query.get("host", ()) for host in named.split(",")]
    hosts = [url.host] if url.host else [host.split(":")[0] for host in several if not host.startswith("/")]
    try:
        return not all(host == "localhost" or ip_address(host).is_loopback for host in hosts)
    except ValueError:  # a name
        return True
