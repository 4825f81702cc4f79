"""Claims of several clerks at real processes, whose clients are killed: the small size of a benchmark."""

import argparse
import asyncio

import pytest

from bench import claims
from tests.servers import server_folder


async def test_no_line_is_held_twice_or_lost_while_clients_are_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "LEASE_SECONDS", 2)
    monkeypatch.setattr(claims, "CLERKS_OF_A_PROCESS", 5)
    options = argparse.Namespace(lines=600, clerks=20, claims=300, rate=60, kills=3, services=2)
    with server_folder("claims-") as folder:
        result = await asyncio.create_task(claims.run(options, folder))
    assert result["claims"] >= 300
    assert (result["not 201"], result["twice"], result["again"], result["live leases at the end"]) == (0, 0, 0, 0)
    assert result["spans"] > 100
    assert result["settled"] >= result["decided"] > 0


def test_spans_that_overlap_and_lines_that_are_given_again_are_found() -> None:
    def held(since: int, until: int) -> dict[str, object]:
        times = {name: f"2022-08-15T17:00:{at:02}Z" for name, at in (("since", since), ("until", until))}
        return {"kind": "held", "at": since, "places": ["1-1-1"], **times}

    assert claims.check([held(1, 5), held(5, 9)])["twice"] == 0
    assert claims.check([held(1, 6), held(5, 9)])["twice"] == 1
    decided = {"kind": "decided", "at": 0.0, "places": ["1-1-1"]}
    assert claims.check([held(1, 5), decided])["again"] == 1
