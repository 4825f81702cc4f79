"""Structured logs: JSON for a collector, or lines for a terminal. Callers must not log personal data."""

import json
import logging
from typing import Any, Final, Literal

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = {"at": self.formatTime(record), "level": record.levelname, "event": record.getMessage()}
        return json.dumps({**facts, **_facts(record)}, default=str)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{name}={value}" for name, value in _facts(record).items())
        return f"{self.formatTime(record)} {record.levelname:7} {record.getMessage()} {facts}".rstrip()


def configure(log_format: Literal["json", "text"]) -> None:
    """Log to standard error in this form. The texts of exceptions are left out: they may have personal data."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if log_format == "json" else _Text())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("app.request").setLevel(logging.INFO if log_format == "json" else logging.WARNING)
