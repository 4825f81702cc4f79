"""The model's file is checked against the comparison levels when it is read."""

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

from app.matching.comparison import LEVELS
from app.matching.model import DEFAULT_MODEL, default_model, model_from_json, model_to_json

Change = Callable[[dict[str, Any]], object]


def the_file() -> str:
    return (files("app.matching") / "data" / f"{DEFAULT_MODEL}.json").read_text(encoding="utf-8")


def test_the_model_that_ships_is_written_as_it_was_read() -> None:
    assert model_to_json(model_from_json(the_file())) == the_file()
    assert {field: set(levels) for field, levels in default_model().weights.items() if field != "reading"} == {
        field: set(levels) for field, levels in LEVELS.items()
    }


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda m: m["weights"]["given"].update({"exakt": 1.0}), "weights of given: unknown: exakt"),
        (lambda m: m["weights"]["house"].pop("far"), "weights of house: unknown: -; missing: far"),
        (lambda m: m["weights"]["reading"].pop("swapped"), "weights of reading: .* missing: swapped"),
        (lambda m: m["weights"].update(phone={}), "weights: unknown: phone"),
        (lambda m: m["weights"].pop("zip"), "weights: .* missing: zip"),
        (lambda m: m["rarity_cap"].update(phone={}), "rarity_cap: unknown: phone"),
        (lambda m: m["rarity_cap"]["surname"].update({"exakt": 9}), "rarity_cap of surname: unknown: exakt"),
        (lambda m: m["priors"].pop("moved"), "priors: .* missing: moved"),
        (lambda m: m["thresholds"].update(guess=0.5), "thresholds: unknown: guess"),
        (lambda m: m.pop("priors"), "the model: .* missing: priors"),
    ],
)
def test_what_is_unknown_or_missing_is_named(change: Change, why: str) -> None:
    model = json.loads(the_file())
    change(model)
    with pytest.raises(ValueError, match=why):
        model_from_json(json.dumps(model))


def test_a_file_that_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        model_from_json("weights")
