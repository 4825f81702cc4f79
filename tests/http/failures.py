"""Every way in which a request that bears a name can fail, short of a fault that the tests have to cause."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.http.county import a_request, line
from tests.http.world import PETITION

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Attempt:
    """A request, whose key it is sent with, and the statuses that may come of it."""

    statuses: set[int]
    method: str
    path: str
    who: str | None = "station"
    body: str | bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


def named(name: str, number: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401  # any JSON value
    """A line that bears the name wherever it may stand, in a section of its own."""
    where = {"residence_address": f"1 {name} AVE", "city": name}
    return {**line(1, (number, 1, 1)), "printed_name": name, **where, **changes}


def failures(petition: str, name: str, number: int) -> Iterator[Attempt]:
    """All of them, for one name; the first is no failure, but what others collide with."""
    yield from _of_one_line(f"/v1/petitions/{petition}/signatures", name, number)
    yield from _of_batches(f"/v1/petitions/{petition}/signatures/batch", name, number)
    yield from _of_places_and_queries(f"/v1/petitions/{petition}", name)
    yield from _of_people(f"/v1/petitions/{petition}", name, number)
    yield from _of_strangers(f"/v1/petitions/{petition}", name)
    yield from _of_what_is_administered(name)


def _of_one_line(path: str, name: str, number: int) -> Iterator[Attempt]:
    text, key = json.dumps(named(name, number)), {**JSON, "Idempotency-Key": f"k-{number}"}
    yield Attempt({201}, "POST", path, body=text, headers=key)
    yield Attempt({422}, "POST", path, body=text.replace('"page": 1', '"page": 2'), headers=key)
    yield Attempt({409}, "POST", path, body=text.replace("1 Z", "2 Z"), headers=JSON)
    yield Attempt({400}, "POST", path, body=text[:-1], headers=JSON)
    yield Attempt({400}, "POST", path, body=text.encode("utf-16"), headers=JSON)
    yield Attempt({400}, "POST", path, body=text[:-1] + f', "{name}": 1, "{name}": 2}}', headers=JSON)
    yield Attempt({400}, "POST", path, body=text[:-1] + f', "{name}": NaN}}', headers=JSON)
    yield Attempt({422}, "POST", path, body=text.replace(name, f"{name}\\u0000"), headers=JSON)
    yield Attempt({422}, "POST", path, body=text.replace(name, f"{name}\\ud800"), headers=JSON)
    yield Attempt({422}, "POST", path, body=text.replace(name, name * 40), headers=JSON)
    yield Attempt({422}, "POST", path, body=text.replace('"zip"', f'"{name}"'), headers=JSON)
    yield Attempt({422}, "POST", path, body=text, headers={**JSON, "Idempotency-Key": name})
    yield Attempt({413}, "POST", path, body=text + " " * 70_000, headers=JSON)
    yield Attempt({415}, "POST", path, body=text, headers={"Content-Type": f"text/{name.split(maxsplit=1)[0]}"})
    yield Attempt({415}, "POST", path, body=text, headers={**JSON, "Content-Encoding": name.split(maxsplit=1)[0]})
    yield Attempt({403}, "POST", path, who="monitor", body=text, headers=JSON)


def _of_batches(path: str, name: str, number: int) -> Iterator[Attempt]:
    other = named(name, number, zip="90027")
    yield Attempt(
        {200}, "POST", path, body=json.dumps({"signatures": [other, name, {name: name}, [name]]}), headers=JSON
    )
    yield Attempt({422}, "POST", path, body=json.dumps({"signatures": name}), headers=JSON)
    yield Attempt({413}, "POST", path, body=f'{{"signatures": ["{name}"{",0" * 41_000}]}}', headers=JSON)


def _of_places_and_queries(path: str, name: str) -> Iterator[Attempt]:
    yield Attempt({422}, "GET", f"{path}/signatures/{name}", who="clerk")
    yield Attempt({422}, "GET", f"{path}/signatures?cursor={name}", who="clerk")
    yield Attempt({422}, "GET", f"{path}/signatures?status={name}", who="clerk")
    yield Attempt({422}, "GET", f"{path}/signatures?{name}={name}", who="clerk")
    yield Attempt({422}, "GET", f"/v1/petitions/{name}/tally", who="monitor")
    yield Attempt({422}, "GET", f"{path}/tally/stream", who="monitor", headers={"Last-Event-ID": name})
    yield Attempt({405}, "DELETE", f"{path}/tally?{name}", who="monitor")
    yield Attempt({400}, name.split(maxsplit=1)[0], f"{path}/tally", who="monitor")
    yield Attempt({404}, "GET", f"/v1/{name}?{name}", who="clerk", headers={"X-Name": name, "User-Agent": name})


def _of_people(path: str, name: str, number: int) -> Iterator[Attempt]:
    finding = {"status": "valid", "voter_id": name, "note": name}
    yield Attempt({422}, "POST", f"{path}/signatures/{number}-1-1/findings", "clerk", json.dumps(finding), JSON)
    yield Attempt({404}, "POST", f"{path}/signatures/{number}-9-9/findings", "clerk", json.dumps(finding), JSON)
    placed = {"findings": [{**finding, "place": name}]}
    yield Attempt({422}, "POST", f"{path}/findings", "clerk", json.dumps(placed), JSON)
    revision = {"printed_name": name, "residence_address": name, "city": name, "zip": name * 5, "note": name}
    yield Attempt({422}, "POST", f"{path}/signatures/{number}-1-1/revisions", "clerk", json.dumps(revision), JSON)
    withdrawal = a_request(name, note=name)
    yield Attempt({422}, "POST", f"{path}/withdrawals", "clerk", json.dumps(withdrawal), JSON)
    late = {**withdrawal, "voter_id": "V1", "received_on": "2999-07-06"}
    yield Attempt({422}, "POST", f"{path}/withdrawals", "clerk", json.dumps(late), JSON)
    yield Attempt({422}, "PUT", f"{path}/sections/{number}", "clerk", json.dumps({"signed_from": name}), JSON)
    asked = {"printed_name": name, "residence_address": name, "signed_from": "2022-03-01"}
    yield Attempt({422}, "POST", "/v1/voters/lookup", "clerk", json.dumps(asked), JSON)
    spent = {"printed_name": name, "residence_address": f"1 {name} AVE"}
    yield Attempt({429}, "POST", "/v1/voters/lookup", "supervisor", json.dumps(spent), JSON)


def _of_strangers(path: str, name: str) -> Iterator[Attempt]:
    yield Attempt({401}, "POST", f"{path}/signatures", None, json.dumps({"name": name}), JSON)
    yield Attempt({401}, "GET", "/v1/petitions", None, headers={"Authorization": f"Bearer {name}"})
    yield Attempt({401}, "GET", "/v1/petitions", None, headers={"Authorization": f"Basic {name}"})
    yield Attempt({404}, "GET", f"/{name}", None)


def _of_what_is_administered(name: str) -> Iterator[Attempt]:
    backwards = {**PETITION, "title": name, "officer": name, "circulation_from": "2023-01-01"}
    yield Attempt({422}, "POST", "/v1/petitions", "clerk", json.dumps(backwards), JSON)
    yield Attempt({422}, "POST", "/v1/keys", "admin", json.dumps({"principal": f"{name},", "role": "clerk"}), JSON)
    yield Attempt({422}, "DELETE", f"/v1/keys/{name}", "admin")
    yield Attempt({422}, "POST", f"/v1/rolls?complete_through={name}", "admin", name, {"Content-Type": "text/csv"})
