"""A finding in words that a person can follow without the code."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.domain.signature import Writing


def explanation(writing: Writing, findings: Sequence[Mapping[str, Any]]) -> str:
    """The writing of a line and its findings, the newest last."""
    name = writing.printed_name
    if writing.name:
        parts = (writing.name.first, writing.name.middle, writing.name.last, writing.name.suffix)
        name = " ".join(part for part in parts if part)
    lines = [
        "On paper",
        f"  name:    {name}",
        f"  address: {writing.residence_address}, {writing.city} {writing.zip}",
        f"  signed:  {'yes' if writing.signed else 'no'}",
    ]
    for finding in findings:
        lines += ["", *_finding(finding)]
    return "\n".join(lines)


def _finding(finding: Mapping[str, Any]) -> Iterator[str]:
    reason = f", {finding['reason']}" if finding["reason"] else ""
    settled = "settled" if finding["settled"] else "not settled yet"
    who = "" if finding["person"] else " (by rule, without a person)"
    yield f"Finding {finding['finding_no']}: {finding['status']}{reason}; {settled}"
    yield f"  decided by {finding['decided_by']}{who} at {finding['decided_at']}"
    yield f"  under {finding['ruleset']}, roll version {finding['roll_version']}"
    for label, key in (
        ("voter", "voter_id"),
        ("the voter's line that counts", "counted_place"),
        ("other rules that fail", "secondary"),
        ("agreed by", "confirmed_by"),
        ("signature doubted by", "mismatch_by"),
        ("note", "note"),
    ):
        value = finding[key]
        if value:
            yield f"  {label}: {', '.join(value) if isinstance(value, list) else value}"
    if finding["reason_open"]:
        yield "  invalid for certain; a person chooses the reason"
    if finding["evidence"]:
        yield "  evidence"
        yield from _tree(finding["evidence"], "    ")


def _tree(value: object, indent: str) -> Iterator[str]:
    """Any JSON value as indented lines."""
    if isinstance(value, dict):
        for key, inner in value.items():
            label = str(key).replace("_", " ")
            if isinstance(inner, dict | list) and inner:
                yield f"{indent}{label}"
                yield from _tree(inner, indent + "  ")
            else:
                yield f"{indent}{label}: {_plain(inner)}"
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict | list):
                yield f"{indent}-"
                yield from _tree(inner, indent + "  ")
            else:
                yield f"{indent}- {_plain(inner)}"


def _plain(value: object) -> str:
    return "-" if value in (None, "", [], {}) else str(value)
