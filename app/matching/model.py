"""The matching model: the match weight of every comparison level, the priors of the hypotheses, and the thresholds."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, TypeVar, get_args

from app.matching.comparison import LEVELS
from app.matching.names import DATA, NameOrder

DEFAULT_MODEL: Final = "model-3"
_COARSE: Final = 0.1  # from here on two decimals are enough: what evidence shows is what was added

Prior = Literal["here", "moved", "canceled_here", "canceled_moved", "relative", "stranger"]
Threshold = Literal[
    "invalid",
    "invalid_new_surname",
    "invalid_unread",
    "match",
    "match_exact",
    "match_weak",
    "reason",
    "reason_found",
    "rival",
]
_Key = TypeVar("_Key", bound=str)
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Model:
    """A Fellegi-Sunter model over whole voters.

    `weights[field][level]` is the match weight: the natural logarithm of how much likelier the level is for the
    signer's own registration than for another one. Besides the compared fields there is "reading", the order of the
    name's words. Levels that agree on a word add the word's inverse document frequency in the roll, up to
    `idf_caps[field][level]`. `priors` are the shares of the hypotheses among lines.
    """

    version: str
    weights: Mapping[str, Mapping[str, float]]
    idf_caps: Mapping[str, Mapping[str, float]]
    priors: Mapping[Prior, float]
    thresholds: Mapping[Threshold, float]
    learned_from: Mapping[str, Any]


def model_from_json(text: str) -> Model:
    """Return the model in a file's text.

    Raises:
        ValueError: it is not JSON, or a part, field, level, prior or threshold is missing or unknown; the message
            names it.
    """
    levels: Mapping[str, Iterable[str]] = {**LEVELS, "reading": get_args(NameOrder)}
    keys = ("version", "weights", "rarity_cap", "priors", "thresholds", "learnt_from")
    model = _checked("the model", json.loads(text), keys)
    weights = _checked("weights", model["weights"], levels)
    caps = _checked("rarity_cap", model["rarity_cap"], levels, complete=False)
    return Model(
        version=model["version"],
        weights={name: _checked(f"weights of {name}", weights[name], levels[name]) for name in levels},
        idf_caps={n: _checked(f"rarity_cap of {n}", caps.get(n, {}), levels[n], complete=False) for n in levels},
        priors=_checked("priors", model["priors"], get_args(Prior)),
        thresholds=_checked("thresholds", model["thresholds"], get_args(Threshold)),
        learned_from=model["learnt_from"],
    )


def _checked(
    part: str, found: Mapping[str, _Value], keys: Iterable[_Key], *, complete: bool = True
) -> dict[_Key, _Value]:
    """Return part of a model by its typed keys; only a part that is not `complete` may lack some."""
    unknown, missing = sorted(found.keys() - set(keys)), sorted(set(keys) - found.keys())
    if unknown or (complete and missing):
        raise ValueError(f"{part}: unknown: {', '.join(unknown) or '-'}; missing: {', '.join(missing) or '-'}")
    return {key: found[key] for key in keys if key in found}


def model_to_json(model: Model) -> str:
    """Return the model as the text of its file: keys sorted, weights with two decimals, small ones with five."""

    def rounded(value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, Mapping):
            return {key: rounded(value[key]) for key in sorted(value)}
        return round(value, 2 if abs(value) >= _COARSE else 5) if isinstance(value, float) else value

    caps = {field: levels for field, levels in model.idf_caps.items() if levels}
    parts = {
        "version": model.version, "weights": model.weights, "rarity_cap": caps, "priors": model.priors,
        "thresholds": model.thresholds, "learnt_from": model.learned_from,
    }  # fmt: skip
    return json.dumps({key: rounded(value) for key, value in parts.items()}, indent=1) + "\n"


@cache
def default_model() -> Model:
    """Return the model that ships with the service."""
    return model_from_json((DATA / f"{DEFAULT_MODEL}.json").read_text("utf-8"))
