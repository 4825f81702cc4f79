"""Lines, files and waits for the stories of a scanning station."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.station.client import Options, Target
from tests.station.network import KEY

PETITION = "gascon-2022"
QUICK = Options(batch=50, in_flight=4, timeout=0.4, give_up_after=30, first_wait=0.01, longest_wait=0.05, grace=2)


def a_line(number: int, **other: str) -> dict[str, Any]:
    place = {"section": number // 100 + 1, "page": number // 10 % 10 + 1, "line": number % 10 + 1}
    written = {
        "printed_name": f"Signer {number}",
        "residence_address": f"{number} W Main St",
        "city": "",
        "zip": "90026",
    }
    return {**place, **written, **other}


def some_lines(count: int) -> list[dict[str, Any]]:
    return [a_line(number) for number in range(count)]


def a_file(folder: Path, lines: list[dict[str, Any]]) -> Path:
    path = folder / "signatures.ndjson"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def places(lines: list[dict[str, Any]]) -> list[str]:
    return [f"{line['section']}-{line['page']}-{line['line']}" for line in lines]


def a_target(url: str) -> Target:
    return Target(url, PETITION, KEY)


def quick(**changes: Any) -> Options:  # noqa: ANN401  fields of several types
    return replace(QUICK, **changes)
