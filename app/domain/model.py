"""The weights that agreement carries, learnt from judged lines and kept as a versioned file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

DEFAULT_MODEL: Final = "model-2"
_COARSE: Final = 0.1  # from here on two decimals are enough: what evidence shows is what was added


@dataclass(frozen=True, slots=True)
class Model:
    """A Fellegi-Sunter model over whole voters.

    `weights[field][level]` is the natural logarithm of how much likelier the level is for the signer's own
    registration than for another one; levels that agree on a word add the word's rarity in the roll, up to
    `rarity_cap[field][level]`. `priors` are the shares of the five stories among lines.
    """

    version: str
    weights: Mapping[str, Mapping[str, float]]
    rarity_cap: Mapping[str, Mapping[str, float]]
    priors: Mapping[str, float]
    thresholds: Mapping[str, float]
    learnt_from: Mapping[str, Any]


def model_from_json(text: str) -> Model:
    """Return the model in a file's text; ValueError or KeyError where it is none."""
    content = json.loads(text)
    fields = ("version", "weights", "rarity_cap", "priors", "thresholds", "learnt_from")
    return Model(**{field: content[field] for field in fields})


def model_to_json(model: Model) -> str:
    """Return the model as the text of its file, keys sorted, weights to three decimals."""

    def rounded(value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, Mapping):
            return {key: rounded(value[key]) for key in sorted(value)}
        return round(value, 2 if abs(value) >= _COARSE else 5) if isinstance(value, float) else value

    fields = ("version", "weights", "rarity_cap", "priors", "thresholds", "learnt_from")
    return json.dumps({field: rounded(getattr(model, field)) for field in fields}, indent=1) + "\n"


@cache
def default_model() -> Model:
    """Return the model that ships with the service."""
    return model_from_json((files("app.domain") / "data" / f"{DEFAULT_MODEL}.json").read_text(encoding="utf-8"))
