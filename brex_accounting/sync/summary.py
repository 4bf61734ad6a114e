"""What one run did, in numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final, TypeAlias

import attrs

from ..session.clock import Clock
from .exports import Judgement, Pause, Verdict
from .poster import NotNow, Outcome, Posted, Rejected, Skipped

__all__ = ["Summary", "Tally", "Watcher"]


@attrs.frozen(kw_only=True)
class Summary:
    """What a run of ``ExportSync`` did.

    ``read``: copies of records that Brex returned; ``unreadable``: those that could not be decoded, which are
    logged and read again by the next run. Of what was read, ``discovered`` are to be posted: new records, new
    contents (``amended``), and records that are ready again; ``held`` are changes to what Brex counts as
    exported, ``out_of_scope`` is dated before the books begin, ``withdrawn`` was taken back in time.
    ``not_now``: posts that the books put off. ``unconfirmed``: parked for a person. ``reported`` and
    ``reported_failed``: successes and failures that Brex took; ``unreported``: those it did not.
    ``attached``: documents that got their receipts.

    ``open``: posts and reports in the store whose outcome nobody knows yet, of this run and of other
    workers. They are settled when their lease has ended. ``paused``: why nothing more is posted.
    ``reading``, ``posting``, ``reporting`` and ``attaching`` are seconds.
    """

    read: int = 0
    unreadable: int = 0
    discovered: int = 0
    amended: int = 0
    held: int = 0
    out_of_scope: int = 0
    withdrawn: int = 0
    posted: int = 0
    rejected: int = 0
    skipped: int = 0
    not_now: int = 0
    unconfirmed: int = 0
    reported: int = 0
    reported_failed: int = 0
    unreported: int = 0
    attached: int = 0
    open: int = 0
    paused: Pause | None = None
    reading: float = 0.0
    posting: float = 0.0
    reporting: float = 0.0
    attaching: float = 0.0


Watcher: TypeAlias = Callable[[Summary], None]
"""Called with the numbers so far whenever they changed, on the event loop: return quickly."""

_OF_VERDICT: Final[Mapping[Verdict, tuple[str, ...]]] = MappingProxyType(
    {
        Verdict.NEW: ("discovered",),
        Verdict.NEW_ATTEMPT: ("discovered",),
        Verdict.AMENDED: ("discovered", "amended"),
        Verdict.EXCEPTION: ("held",),
        Verdict.OUT_OF_SCOPE: ("out_of_scope",),
        Verdict.WITHDRAWN: ("withdrawn",),
    }
)
_OF_OUTCOME: Final[Mapping[type[Outcome], str]] = MappingProxyType(
    {Posted: "posted", Rejected: "rejected", Skipped: "skipped", NotNow: "not_now"}
)


class Tally:
    """Counts up to a ``Summary``, and tells it to the watcher."""

    def __init__(self, clock: Clock, watcher: Watcher | None = None) -> None:
        self._clock = clock
        self._watcher = watcher
        self._so_far = Summary()

    def add(self, **numbers: float) -> None:
        """So much more of these fields of ``Summary``."""
        more = {name: getattr(self._so_far, name) + number for name, number in numbers.items() if number}
        if more:
            self._so_far = attrs.evolve(self._so_far, **more)
            if self._watcher is not None:
                self._watcher(self._so_far)

    def judged(self, judgements: Iterable[Judgement]) -> None:
        """Copies were judged."""
        counts: dict[str, int] = {}
        for judgement in judgements:
            for name in _OF_VERDICT.get(judgement.verdict, ()):
                counts[name] = counts.get(name, 0) + 1
        self.add(**counts)

    def came_to(self, outcome: Outcome) -> None:
        """A post ended."""
        self.add(**{_OF_OUTCOME[type(outcome)]: 1})

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        """Add the seconds of a block to a field."""
        began = self._clock.monotonic()
        try:
            yield
        finally:
            self.add(**{name: self._clock.monotonic() - began})

    def summary(self, *, open: int, paused: Pause | None) -> Summary:  # noqa: A002 - the field's name
        """The sum."""
        return attrs.evolve(self._so_far, open=open, paused=paused)
