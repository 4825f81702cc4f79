"""Finding the voter."""

from app.compiled import folders

__path__ = [*folders("matching"), *__path__]
