"""The demo's sections: registered as they come in, one wrongly found defective, filed, and the raw count frozen.

Some claims are wrong by a line, as they are where people count by hand; a note says why before the freeze.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from app.demo.generate import LINES_PER_PAGE, PAGES_PER_SECTION
from app.demo.service import CLERKS, SUPERVISOR, Api, ServiceError

_LINES = LINES_PER_PAGE * PAGES_PER_SECTION  # of a section
_AT_ONCE = 500  # sections in a request
_MISCOUNTED = {7: 1, 23: -1}  # by the last two digits of a section's number: lines that its claim is wrong by


async def receive(api: Api, lines: int, circulation: Sequence[str]) -> int:
    """Register every section of a petition with so many lines; returns how many there are."""
    sections = list(_sections(lines, circulation))
    for start in range(0, len(sections), _AT_ONCE):
        content = {"sections": sections[start : start + _AT_ONCE]}
        answer = await api.call(CLERKS[0], "POST", "/sections/batch", json=content)
        if refused := [one["message"] for one in answer.json()["results"] if "code" in one]:
            raise ServiceError(f"a section was refused: {refused[0]}")
    return len(sections)


def _sections(lines: int, circulation: Sequence[str]) -> Iterator[dict[str, Any]]:
    first, last = circulation
    for section in range(1, -(-lines // _LINES) + 1):
        there = min(_LINES, lines - (section - 1) * _LINES)
        declaration = {
            "circulator_name": f"Circulator {section % 997 + 1}",
            "circulator_address": f"{section % 997 + 1} Main St, Los Angeles",
            "signed_from": first,
            "signed_to": last,
            "executed_on": last,
            "executed_at": "Los Angeles",
            "circulator_signed": section > 1,  # what the first section seems to lack
            "circulator_of_age": True,
        }
        claimed = max(there + _MISCOUNTED.get(section % 100, 0), 1)
        yield {"section": section, "pages": PAGES_PER_SECTION, "lines": claimed, "declaration": declaration}


async def doubt_a_section(api: Api) -> int:
    """Let two people find the first section defective, and a supervisor take it back; returns how many lines it hit."""
    path = "/sections/1/defect"
    found = {"codes": ["signature_missing"], "note": "the declaration has no signature"}
    await api.call(CLERKS[0], "POST", path, json=found)
    await api.call(CLERKS[1], "POST", f"{path}/confirmation")
    params = {"section": "1", "reason": "section_defect"}
    struck = (await api.call(SUPERVISOR, "GET", "/signatures", params=params)).json()["signatures"]
    await api.call(SUPERVISOR, "POST", f"{path}/reversal", json={"note": "it is signed on the back"})
    return len(struck)


async def freeze(api: Api) -> int:
    """File the petition and freeze its raw count, with a note for each section that differs; returns how many do."""
    await api.call(SUPERVISOR, "POST", "/filing")  # no further section may come (EC 11222(b))
    notes, cursor = list[dict[str, Any]](), "0"
    while cursor is not None:
        params = {"only": "totals", "limit": "1000", "cursor": cursor}
        page = (await api.call(CLERKS[0], "GET", "/sections", params=params)).json()
        notes += [{"section": one["section"], "note": "counted wrongly at receipt"} for one in page["sections"]]
        cursor = page["next_cursor"]
    proposal = {"kind": "freeze", "notes": notes}
    proposed = (await api.call(CLERKS[0], "POST", "/raw-count/proposals", json=proposal)).json()["proposal"]
    await api.call(SUPERVISOR, "POST", f"/raw-count/proposals/{proposed['proposal_no']}/confirmation")
    return len(notes)
