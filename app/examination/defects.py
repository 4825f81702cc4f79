"""A section's defect as one act for all its lines: found, confirmed by as many people as the ruleset says, taken back.

Each action raises what `record` raises besides.
"""

import secrets
from collections.abc import Sequence

from app.count.queries import Change, hold_basis
from app.count.record import record
from app.examination import defect_queries as rows
from app.examination import queries, section_queries
from app.examination.again import examined_again
from app.examination.sections import section_state
from app.law.defect import (
    SECTION_DEFECT,
    Defect,
    DefectAct,
    DefectCode,
    defect_confirmed,
    defect_found,
    defect_taken_back,
    under_defect,
    without_defect,
)
from app.law.line import Finding, Line, Place
from app.law.reasons import NOT_RAW
from app.law.review import under
from app.ledger.entries import SALT_BYTES, leaf_hash

_ALL = 2**62  # later than every entry


async def find_defect(change: Change, section: int, codes: Sequence[DefectCode], *, by: str, note: str) -> DefectAct:
    """Find a section defective. Once enough people agree, all its lines are invalid, also those to come.

    Args:
        change: the transaction, its petition and the time.
        section: the section's number.
        codes: what is defective.
        by: the person; goes on record.
        note: what the person saw; may be empty.

    Raises:
        UnknownSectionError: it has neither a registration nor dates nor lines.
        SectionDefectRefusedError: its defect was found already, or what is defective is not said.
    """
    last = await _last_act(change, section)
    await section_state(change, section)
    new = DefectAct(Defect(section, 1, tuple(dict.fromkeys(codes)), (by,)), "found", note, by, change.now)
    return await _carry_out(change, last, defect_found(last, new))


async def confirm_defect(change: Change, section: int, *, by: str) -> DefectAct:
    """Agree that a section is defective.

    Raises SectionDefectRefusedError if no defect was found, the same person found it, or enough people agree.
    """
    last = await _last_act(change, section)
    needed = change.petition.ruleset.people_needed(SECTION_DEFECT)
    return await _carry_out(change, last, defect_confirmed(last, needed, by=by, now=change.now))


async def take_defect_back(change: Change, section: int, *, by: str, note: str) -> DefectAct:
    """End a section's defect: its lines are examined again, as if it had never been found.

    Args:
        change: the transaction, its petition and the time.
        section: the section's number.
        by: the supervisor; goes on record.
        note: why.

    Raises:
        SectionDefectRefusedError: no defect was found, or the note is empty.
    """
    last = await _last_act(change, section)
    return await _carry_out(change, last, defect_taken_back(last, by=by, note=note, now=change.now))


async def _last_act(change: Change, section: int) -> DefectAct | None:
    """The newest act. No line of the petition is examined until this transaction ends; later ones learn of it."""
    await section_queries.begin(change.connection, change.petition.key)
    acts = await rows.acts_of(change.connection, change.petition.key, section)
    return acts[0] if acts else None


async def _carry_out(change: Change, last: DefectAct | None, act: DefectAct) -> DefectAct:
    """Put an act on record with what it makes of the section's lines."""
    since, salt = last and last.defect.in_force_from, secrets.token_bytes(SALT_BYTES)
    enough = len(act.defect.people) >= change.petition.ruleset.people_needed(SECTION_DEFECT)
    in_force = act.kind != "taken_back" and (since is not None or enough)
    findings = await _findings(change, act, in_force=in_force) if in_force or since else []
    facts = {"section": act.defect.section, "kind": act.kind, "codes": act.defect.codes, "in_force": in_force}
    sealed = leaf_hash(salt, act.sealed().encode()).hex()
    await record(change, "defect", findings, facts=facts | {"acted_by": act.acted_by, "act": sealed})
    version = change.tally.version if change.tally else None
    done = act._replace(defect=act.defect._replace(in_force_from=(since or version) if in_force else None))
    await rows.add_act(change, done, salt)
    return done


async def _findings(change: Change, act: DefectAct, *, in_force: bool) -> list[Finding]:
    await hold_basis(change.connection, change.petition.key)
    lines = await queries.lines(change.connection, queries.OF_SECTIONS, *change.petition.key, [act.defect.section])
    return await (_struck(change, act, lines) if in_force else _restored(change, act, lines))


async def _struck(change: Change, act: DefectAct, lines: Sequence[Line]) -> list[Finding]:
    """What a defect makes of the lines of its section; blank and struck ones stay."""
    secondary = await _secondary(change, lines)
    ruleset = change.petition.ruleset
    said = [under(line, ruleset)._replace(secondary=secondary[line.place]) for line in lines]
    return [under_defect(finding, act.defect) for finding in said if finding.outcome.status not in NOT_RAW]


async def _restored(change: Change, act: DefectAct, lines: Sequence[Line]) -> list[Finding]:
    """What becomes of the lines of a section whose defect ends: examined again, or what people said of them remains."""
    struck = [line for line in lines if line.outcome == SECTION_DEFECT]
    secondary = await _secondary(change, [line for line in lines if line.outcome != SECTION_DEFECT])
    kept = [
        without_defect(under(line, change.petition.ruleset), secondary[line.place], act)
        for line in lines
        if "section_defect" in secondary.get(line.place, ())
    ]
    again = await examined_again(change, struck, "defect_taken_back", ended=act.defect.section) if struck else []
    return [*again, *kept]


async def _secondary(change: Change, lines: Sequence[Line]) -> dict[Place, tuple[str, ...]]:
    """The other rules that fail, of each line."""
    found = await rows.last_findings(change.connection, change.petition.key, {line.place: _ALL for line in lines})
    return {place: last.secondary for place, last in found.items()}
