"""The words of rolls, learnt as lines ask for them and kept in bounded memory; the dictionary stays in the database."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from app.db import words as db
from app.db.candidates import Roll
from app.domain.line import ReadLine
from app.domain.search import further_words, streets_to_correct, words_to_correct
from app.domain.words import Words

_ROLLS_KEPT: Final = 4
_WORDS_KEPT: Final = 100_000  # of all rolls together, some 12 MB; then the oldest roll's slips of words are forgotten
_rolls: dict[tuple[str, int, datetime | None], Words] = {}

Asked = Mapping[str, Collection[str]]  # words by kind


async def roll_words(roll: Roll) -> Words:
    """What is known of the words of a roll version so far. Whoever asks it for a word learns it before."""
    registrations, loaded_at = await db.roll_facts(roll)
    key = (roll.county_id, roll.roll_version, loaded_at)
    while _too_much_with(key):
        oldest = next(iter(_rolls))
        known = _rolls.pop(oldest).known_alone()  # whoever still works with the others keeps them
        if oldest == key and known.size <= _WORDS_KEPT // 2:
            _rolls[key] = known
    if key not in _rolls:
        made = Words(registrations, await db.roll_cities(roll))
        _rolls.setdefault(key, made)  # unless another batch made them meanwhile
    return _rolls[key]


def _too_much_with(key: tuple[str, int, datetime | None]) -> bool:
    new = key not in _rolls
    return len(_rolls) + new > _ROLLS_KEPT or sum(words.size for words in _rolls.values()) > _WORDS_KEPT


async def learn_words(roll: Roll, words: Words, asked: Iterable[Asked]) -> None:
    """Learn the counts of the words asked for, as far as they are new. One statement."""
    wanted = {kind: words.unlearnt(kind, texts) for kind, texts in _together(asked).items()}
    words.learn(wanted, await db.word_counts(roll, wanted))


async def learn_streets(roll: Roll, words: Words, lines: Sequence[ReadLine]) -> None:
    """Learn what the streets of lines may be slips of. One statement."""
    await _learn_corrections(roll, words, [streets_to_correct(lines)])


async def learn_for_wide_search(roll: Roll, words: Words, lines: Sequence[ReadLine]) -> None:
    """Learn what a wide search for lines asks for, whose own words are learnt already. Two statements."""
    await learn_words(roll, words, [further_words(lines, words)])
    await _learn_corrections(roll, words, [words_to_correct(lines)])


async def _learn_corrections(roll: Roll, words: Words, asked: Iterable[Asked]) -> None:
    wanted = {kind: words.uncorrected(kind, texts) for kind, texts in _together(asked).items()}
    words.learn_corrections(wanted, await db.alike_words(roll, wanted))


def _together(asked: Iterable[Asked]) -> dict[str, set[str]]:
    together: dict[str, set[str]] = {}
    for one in asked:
        for kind, texts in one.items():
            together.setdefault(kind, set()).update(texts)
    return together
