"""Reporting export results until it is known what became of each: send, read what is not clear, send the rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeAlias
from uuid import uuid4

import attrs

from .confirming import ROUNDS, Batch, Fate, chunks_of, confirmed, fates, wants_reading
from .converters.exports import checked_key, checked_results
from .enums import ReviewStatus
from .errors import BrexError, ConfigurationError
from .models import ConfirmedReport, ExportReport, ExportResult

__all__ = ["MAX_RESULTS", "Reporting"]

MAX_RESULTS: Final = 100
"""Results in one request at most; Brex documents no maximum."""

Send: TypeAlias = Callable[[Sequence[ExportResult], str], Awaitable[ExportReport]]
Read: TypeAlias = Callable[[Sequence[str]], Awaitable[Mapping[str, ReviewStatus]]]


@attrs.define(kw_only=True)
class Reporting:
    """One report on its way. ``send`` and ``read`` are the two requests it is made of."""

    send: Send
    read: Read
    settled: dict[str, Fate] = attrs.field(factory=dict, repr=False)

    async def run(self, results: Sequence[ExportResult], key: str | None, chunk: int) -> ConfirmedReport:
        """Everything settled. An error says in ``confirmed`` what is settled already, of all chunks."""
        results = _checked(results, key, chunk)
        for number, some in enumerate(chunks_of(results, chunk), start=1):
            try:
                await self._settle(Batch(results=some, key=_key(key, number)))
            except BrexError as error:
                error.confirmed = confirmed(results, self.settled)
                raise
        return confirmed(results, self.settled)

    async def _settle(self, batch: Batch) -> None:
        problem: BrexError | None = None
        for _ in range(ROUNDS):
            try:
                problem = await self._sent(batch)
                batch = batch if problem is None else batch.after(problem)
                await self._sort(batch)
            except BrexError as error:
                # Whatever stopped us now: an earlier try may still have been processed.
                error.may_have_happened = error.may_have_happened or batch.ambiguous
                raise
            batch = batch.without(self.settled, str(uuid4()))
            if not batch.results:
                return
        last = problem or _never_named(len(batch.results))
        last.may_have_happened = batch.ambiguous
        raise last

    async def _sent(self, batch: Batch) -> BrexError | None:
        try:
            report = await self.send(batch.results, batch.key)
        except BrexError as error:
            if not wants_reading(error):
                raise
            return error
        sent = {one.accounting_record_id for one in batch.results}
        self.settled.update((one, Fate.UPDATED) for one in report.updated if one in sent)
        return None

    async def _sort(self, batch: Batch) -> None:
        unclear = [one for one in batch.results if one.accounting_record_id not in self.settled]
        if unclear:
            found = await self.read([one.accounting_record_id for one in unclear])
            self.settled.update(fates(unclear, found, ambiguous=batch.ambiguous))


def _checked(results: Sequence[ExportResult], key: str | None, chunk: int) -> tuple[ExportResult, ...]:
    if isinstance(chunk, bool) or not isinstance(chunk, int) or not 1 <= chunk <= MAX_RESULTS:
        raise ConfigurationError(f"chunk must be a whole number from 1 to {MAX_RESULTS}")
    if key is not None:
        checked_key(key)
    every = checked_results(results)
    first: dict[str, int] = {}
    for index, one in enumerate(every):
        if first.setdefault(one.accounting_record_id, index) != index:
            raise ConfigurationError(f"results[{first[one.accounting_record_id]}] and [{index}] are of the same record")
    return every


def _key(given: str | None, number: int) -> str:
    if given is None:
        return str(uuid4())
    # Another chunk is another body.
    return given if number == 1 else f"{given}-{number}"


def _never_named(count: int) -> BrexError:
    return BrexError(
        f"the report was answered without naming {count} of its records, which still read READY_FOR_EXPORT; "
        "they are in no list of .confirmed: report them again"
    )
