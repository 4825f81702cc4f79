"""The demo's sections: registered as they come in, one wrongly found defective, filed, and the raw count frozen.

Some claims are wrong by a line, as they are where people count by hand; a note says why before the freeze. Some dates
lie partly outside the circulation, which a person confirms, and two contradict each other, which a person corrects.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from app.demo.generate import LINES_PER_PAGE, PAGES_PER_SECTION
from app.demo.service import CLERKS, SUPERVISOR, Api, ServiceError

_LINES = LINES_PER_PAGE * PAGES_PER_SECTION  # of a section
_AT_ONCE = 500  # sections in a request
_MISCOUNTED = {7: 1, 23: -1}  # by the last two digits of a section's number: lines that its claim is wrong by
_BEGUN_EARLY = 11  # the last two digits of sections that say they were circulated from the day before
_MISTYPED = 3  # the section whose two dates were entered in each other's place


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
        begun = _day_before(first) if section % 100 == _BEGUN_EARLY else first
        from_, to = (last, begun) if section == _MISTYPED else (begun, last)
        declaration = {
            "circulator_name": f"Circulator {section % 997 + 1}",
            "circulator_address": f"{section % 997 + 1} Main St, Los Angeles",
            "signed_from": from_,
            "signed_to": to,
            "executed_on": last,
            "executed_at": "Los Angeles",
            "circulator_signed": section > 1,  # what the first section seems to lack
            "circulator_of_age": True,
        }
        claimed = max(there + _MISCOUNTED.get(section % 100, 0), 1)
        yield {"section": section, "pages": PAGES_PER_SECTION, "lines": claimed, "declaration": declaration}


async def settle_sections(api: Api, circulation: Sequence[str]) -> list[str]:
    """Let people settle what is wrong with the sections, and freeze the raw count; returns sentences about that."""
    struck, dates, noted = await _doubt_one(api), await _check_dates(api, circulation), await _freeze(api)
    return [
        f"Two people found section 1 defective, which made {struck} lines invalid; a supervisor took that back",
        "{clipped:,} sections had dates partly outside the circulation, which a person confirmed; {corrected:,} dates"
        " that contradict each other, which one corrected".format_map(dates),
        f"The control totals of {noted:,} sections differed, each with a note; two people froze the raw count",
    ]


async def _doubt_one(api: Api) -> int:
    """Let two people find the first section defective, and a supervisor take it back; returns how many lines it hit."""
    path = "/sections/1/defect"
    found = {"codes": ["signature_missing"], "note": "the declaration has no signature"}
    await api.call(CLERKS[0], "POST", path, json=found)
    await api.call(CLERKS[1], "POST", f"{path}/confirmation")
    params = {"section": "1", "reason": "section_defect"}
    struck = (await api.call(SUPERVISOR, "GET", "/signatures", params=params)).json()["signatures"]
    await api.call(SUPERVISOR, "POST", f"{path}/reversal", json={"note": "it is signed on the back"})
    return len(struck)


def _day_before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


async def _check_dates(api: Api, circulation: Sequence[str]) -> Counter[str]:
    """Confirm dates that are so on the paper, and correct the others; returns how many of each."""
    done = Counter[str](clipped=0, corrected=0)
    for section in [one async for one in _listed(api, "dates")]:
        path = f"/sections/{section['section']}"
        if section["signed_from"] > section["signed_to"]:
            dates = dict(zip(("signed_from", "signed_to"), circulation, strict=True))
            await api.call(CLERKS[1], "PUT", path, json=dates)
            done["corrected"] += 1
        else:
            await api.call(CLERKS[1], "POST", f"{path}/confirmation")
            done["clipped"] += 1
    return done


async def _listed(api: Api, only: str) -> AsyncIterator[dict[str, Any]]:
    """The sections that a person must look at for this."""
    cursor = "0"
    while cursor is not None:
        params = {"only": only, "limit": "1000", "cursor": cursor}
        page = (await api.call(CLERKS[0], "GET", "/sections", params=params)).json()
        for section in page["sections"]:
            yield section
        cursor = page["next_cursor"]


async def _freeze(api: Api) -> int:
    """File the petition and freeze its raw count, with a note for each section that differs; returns how many do."""
    await api.call(SUPERVISOR, "POST", "/filing")  # no further section may come (EC 11222(b))
    differing = [one["section"] async for one in _listed(api, "totals")]
    notes = [{"section": section, "note": "counted wrongly at receipt"} for section in differing]
    proposal = {"kind": "freeze", "notes": notes}
    proposed = (await api.call(CLERKS[0], "POST", "/raw-count/proposals", json=proposal)).json()["proposal"]
    await api.call(SUPERVISOR, "POST", f"/raw-count/proposals/{proposed['proposal_no']}/confirmation")
    return len(notes)
