"""The matching model: the match weight of every comparison level, the priors of the hypotheses, and the thresholds."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal, TypeVar, get_args

from app.matching.comparison import LEVELS
from app.matching.names import NameOrder

DEFAULT_MODEL: Final = "model-2"
_COARSE: Final = 0.1  # from here on two decimals are enough: what evidence shows is what was added

Prior = Literal["here", "moved", "canceled_here", "canceled_moved", "relative", "stranger"]
Threshold = Literal[
    "invalid", "invalid_new_surname", "invalid_unread", "match", "match_exact", "match_weak", "reason", "rival"
]
_Key = TypeVar("_Key", bound=str)
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Model:
    """A Fellegi-Sunter model over whole voters.

    `weights[field][level]` is the natural logarithm of how much likelier the level is for the signer's own
    registration than for another one; besides the compared fields there is "reading", the order of the name's words.
    Levels that agree on a word add the word's inverse frequency in the roll, up to `rarity_cap[field][level]`.
    `priors` are the shares of the hypotheses among lines.
    """

    version: str
    weights: Mapping[str, Mapping[str, float]]
    rarity_cap: Mapping[str, Mapping[str, float]]
    priors: Mapping[Prior, float]
    thresholds: Mapping[Threshold, float]
    learnt_from: Mapping[str, Any]


_PARTS: Final = tuple(Model.__dataclass_fields__)


def model_from_json(text: str) -> Model:
    """Return the model in a file's text.

    Raises:
        ValueError: it is no JSON, or a part, field, level, prior or threshold is missing or unknown; the message
            names it.
    """
    model = _checked("the model", json.loads(text), _PARTS)
    levels: Mapping[str, Iterable[str]] = {**LEVELS, "reading": NameOrder}
    weights = _checked("weights", model["weights"], levels)
    caps = _checked("rarity_cap", model["rarity_cap"], levels, complete=False)
    return Model(
        version=model["version"],
        weights={field: _checked(f"weights of {field}", found, levels[field]) for field, found in weights.items()},
        rarity_cap={
            field: _checked(f"rarity_cap of {field}", caps.get(field, {}), levels[field], complete=False)
            for field in levels
        },
        priors=_checked("priors", model["priors"], get_args(Prior)),
        thresholds=_checked("thresholds", model["thresholds"], get_args(Threshold)),
        learnt_from=model["learnt_from"],
    )


def _checked(
    part: str, found: Mapping[str, _Value], keys: Iterable[_Key], *, complete: bool = True
) -> dict[_Key, _Value]:
    """Return part of a model by its typed keys: all of them where it must be `complete`."""
    known = {str(key): key for key in keys}
    missing = known.keys() - found.keys() if complete else set[str]()
    if wrong := [
        f"{what} {', '.join(map(repr, sorted(names)))}"
        for what, names in (("unknown", found.keys() - known.keys()), ("missing", missing))
        if names
    ]:
        raise ValueError(f"{part}: {'; '.join(wrong)}")
    return {known[key]: value for key, value in found.items()}


def model_to_json(model: Model) -> str:
    """Return the model as the text of its file, keys sorted, weights to two decimals, small ones to five."""

    def rounded(value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, Mapping):
            return {key: rounded(value[key]) for key in sorted(value)}
        return round(value, 2 if abs(value) >= _COARSE else 5) if isinstance(value, float) else value

    caps = {field: levels for field, levels in model.rarity_cap.items() if levels}
    parts = {part: caps if part == "rarity_cap" else getattr(model, part) for part in _PARTS}
    return json.dumps({part: rounded(value) for part, value in parts.items()}, indent=1) + "\n"


@cache
def default_model() -> Model:
    """Return the model that ships with the service."""
    return model_from_json((files("app.matching") / "data" / f"{DEFAULT_MODEL}.json").read_text(encoding="utf-8"))
