"""The only reader of the environment. How the service runs, never what the law asks: election rules are data."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


class SettingsError(Exception):
    """A setting that cannot be used; the text names it and never its value."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one process runs."""

    database_url: str | None  # postgresql+asyncpg://…; None: the embedded server in data_dir
    data_dir: Path
    pg_bin: Path | None  # PostgreSQL's programs for the embedded server; None: the wheel's, else the system's
    log_format: Literal["json", "text"]
    intake_connections: int  # connections that write
    reading_connections: int  # connections for everything else, so that readers cannot starve the stations
    requests_per_second: int = 1000  # from one key, with bursts of twice as many
    checkpoint_key_file: Path | None = None  # Ed25519, PEM; None: `checkpoint.key` in data_dir, made if it is missing

    @property
    def checkpoint_key(self) -> Path:
        """Where the key that signs checkpoints is."""
        return self.checkpoint_key_file or self.data_dir / "checkpoint.key"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read and check the environment.

        Raises:
            SettingsError: a value cannot be used.
        """
        url = environment.get("DATABASE_URL") or None
        if url and not url.startswith("postgresql+asyncpg://"):
            raise SettingsError("DATABASE_URL must start with postgresql+asyncpg://")
        return cls(
            database_url=url,
            data_dir=Path(environment.get("DATA_DIR") or "data").absolute(),
            pg_bin=Path(environment["PG_BIN"]) if environment.get("PG_BIN") else None,
            log_format="json" if environment.get("LOG_FORMAT") == "json" else "text",
            intake_connections=_count(environment, "INTAKE_CONNECTIONS", 4),
            reading_connections=_count(environment, "READING_CONNECTIONS", 8),
            requests_per_second=_count(environment, "REQUESTS_PER_SECOND", 1000),
            checkpoint_key_file=Path(environment["CHECKPOINT_KEY_FILE"])
            if environment.get("CHECKPOINT_KEY_FILE")
            else None,
        )


def _count(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1000:  # noqa: PLR2004  # a sane bound
        raise SettingsError(f"{name} must be a whole number from 1 to 1000")
    return int(text)
