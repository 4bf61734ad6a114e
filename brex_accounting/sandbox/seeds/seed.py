"""The data of the local Brex: any record of a month by its number, made when it is asked for.

A seed holds no records. Record ``n`` is a pure function of (profile, seed, records, n), the same in
every process and on every Python, so two hundred thousand of them cost no memory and a failing test
can name the one it met.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final, Literal, Protocol, get_args

import attrs

from ...models import AccountingFieldValue, AccountingRecord
from .awkward import AwkwardSeed
from .bookings import Header
from .draws import mix
from .lifelike import LifelikeSeed

__all__ = ["PROFILES", "CompanySeed", "Header", "Profile", "Seed", "make_seed"]

Profile = Literal["lifelike", "awkward", "mixed"]
"""``lifelike`` has a month end's proportions, ``awkward`` what breaks careless readers, ``mixed`` one
awkward record in ten."""

PROFILES: Final[tuple[Profile, ...]] = get_args(Profile)

_EVERY = 10


class Seed(Protocol):
    """Records by number, without keeping any."""

    def __len__(self) -> int: ...

    def header(self, index: int) -> Header:
        """What listing needs of a record, cheaply."""
        ...

    def record(self, index: int) -> AccountingRecord:
        """The whole record; it agrees with its header."""
        ...

    def record_id(self, index: int) -> str:
        """The id of a record."""
        ...

    def index_of(self, record_id: str) -> int | None:
        """The index behind an id, or None for any text that is not one."""
        ...


class CompanySeed(Seed, Protocol):
    """Records of one company, and what they can be coded with."""

    @property
    def company_id(self) -> str:
        """The company that the records belong to."""
        ...

    def codings(self) -> Iterator[AccountingFieldValue]:
        """Every entry that a line can carry, field by field."""
        ...


def make_seed(profile: Profile, *, records: int, seed: int = 7) -> CompanySeed:
    """The seed of a local Brex with ``records`` records."""
    if records < 0:
        raise ValueError(f"records must not be negative, got {records}")
    root = mix(mix(seed) + PROFILES.index(profile))
    if profile == "lifelike":
        return LifelikeSeed(records, root)
    if profile == "awkward":
        return AwkwardSeed(records, root)
    return _MixedSeed(LifelikeSeed(records - records // _EVERY, root), AwkwardSeed(records // _EVERY, root))


@attrs.frozen
class _MixedSeed:
    """Nine lifelike records, then an awkward one. Both seeds share a root, and so their id key."""

    lifelike: LifelikeSeed
    awkward: AwkwardSeed

    def __len__(self) -> int:
        return len(self.lifelike) + len(self.awkward)

    @property
    def company_id(self) -> str:
        return self.lifelike.company_id

    def codings(self) -> Iterator[AccountingFieldValue]:
        return chain(self.lifelike.codings(), self.awkward.codings())

    def header(self, index: int) -> Header:
        seed, at = self._behind(index)
        return seed.header(at)

    def record(self, index: int) -> AccountingRecord:
        seed, at = self._behind(index)
        return seed.record(at)

    def record_id(self, index: int) -> str:
        seed, at = self._behind(index)
        return seed.record_id(at)

    def index_of(self, record_id: str) -> int | None:
        if (at := self.lifelike.index_of(record_id)) is not None:
            return at + at // (_EVERY - 1)
        if (at := self.awkward.index_of(record_id)) is not None:
            return at * _EVERY + _EVERY - 1
        return None

    def _behind(self, index: int) -> tuple[Seed, int]:
        if not 0 <= index < len(self):
            raise IndexError(f"no record {index} among {len(self)}")
        tens, at = divmod(index, _EVERY)
        if at == _EVERY - 1:
            return self.awkward, tens
        return self.lifelike, tens * (_EVERY - 1) + at
