"""Handing signatures in."""

from tests.http.county import line, stranger
from tests.http.world import World


async def test_a_registered_voters_line_counts_and_the_tally_shows_it(world: World) -> None:
    answer = await world.post(line(1))
    assert answer.status_code == 201
    assert answer.json() == {"place": "1-1-1", "status": "valid", "reason": None, "settled": True, "version": 2}
    tally = await world.tally()
    assert (tally["raw"], tally["valid"], tally["version"], tally["margin"]) == (1, 1, 2, -99)


async def test_a_stranger_is_not_registered_and_a_person_must_confirm_it(world: World) -> None:
    answer = await world.post(stranger((2, 1, 1)))
    assert (answer.json()["status"], answer.json()["reason"]) == ("invalid", "not_registered")
    assert answer.json()["settled"] is False
    tally = await world.tally()
    assert (tally["invalid"], tally["unsettled"]) == (1, 1)
    assert tally["invalid_by_reason"]["not_registered"] == 1


async def test_the_same_writing_again_has_no_effect_and_answers_as_before(world: World) -> None:
    first = await world.post(line(1))
    again = await world.post(line(1), who="system")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert (await world.tally())["version"] == 2


async def test_other_writing_at_a_place_is_a_conflict_that_says_nothing_personal(world: World) -> None:
    await world.post(line(1))
    answer = await world.post(line(2, (1, 1, 1)))
    assert answer.status_code == 409
    assert "BERNARD" not in answer.text
    assert (await world.tally())["raw"] == 1


async def test_a_key_used_again_gets_the_same_answer_and_with_other_content_is_refused(world: World) -> None:
    first = await world.post(line(1), key="k-1")
    replay = await world.post(line(1), key="k-1")
    assert (replay.status_code, replay.json()) == (201, first.json())
    assert replay.headers["Idempotent-Replayed"] == "true"
    other = await world.post(line(2), key="k-1")
    assert other.status_code == 422
    assert other.json()["type"].endswith("idempotency_key_reused")
    assert (await world.tally())["raw"] == 1


async def test_a_key_of_another_principal_is_another_key(world: World) -> None:
    await world.post(line(1), key="k-1")
    answer = await world.post(line(2), key="k-1", who="system")
    assert answer.status_code == 201


async def test_a_batch_answers_each_line_in_order_and_one_bad_line_never_fails_the_rest(world: World) -> None:
    await world.post(line(3))
    lines = [line(1), {**line(2), "page": "x"}, line(4, (1, 1, 3)), line(5)]
    answer = await world.batch(lines, key="b-1")
    assert answer.status_code == 200
    first, bad, conflict, last = answer.json()["results"]
    assert (first["status"], last["status"]) == ("valid", "valid")
    assert bad["place"] is None
    assert bad["error"]["errors"][0]["path"] == "signatures.1.page"
    assert (conflict["place"], conflict["error"]["code"]) == ("1-1-3", "place_conflict")
    assert (await world.tally())["raw"] == 3
    replay = await world.batch(lines, key="b-1")
    assert replay.json() == answer.json()
    assert replay.headers["Idempotent-Replayed"] == "true"


async def test_of_a_voters_lines_the_lowest_place_counts_whatever_the_order_of_arrival(world: World) -> None:
    assert (await world.post(line(1, (9, 1, 1)))).json()["status"] == "valid"
    assert (await world.post(line(1, (5, 1, 1)))).json()["status"] == "valid"
    assert await world.status("9-1-1") == ("invalid", "duplicate")
    answer = await world.batch([line(1, (7, 1, 1)), line(1, (3, 1, 1))])
    assert [r["status"] for r in answer.json()["results"]] == ["invalid", "valid"]
    tally = await world.tally()
    assert (tally["raw"], tally["valid"], tally["invalid_by_reason"]["duplicate"]) == (4, 1, 3)
