"""Words and arithmetic of the law: pure functions of values."""

from app.compiled import folders

__path__ = [*folders("law"), *__path__]
