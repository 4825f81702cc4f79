"""A reproducible draw of lines, and the exact confidence interval of an error rate."""

from collections.abc import Callable
from hashlib import sha256
from math import exp, lgamma, log, log1p
from typing import Final

from app.law.line import Place

DRAW_METHOD: Final = (
    "A line is drawn if the first 8 bytes of SHA-256(seed, place), as a big-endian number, are below share * 2^64."
    " The seed is the hash of the ledger's first entry, 32 bytes; the place is section, page and line, 4 bytes each,"
    " big-endian."
)
PARTS: Final = 1_000_000  # a share is given in parts per million


def draw_limit(share_ppm: int) -> int:
    """What a draw must stay below for a share in parts per million."""
    return (share_ppm << 64) // PARTS


def draw(seed: bytes, place: Place) -> int:
    """The place's number in the draw of this seed, even over 0 to 2^64 - 1 and blind to what stands there."""
    return int.from_bytes(sha256(seed + b"".join(n.to_bytes(4, "big") for n in place)).digest()[:8], "big")


def is_drawn(seed: bytes, place: Place, share_ppm: int) -> bool:
    """Whether the place belongs to the share that is drawn."""
    return draw(seed, place) < draw_limit(share_ppm)


def clopper_pearson(errors: int, sample: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a proportion of which `errors` were seen in a `sample`.

    Whatever the true proportion is, the interval misses it with probability 1 - `confidence` at most (Clopper and
    Pearson, Biometrika 26, 1934). Of an empty sample nothing is known: 0 to 1.

    Raises:
        ValueError: `errors` is not within 0 to `sample`.
    """
    if not 0 <= errors <= sample:
        raise ValueError("errors must be within 0 to sample")
    tail = (1 - confidence) / 2
    lower = _solve(lambda p: beta_cdf(p, errors, sample - errors + 1), tail) if errors else 0.0
    upper = _solve(lambda p: beta_cdf(p, errors + 1, sample - errors), 1 - tail) if errors < sample else 1.0
    return lower, upper


def _solve(rising: Callable[[float], float], target: float) -> float:
    """Where a function that rises from 0 to 1 over 0 to 1 meets the target, to the last bits of a double."""
    low, high = 0.0, 1.0
    while low < (middle := (low + high) / 2) < high:
        if rising(middle) < target:
            low = middle
        else:
            high = middle
    return high


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function I_x(a, b), for a and b above 0 and x within 0 to 1.

    For whole numbers it is the probability of at least a successes in a + b - 1 trials of probability x.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # on this side the fraction of the mirrored function converges fast
        return 1 - beta_cdf(1 - x, b, a)
    front = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)
    return exp(front) / a / _fraction(x, a, b)


_TINY: Final = 1e-300
_CLOSE: Final = 1e-16
_MOST_TERMS: Final = 100_000  # some times the square root of a and b are needed


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function (DLMF 8.17.22), from the front (Lentz's method)."""
    value, upward, downward = 1.0, 1.0, 0.0
    for n in range(1, _MOST_TERMS):
        m = n // 2
        if n % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        downward = 1 / _not_zero(1 + term * downward)
        upward = _not_zero(1 + term / upward)
        value *= upward * downward
        if abs(upward * downward - 1) <= _CLOSE:
            break
    return value


def _not_zero(number: float) -> float:
    return number if abs(number) > _TINY else _TINY
