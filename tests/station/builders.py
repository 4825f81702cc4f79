"""Lines, files and waits for the stories of a scanning station."""

import json
from pathlib import Path
from typing import Any

from app.station.courier import Patience, Target
from app.station.post import Pace
from tests.station.network import KEY

PETITION = "gascon-2022"
QUICK = Patience(timeout=0.4, give_up_after=30, first_wait=0.01, longest_wait=0.05, grace=2)


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


def a_pace(batch: int = 50, in_flight: int = 4, patience: Patience = QUICK) -> Pace:
    return Pace(batch, in_flight, patience)
