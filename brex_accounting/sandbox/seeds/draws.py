"""Chance without state: numbers, permutations and ids that are pure functions of a key.

A draw is output ``n`` of the splitmix64 sequence that starts at ``key``, so any of them can be had
without the ones before, for a fraction of what seeding a ``random.Random`` costs, and it is the
same on every Python. Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
Generators", 2014.
"""

from __future__ import annotations

import math
import zlib
from bisect import bisect_right
from collections.abc import Sequence

import attrs

__all__ = ["Draws", "Ids", "Spread", "bits", "largest_remainder", "mix", "normal", "unit"]

_MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB
_FIRST_BACK = pow(_FIRST, -1, 1 << 64)
_SECOND_BACK = pow(_SECOND, -1, 1 << 64)


def mix(value: int) -> int:
    """Scramble 64 bits; a bijection, undone by ``_unmix``."""
    value &= _MASK
    value = (value ^ (value >> 30)) * _FIRST & _MASK
    value = (value ^ (value >> 27)) * _SECOND & _MASK
    return value ^ (value >> 31)


def _unmix(value: int) -> int:
    value = (value ^ (value >> 31) ^ (value >> 62)) * _SECOND_BACK & _MASK
    value = (value ^ (value >> 27) ^ (value >> 54)) * _FIRST_BACK & _MASK
    return value ^ (value >> 30) ^ (value >> 60)


def bits(key: int, n: int) -> int:
    """Draw ``n`` of ``key`` as 64 bits."""
    return mix(key + n * _STEP)


def unit(key: int, n: int) -> float:
    """Draw ``n`` of ``key`` strictly between 0 and 1."""
    # Written out, not built on bits(): listing makes several of these draws for every record.
    value = (key + n * _STEP) & _MASK
    value = (value ^ (value >> 30)) * _FIRST & _MASK
    value = (value ^ (value >> 27)) * _SECOND & _MASK
    return (((value ^ (value >> 31)) >> 12) + 0.5) * 2.0**-52


def normal(key: int, n: int) -> float:
    """A standard normal value from draws ``n`` and ``n + 1``."""
    return math.sqrt(-2.0 * math.log(unit(key, n))) * math.cos(math.tau * unit(key, n + 1))


@attrs.define
class Draws:
    """The draws of ``key`` one after the other, from number ``at``."""

    key: int
    at: int

    def bits(self) -> int:
        """The next draw as 64 bits."""
        self.at += 1
        return bits(self.key, self.at - 1)

    def unit(self) -> float:
        """The next draw strictly between 0 and 1."""
        self.at += 1
        return unit(self.key, self.at - 1)

    def below(self, size: int) -> int:
        """A whole number in ``range(size)``."""
        return self.bits() * size >> 64

    def lognormal(self, median: float, sigma: float) -> float:
        """A lognormal value."""
        self.at += 2
        return median * math.exp(sigma * normal(self.key, self.at - 2))

    def pick(self, edges: Sequence[float]) -> int:
        """The number of the class drawn; ``edges`` are cumulative shares that end at 1."""
        return bisect_right(edges, self.unit())


@attrs.frozen
class Spread:
    """A permutation of ``range(size)`` that scatters neighbours evenly, with its inverse."""

    size: int
    step: int
    shift: int
    back: int

    @classmethod
    def of(cls, size: int, ratio: float, key: int) -> Spread:
        """Steps of about ``ratio`` of the size; an irrational ratio keeps every stretch well mixed."""
        size = max(size, 1)
        step = max(1, round(size * ratio))
        while math.gcd(step, size) != 1:
            step += 1
        return cls(size, step, mix(key) % size, pow(step, -1, size))

    def at(self, index: int) -> int:
        """Where ``index`` goes."""
        return (index * self.step + self.shift) % self.size

    def find(self, place: int) -> int:
        """Which index goes to ``place``."""
        return (place - self.shift) * self.back % self.size


@attrs.frozen
class Ids:
    """Ids that look opaque and can be read back: a prefix and 24 hex digits for each whole number."""

    prefix: str
    key: int

    @classmethod
    def of(cls, prefix: str, root: int) -> Ids:
        """The ids of one prefix under the root key."""
        return cls(prefix, mix(root ^ zlib.crc32(prefix.encode())))

    def text(self, number: int) -> str:
        """The id of a number."""
        head = mix(self.key + number)
        # The tail only lengthens the id; number() compares it, so a mangled id is not found.
        return f"{self.prefix}{head:016x}{(head ^ self.key) * _SECOND >> 32 & 0xFFFFFFFF:08x}"

    def number(self, text: str) -> int | None:
        """The number of an id, or None when ``text`` was not made here."""
        if not text.startswith(self.prefix):
            return None
        try:
            head = int(text[len(self.prefix) : len(self.prefix) + 16], 16)
        except ValueError:
            return None
        if not 0 <= head <= _MASK:
            return None
        number = (_unmix(head) - self.key) & _MASK
        return number if self.text(number) == text else None


def largest_remainder(shares: Sequence[float], total: int) -> tuple[int, ...]:
    """Whole counts in the proportion of ``shares`` that add up to ``total`` exactly."""
    whole = sum(shares)
    quotas = [total * share / whole for share in shares]
    counts = [int(quota) for quota in quotas]
    by_rest = sorted(range(len(quotas)), key=lambda at: (counts[at] - quotas[at], at))
    for at in by_rest[: total - sum(counts)]:
        counts[at] += 1
    return tuple(counts)
