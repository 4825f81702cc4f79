"""A person's name as it is compared: folded words, titles and suffixes apart, particles joined."""

from functools import lru_cache

from app.domain.text import fold, listed

# Words that belong to the surname after them: DE LA CRUZ is DELACRUZ, MC DONALD is MCDONALD.
_PARTICLES = frozenset(
    listed(
        "DE LA LAS LOS DEL DELA DELOS DELAS DER DEN VAN VON VANDER VANDEN DI DA DO DOS DAS DU LE ST SAN SANTA MC MAC O "
        "EL AL BIN BEN ABU TER TEN ZU ZUM D L Y",
    ),
)
SUFFIXES: dict[str, str] = {
    "JR": "JR", "JUNIOR": "JR", "JNR": "JR", "SR": "SR", "SENIOR": "SR", "SNR": "SR", "II": "II", "2ND": "II",
    "2": "II", "III": "III", "3RD": "III", "3": "III", "IV": "IV", "4TH": "IV", "4": "IV", "V": "V", "5TH": "V",
}  # fmt: skip
# A digit in a name is a letter that was misread (0 for O, 5 for S).
_MISREAD_DIGITS = str.maketrans("0123456789", "OIZEASGTBG")


@lru_cache(maxsize=1 << 16)
def surname_parts(last_name: str) -> tuple[str, ...]:
    """Return the parts of a surname, particles joined to the part they lead: "de la Cruz-Lopez" DELACRUZ, LOPEZ."""
    parts: list[str] = []
    particle = ""
    for word in fold(last_name).translate(_MISREAD_DIGITS).split():
        particle += word
        if word not in _PARTICLES:
            parts.append(particle)
            particle = ""
    if particle:  # a surname made of particles only (DE LA O), or one that ends in one (GARCIA Y)
        parts = [*parts[:-1], parts[-1] + particle] if parts and len(particle) == 1 else [*parts, particle]
    if len(parts) > 1 and parts[-1] in SUFFIXES:
        parts.pop()
    return tuple(parts)


@lru_cache(maxsize=1 << 16)
def given_words(name: str) -> tuple[str, ...]:
    """Return the words of a first or middle name."""
    return tuple(fold(name).translate(_MISREAD_DIGITS).split())
