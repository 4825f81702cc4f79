"""The demo's clerks: they take lines from the queues, and decide each as they read it on the paper and in the roll.

They know the truth about the lines, and slip at a rate that is ours: what a clerk gets wrong, another person who must
agree, compare or check blindly sees, and a supervisor reverses it. What a single careless person settles alone, and the
double check does not draw, would stay, as it does in a real count; the demo's clerks make no such slip.
"""

import asyncio
import json
from array import array
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from app.demo.county import Dice
from app.demo.generate import LINES_PER_PAGE, PAGES_PER_SECTION, Truth
from app.demo.service import CLERKS, OFFICER, SUPERVISOR, Api, ServiceError

_CLAIM: Final = 50  # lines that a clerk takes at a time
_PAGE: Final = 1000  # lines of a list per request
_SAMPLE: Final = 100  # lines to check blindly
_AT_ONCE: Final = 4  # requests of one person that run at the same time
_QUEUES: Final = ("to_confirm", "to_decide", "to_compare")
_SLIP: Final = 0.01  # of a clerk's lines
_COMES_AGAIN: Final = frozenset({"lease_over", "line_held", "already_checked", "decided_before", "not_drawn"})

_HAS = ("in_writing", "names_petition", "name", "current_residence", "intent", "signature")
_WITHDRAWN: Final = {
    "received_on": "2022-07-01",
    "received_by": "paper",
    "requirements": dict.fromkeys(_HAS, True),
    "signature_agrees": True,
}
_STANDARD: Final = (
    "beyond a reasonable doubt, it differs in multiple, significant, and obvious respects from all signatures on file"
)
_COMPARED: Final = {
    "references": ["affidavit"],
    "characteristics": ["letter_formations", "strokes"],
    "standard": _STANDARD,
}
_MISMATCH: Final = {
    "status": "invalid",
    "reason": "signature_mismatch",
    "looked_at": "signature",
    "note": "compared with the signatures on file",
    "comparison": _COMPARED,
}
_MATCH: Final = {"status": "valid", "looked_at": "signature", "note": "the same hand"}
_ILLEGIBLE: Final = {"status": "invalid", "reason": "illegible", "looked_at": "line", "note": "cannot be read"}

Line = dict[str, Any]  # as the service shows it
Finding = dict[str, Any]  # the body of a request


class Paper:
    """What is on the paper: the truth about each line, by place, read from its file when it is wanted."""

    def __init__(self, truths: Path) -> None:
        """Notes where each line's truth begins: 8 bytes for each."""
        self._file = truths.open("rb")
        self._starts = array("Q", [0])
        for text in self._file:
            self._starts.append(self._starts[-1] + len(text))

    def at(self, place: str) -> Truth:
        """The truth about one line."""
        section, page, line = map(int, place.split("-"))
        number = ((section - 1) * PAGES_PER_SECTION + page - 1) * LINES_PER_PAGE + line - 1
        self._file.seek(self._starts[number])
        truth: Truth = json.loads(self._file.readline())
        return truth

    def lines(self) -> Iterator[Truth]:
        """The truth about every line, in paper order."""
        for start, _ in pairwise(self._starts):
            self._file.seek(start)
            yield json.loads(self._file.readline())


def _eligible(line: Line | Truth) -> bool:
    return line["status"] == "valid" or line["reason"] in {"duplicate", "withdrawn"}  # which the count decides


def _verdict(true: Truth, looked_at: str = "line") -> Finding:
    """What a person finds who knows whose line it is. A signature that differs is compared afterwards."""
    voter = {"voter_id": true["voter_id"]} if true["voter_id"] else {}
    voter |= {"note": "compared with the paper and the roll"}
    if true["reason"] == "signature_mismatch":
        return {**voter, "status": "valid", "looked_at": "line"}
    if _eligible(true):
        return {**voter, "status": "valid", "looked_at": looked_at}
    return {**voter, "status": "invalid", "reason": true["reason"], "looked_at": "line"}


def _slips(person: str, place: str, *, kind: str) -> bool:
    return Dice(f"{person} {place} {kind}").chance(_SLIP)


@dataclass(eq=False)
class Clerks:
    """Everyone who decides, and what they did so far."""

    api: Api
    paper: Paper
    show: Callable[[Counter[str]], None]
    work: Counter[str] = field(default_factory=Counter)
    _another: set[str] = field(default_factory=set)  # places of lines that were found another voter's

    async def settle(self) -> Counter[str]:
        """Go through the lines until none needs a person, and show how the people advance.

        Returns how many lines were decided, confirmed, compared, mismatched, escalated, overturned, checked, and
        doubted by a blind check, and how many slips and searches there were.
        """
        await self._withdraw()
        await self._see_strangers()
        await self._empty_the_queues()
        while await self._overturn():  # as the proponents' examination of the rejected lines would ask
            await self._empty_the_queues()
        return self.work

    async def _empty_the_queues(self) -> None:
        while True:
            done = await self._decide_held()
            done += sum(await asyncio.gather(self._supervise(), *(self._decide(clerk) for clerk in CLERKS)))
            done += sum(await asyncio.gather(*(self._check_blindly(clerk) for clerk in CLERKS)))
            if not done:
                return

    async def _withdraw(self) -> None:
        """File the withdrawals: in writing, before the petition was filed (EC 11303).

        The officer does, who alone may know of confidential voters, and another person accepts them.
        """
        voters = {true["voter_id"] for true in self.paper.lines() if true["reason"] == "withdrawn"}

        async def file(voter_id: str) -> None:
            answer = await self.api.call(OFFICER, "POST", "/withdrawals", json=_WITHDRAWN | {"voter_id": voter_id})
            if (filed := answer.json())["state"] == "open":
                path = f"/withdrawals/{filed['withdrawal_id']}/decision"
                await self.api.call(CLERKS[0], "POST", path, json={"accepted": True})

        await _some_at_once(map(file, sorted(voters)))

    async def _see_strangers(self) -> None:
        """See which lines the machine found to be another voter's: the signature shows it when it is compared."""
        for query in ({"status": "valid"}, {"reason": "duplicate"}, {"reason": "withdrawn"}):
            async for lines in self._pages(**query):
                strangers = (line for line in lines if line["voter_id"] != self.paper.at(line["place"])["voter_id"])
                self._another.update(line["place"] for line in strangers)

    async def _pages(self, **query: str) -> AsyncIterator[list[Line]]:
        """The pages of a list of lines."""
        query["limit"] = str(_PAGE)
        while True:
            page = (await self.api.call(SUPERVISOR, "GET", "/signatures", params=query)).json()
            yield page["signatures"]
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    async def _decide_held(self) -> int:
        """Let the officer decide the lines that confidential voters may have signed; returns how many."""
        done = 0
        while lines := await self._claim(OFFICER, "confidential"):
            await self._search(OFFICER, lines)

            def decide(line: Line) -> Coroutine[Any, Any, object]:
                finding = _verdict(self.paper.at(line["place"]), "both")
                return self.api.call(OFFICER, "POST", f"/confidential/{line['place']}/findings", json=finding)

            await _some_at_once(map(decide, lines))
            done += len(lines)
            self._count("decided", len(lines))
        return done

    async def _decide(self, clerk: str) -> int:
        """Let a clerk take lines until no queue has one for the clerk; returns how many there were."""
        decide = {"to_decide": self._read, "to_confirm": self._confirm, "to_compare": self._compare}
        done, queues = 0, list(_QUEUES)
        while queues:
            if lines := await self._claim(clerk, queues[0]):
                await decide[queues[0]](clerk, lines)
                done += len(lines)
            else:
                queues.pop(0)
        return done

    async def _claim(self, person: str, queue: str) -> list[Line]:
        """Lines of a queue that the person then holds, with their text and finding unless they are to be compared."""
        claim = (await self.api.call(person, "POST", f"/queues/{queue}/claims", json={"limit": _CLAIM})).json()
        return [{"place": line["place"], **(line["detail"] or {})} for line in claim["lines"]]

    async def _read(self, clerk: str, lines: Sequence[Line]) -> None:
        """Decide lines that the machine left to a person."""
        findings = []
        for line in lines:
            true = self.paper.at(line["place"])
            slip = true["reason"] != "illegible" and _slips(clerk, line["place"], kind="read")
            self.work["slips"] += slip
            findings.append(_ILLEGIBLE if slip else _verdict(true))
        await self._search(clerk, lines)
        await self._record(clerk, lines, findings, "decided")

    async def _confirm(self, clerk: str, lines: Sequence[Line]) -> None:
        """Confirm invalid lines, or say otherwise."""
        findings = []
        for line in lines:
            true = self.paper.at(line["place"])
            right = (line["status"], line["reason"]) == (true["status"], true["reason"])
            repeated = {"status": line["status"], "reason": line["reason"], "looked_at": "line", "note": "the same"}
            findings.append(repeated if right else _verdict(true))
        await self._search(clerk, lines)
        await self._record(clerk, lines, findings, "confirmed")

    async def _compare(self, clerk: str, _: Sequence[Line]) -> None:
        """Compare signatures with those on file, and a duplicate's with the line that counts."""
        page = (await self.api.call(clerk, "GET", "/comparisons", params={"limit": str(_CLAIM)})).json()
        lines = [{"place": pair["place"]} for pair in page["pairs"]]  # those held the longest come first
        findings = [self._seen(clerk, line["place"]) for line in lines]
        self.work["mismatched"] += sum(finding is _MISMATCH for finding in findings)
        for at, (line, finding) in enumerate(zip(lines, findings, strict=True)):
            if finding.get("reason") == "not_registered":  # the voter's namesake: search for the signer
                lines[at] = await self._shown(clerk, line["place"])
        await self._search(clerk, lines)
        await self._record(clerk, lines, findings, "compared")
        self._another.difference_update(line["place"] for line in lines)

    def _seen(self, clerk: str, place: str) -> Finding:
        true = self.paper.at(place)
        mismatch = true["reason"] == "signature_mismatch"
        if place in self._another or not (mismatch or _eligible(true)):
            self.work["overturned"] += 1
            return _verdict(true, "both")
        slip = not mismatch and _slips(clerk, place, kind="compare")
        self.work["slips"] += slip
        return _MISMATCH if mismatch or slip else _MATCH

    async def _supervise(self) -> int:
        """Let the supervisor decide the lines that clerks escalated; returns how many."""
        done = 0
        while lines := await self._claim(SUPERVISOR, "escalated"):
            await self._search(SUPERVISOR, lines)
            findings = [_verdict(self.paper.at(line["place"])) for line in lines]
            await self._record(SUPERVISOR, lines, findings, "reversed")
            done += len(lines)
        return done

    async def _overturn(self) -> int:
        """Let the supervisor decide the invalid lines anew whose reason is wrong; returns how many."""
        wrong = list[Line]()
        async for lines in self._pages(status="invalid"):
            truths = ((line, self.paper.at(line["place"])) for line in lines if not _eligible(line))
            wrong += [line for line, true in truths if line["reason"] != true["reason"]]
        for start in range(0, len(wrong), _CLAIM):
            some = [await self._shown(SUPERVISOR, line["place"]) for line in wrong[start : start + _CLAIM]]
            await self._search(SUPERVISOR, some)
            await self._record(
                SUPERVISOR, some, [_verdict(self.paper.at(line["place"])) for line in some], "overturned"
            )
        return len(wrong)

    async def _shown(self, person: str, place: str) -> Line:
        line: Line = (await self.api.call(person, "GET", f"/signatures/{place}")).json()
        return line

    async def _check_blindly(self, clerk: str) -> int:
        """Let a clerk answer for the lines that are drawn for the double check; returns how many."""
        done = 0
        while lines := await self._sample(clerk):
            answered = sum(await _some_at_once(self._answer(clerk, line["place"]) for line in lines))
            self._count("checked", answered)
            done += answered
        return done

    async def _sample(self, clerk: str) -> list[Line]:
        sample = await self.api.call(clerk, "GET", "/quality/sample", params={"limit": str(_SAMPLE)})
        lines: list[Line] = sample.json()["lines"]
        return lines

    async def _answer(self, clerk: str, place: str) -> bool:
        true = self.paper.at(place)
        answer = {key: value for key, value in _verdict(true).items() if key != "looked_at"}
        if true["reason"] == "signature_mismatch":
            answer |= {"status": "invalid", "reason": "signature_mismatch"}
        unknown = {"status": "review", "note": "cannot be decided"}  # as a confidential voter is to all but the officer
        slip = _slips(clerk, place, kind="check")
        for said in (unknown,) if slip else (answer, unknown):
            try:
                await self.api.call(clerk, "POST", f"/quality/{place}", json=said)
            except ServiceError as error:
                if error.code in _COMES_AGAIN:  # another clerk's answer came first
                    return False
                if error.code != "unknown_voter":
                    raise
            else:
                self.work["doubted"] += said is unknown
                return True
        return False

    async def _search(self, person: str, lines: Iterable[Line]) -> None:
        """Search for lines whose signer is not registered, by name and by address, unless a person has done so."""
        searches = []
        for line in lines:
            wanted = self.paper.at(line["place"])["reason"] == "not_registered" and "writing" in line
            if wanted and not line["finding"]["confirmed_by"]:
                written, line_of = line["writing"], {"petition_id": self.api.petition_id, "place": line["place"]}
                by_name = {key: written[key] for key in ("printed_name", "name") if written[key]}
                by_address = {key: written[key] for key in ("residence_address", "city", "zip")}
                searches += [by_name | line_of, by_address | line_of]
        await _some_at_once(self.api.look_up(person, asked) for asked in searches)
        self.work["searches"] += len(searches)

    async def _record(self, person: str, lines: Sequence[Line], findings: Sequence[Finding], kind: str) -> None:
        """Post a person's findings on lines; what only a supervisor may decide is escalated with a note."""
        if not lines:
            return
        placed = [{**finding, "place": line["place"]} for line, finding in zip(lines, findings, strict=True)]
        answer = await self.api.call(person, "POST", "/findings", json={"findings": placed})
        for result in answer.json()["results"]:
            code = result.get("error", {}).get("code")
            if code == "supervisor_needed":
                self.work["escalated"] += 1
                note = {"note": "I find otherwise"}
                await self.api.call(person, "POST", f"/signatures/{result['place']}/escalation", json=note)
            elif code == "unknown_voter":  # a confidential one, whose name is misread
                note = {"note": "the signer is in no search"}
                await self.api.call(person, "POST", f"/signatures/{result['place']}/referral", json=note)
                await self._decide_held()
            elif code and code not in _COMES_AGAIN:
                raise ServiceError(f"a finding on {result['place']} was refused: {result['error']['message']}")
        self._count(kind, len(lines))

    def _count(self, kind: str, lines: int) -> None:
        self.work.update({kind: lines, "findings": lines})
        self.show(self.work)


async def _some_at_once(work: Iterable[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Carry out what is made one after the other, a few at the same time; returns the results, in any order."""
    left, results = iter(work), list[Any]()

    async def carry_out() -> None:
        for one in left:
            results.append(await one)

    await asyncio.gather(*(carry_out() for _ in range(_AT_ONCE)))
    return results
