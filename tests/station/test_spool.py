"""The spool outlives the process."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.station.client import Control, post_file
from app.station.files import Plan, open_journal
from app.station.outcome import GaveUpError, Outcome, Refusal, SpoolError
from tests.station.builders import a_file, a_line, a_target, places, quick, some_lines
from tests.station.network import Service, problem

HASTY = quick(in_flight=1, timeout=1, give_up_after=0.05, first_wait=0.01, longest_wait=0.01)
PLAN = Plan("ab" * 32, 30, 10)
OUTCOMES = [
    Outcome(0, {"valid": 9, "review": 1}, (), replayed=False, retries=2),
    Outcome(2, {"valid": 9}, (Refusal("1-2-3", "conflict", "other writing, «ñ»"),), replayed=True, retries=0),
    Outcome(1, {"invalid": 10}, (), replayed=False, retries=0),
]


async def half_posted(service: Service, file: Path, spool: Path) -> None:
    """The first two batches of 50 are answered, the rest is not."""
    service.fault = lambda number: problem(503, "busy") if number > 1 else None
    with pytest.raises(GaveUpError):
        await post_file(str(file), a_target(service.url), options=HASTY, spool=spool)
    service.fault = lambda _: None


@given(cut=st.integers(0, 400), rubbish=st.sampled_from([b"", b"\n", b"\x00" * 500, b'{"batch": 1, "stat', b"[]\n"]))
def test_a_journal_that_was_torn_anywhere_keeps_what_came_before(
    tmp_path_factory: pytest.TempPathFactory, cut: int, rubbish: bytes
) -> None:
    path = tmp_path_factory.mktemp("spool") / "a.journal"
    with open_journal(path, PLAN) as journal:
        plan = journal.plan
        header = path.stat().st_size
        for outcome in OUTCOMES:
            journal.append(outcome)
    whole = path.read_bytes()
    kept = whole[: header + cut]
    path.write_bytes(kept + rubbish)
    with open_journal(path, Plan(PLAN.sha256, 30, 99)) as journal:
        assert journal.plan == plan
        complete = kept.count(b"\n") - 1 + (kept + b"\n" in whole and rubbish.startswith(b"\n"))
        assert list(journal.outcomes().values()) == OUTCOMES[:complete]
        journal.append(OUTCOMES[0])
        assert journal.outcomes() == {one.batch: one for one in (*OUTCOMES[:complete], OUTCOMES[0])}
    assert len(path.read_bytes().splitlines()) == 1 + complete + 1


async def test_a_file_that_changed_before_it_was_all_posted_is_refused(service: Service, tmp_path: Path) -> None:
    file, spool = a_file(tmp_path, some_lines(200)), tmp_path / "spool"
    await half_posted(service, file, spool)
    before = service.requests
    a_file(tmp_path, [a_line(500), *some_lines(200)])
    with pytest.raises(SpoolError, match="has changed since its posting began"):
        await post_file(str(file), a_target(service.url), options=quick(), spool=spool)
    assert service.requests == before
    a_file(tmp_path, some_lines(200))
    assert (await post_file(str(file), a_target(service.url), options=quick(), spool=spool)).accepted == 200


async def test_a_file_that_changed_after_it_was_all_posted_is_a_new_one(service: Service, tmp_path: Path) -> None:
    file, spool = a_file(tmp_path, some_lines(100)), tmp_path / "spool"
    await post_file(str(file), a_target(service.url), options=quick(), spool=spool)
    a_file(tmp_path, some_lines(120))
    summary = await post_file(str(file), a_target(service.url), options=quick(), spool=spool)
    assert (summary.lines, summary.accepted) == (120, 120)
    assert len(service.standing) == 120


async def test_the_batches_of_the_beginning_are_kept_whatever_the_size_asked_for(
    service: Service, tmp_path: Path
) -> None:
    file, spool = a_file(tmp_path, some_lines(200)), tmp_path / "spool"
    await half_posted(service, file, spool)
    summary = await post_file(str(file), a_target(service.url), options=quick(batch=7), spool=spool)
    assert (summary.accepted, summary.batches) == (200, 4)
    assert all(len(keys) == 1 for keys in service.keys.values())


async def test_a_posted_file_is_not_sent_again(service: Service, tmp_path: Path) -> None:
    file, spool = str(a_file(tmp_path, some_lines(100))), tmp_path / "spool"
    first = await post_file(file, a_target(service.url), options=quick(), spool=spool)
    sent = service.requests
    second = await post_file(file, a_target(service.url), options=quick(), spool=spool)
    assert service.requests == sent
    assert (second.accepted, second.batches) == (first.accepted, first.batches)


async def test_the_spool_holds_nothing_that_was_written_on_paper(service: Service, tmp_path: Path) -> None:
    file, spool = a_file(tmp_path, [a_line(1), a_line(1, printed_name="Maria Garcia")]), tmp_path / "spool"
    await post_file(str(file), a_target(service.url), options=quick(), spool=spool)
    kept = b"".join(path.read_bytes() for path in spool.rglob("*"))
    assert b"1-1-2" in kept
    assert not any(word in kept for word in (b"Signer", b"Maria", b"Main St", b"90026", b"station-key"))
    assert spool.stat().st_mode & 0o077 == 0


def test_a_second_process_does_not_post_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    with (
        open_journal(path, PLAN),
        pytest.raises(SpoolError, match="another process"),
        open_journal(path, PLAN),
    ):
        pass


def test_a_journal_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    path.write_text('{"version": 2}\n')
    with pytest.raises(SpoolError, match="another version"), open_journal(path, PLAN):
        pass


async def test_what_a_restored_database_may_lack_is_sent_again_under_its_keys(service: Service, tmp_path: Path) -> None:
    lines = some_lines(200)
    file, spool = a_file(tmp_path, lines), tmp_path / "spool"
    first = await post_file(str(file), a_target(service.url), options=quick(), spool=spool)
    keys = {place: set(keys) for place, keys in service.keys.items()}
    service.restore(without=set(places(lines[50:150])))
    messages = list[str]()
    again = await post_file(
        str(file), a_target(service.url), options=quick(), spool=spool, control=Control(retry=messages.append)
    )
    assert sorted(service.entries) == sorted(places(lines))  # each once
    assert service.keys == keys
    assert (again.lines, again.accepted, again.batches, again.replayed) == (200, 200, 4, 2)
    assert (first.accepted, first.replayed) == (200, 0)
    assert messages == ["the database was restored since: 4 batches are sent again"]
    sent = service.requests
    assert (await post_file(str(file), a_target(service.url), options=quick(), spool=spool)).accepted == 200
    assert service.requests == sent


async def test_a_posting_that_was_interrupted_before_a_restore_sends_all_of_it(
    service: Service, tmp_path: Path
) -> None:
    lines = some_lines(200)
    file, spool = a_file(tmp_path, lines), tmp_path / "spool"
    await half_posted(service, file, spool)
    service.restore(without=set(places(lines[:50])))
    assert (await post_file(str(file), a_target(service.url), options=quick(), spool=spool)).accepted == 200
    assert sorted(service.entries) == sorted(places(lines))


async def test_a_service_that_does_not_name_a_history_is_believed(service: Service, tmp_path: Path) -> None:
    file, spool = a_file(tmp_path, some_lines(100)), tmp_path / "spool"
    service.history = ""
    await post_file(str(file), a_target(service.url), options=quick(), spool=spool)
    sent = service.requests
    assert (await post_file(str(file), a_target(service.url), options=quick(), spool=spool)).accepted == 100
    assert service.requests == sent


async def test_nothing_is_believed_while_the_database_does_not_answer(service: Service, tmp_path: Path) -> None:
    file, spool = a_file(tmp_path, some_lines(100)), tmp_path / "spool"
    await post_file(str(file), a_target(service.url), options=quick(), spool=spool)
    service.history = None
    with pytest.raises(GaveUpError, match="gave up on the service's state"):
        await post_file(str(file), a_target(service.url), options=HASTY, spool=spool)
