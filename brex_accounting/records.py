"""The client's verbs for accounting records. Each checks its arguments when it is called."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Never, TypeVar, overload

import attrs

from . import endpoints
from .converters.pages import OnBadRecord
from .converters.projection import Projection, project
from .converters.queries import MAX_IDS, Query, each_checked, period, record_filters
from .core import View
from .drifting import watch_drift
from .enums import ReviewStatus, SourceType
from .errors import BrexError, ConfigurationError
from .models import (
    ALL_TIME,
    AccountingRecord,
    BadRecord,
    ConfirmedReport,
    ExportReport,
    ExportResult,
    Page,
    UpdatedAt,
)
from .paging import PageIterator, RecordQuery, Source
from .prefetching import Peeked
from .reporting import MAX_RESULTS, Reporting
from .scanning import MOST_PARALLEL, Scan, Scanned
from .session.events import PageEvent
from .windows import ScanCheckpoint

__all__ = ["ManyRecords", "Records"]

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class _Standing:
    """How a record stands, and nothing else of it: what else it holds must not get in the way of a report."""

    id: str
    review_status: ReviewStatus


class Records:
    """Accounting records: reading them, and reporting what became of them.

    Source: Brex, Accounting API reference, "Accounting Records".
    """

    def __init__(self, view: View) -> None:
        self._view = view

    async def get(self, record_id: str, *, single_entry: bool | None = None) -> AccountingRecord:
        """One record. Raises ``NotFound`` when this company has no such record."""
        return await self._view.run(endpoints.get_record(record_id, single_entry=single_entry))

    @overload
    def list(
        self,
        *,
        ids: Iterable[str] | None = None,
        review_status: ReviewStatus | str | None = None,
        source_type: SourceType | str | None = None,
        updated_at: UpdatedAt | None = ALL_TIME,
        single_entry: bool | None = None,
        page_size: int = 100,
        max_items: int | None = None,
        prefetch: int = 0,
        on_bad_record: OnBadRecord = "raise",
        **unknown: Never,
    ) -> RecordQuery[AccountingRecord]: ...

    @overload
    def list(
        self,
        *,
        as_type: type[T],
        ids: Iterable[str] | None = None,
        review_status: ReviewStatus | str | None = None,
        source_type: SourceType | str | None = None,
        updated_at: UpdatedAt | None = ALL_TIME,
        single_entry: bool | None = None,
        page_size: int = 100,
        max_items: int | None = None,
        prefetch: int = 0,
        on_bad_record: OnBadRecord = "raise",
        **unknown: Never,
    ) -> RecordQuery[T]: ...

    def list(
        self,
        *,
        as_type: type[Any] = AccountingRecord,
        ids: Iterable[str] | None = None,
        review_status: ReviewStatus | str | None = None,
        source_type: SourceType | str | None = None,
        updated_at: UpdatedAt | None = ALL_TIME,
        single_entry: bool | None = None,
        page_size: int = 100,
        max_items: int | None = None,
        prefetch: int = 0,
        on_bad_record: OnBadRecord = "raise",
        **unknown: Never,
    ) -> RecordQuery[Any]:
        """A list of records, read page by page when it is iterated or awaited.

        ``updated_at``: a window; the default sends one that holds everything, because without any Brex
        silently leaves history out. None sends none.
        ``review_status`` works for cards and reimbursements only, so not with ``source_type="BILL"``.
        ``ids``: at most 500; see ``get_many``.
        ``prefetch``: 1 asks for the next page while you work on this one. An error of that page waits
        until you get there; leaving early costs at most the one request.
        ``on_bad_record``: what happens to a record that cannot be decoded: "raise" (a ``DecodeError``
        for its page), "skip" (logged and told to observers), or a function that is given a ``BadRecord``.
        ``as_type``: an attrs class of your own with some of a record's fields, under the same names; types
        may be wider (``str`` for an enum), nested classes your own as well. Only those fields are decoded,
        several times faster than whole records, and your class is made by its own initializer; what that
        raises comes out of the iteration. A field with a converter is given what a record holds there.

        Raises ``ConfigurationError`` at once for wrong arguments.
        """
        if unknown:
            raise ConfigurationError(f"unknown filter {', '.join(sorted(unknown))}; see help(brex.records.list)")
        _check_handler(on_bad_record)
        filters = record_filters(
            ids=ids,
            review_status=review_status,
            source_type=source_type,
            updated_at=updated_at,
            single_entry=single_entry,
        )
        source = self._source(filters, on_bad_record, project(as_type))
        return RecordQuery(source, page_size=page_size, max_items=max_items, prefetch=prefetch)

    @overload
    def scan(
        self,
        updated_at: UpdatedAt,
        *,
        parallel: int = 8,
        review_status: ReviewStatus | str | None = None,
        source_type: SourceType | str | None = None,
        single_entry: bool | None = None,
        page_size: int = 100,
        on_bad_record: OnBadRecord = "raise",
        resume_from: ScanCheckpoint | None = None,
    ) -> Scan[AccountingRecord]: ...

    @overload
    def scan(
        self,
        updated_at: UpdatedAt,
        *,
        as_type: type[T],
        parallel: int = 8,
        review_status: ReviewStatus | str | None = None,
        source_type: SourceType | str | None = None,
        single_entry: bool | None = None,
        page_size: int = 100,
        on_bad_record: OnBadRecord = "raise",
        resume_from: ScanCheckpoint | None = None,
    ) -> Scan[T]: ...

    def scan(
        self,
        updated_at: UpdatedAt,
        *,
        as_type: type[Any] = AccountingRecord,
        parallel: int = 8,
        review_status: ReviewStatus | str | None = None,
        source_type: SourceType | str | None = None,
        single_entry: bool | None = None,
        page_size: int = 100,
        on_bad_record: OnBadRecord = "raise",
        resume_from: ScanCheckpoint | None = None,
    ) -> Scan[Any]:
        """Everything updated within a time, read in up to ``parallel`` (at most 64) windows of it at once.

            lt = await brex.server_now()
            async with brex.records.scan(UpdatedAt(gte=date(2026, 1, 1), lt=lt)) as pages:
                async for page in pages: ...

        Pages come in no order, each record version once. Both ends of ``updated_at`` are required, and
        ``lt`` must not lie ahead of Brex's time: a record that is edited meanwhile moves past it and
        belongs to the next scan. The windows follow how densely the records lie; where they lie much
        denser than thought, some pages are read twice. All of it obeys the company's rate limit, so
        it gains where answers are slow, not where the limit is met.
        ``page.checkpoint`` is a ``ScanCheckpoint`` to resume from. ``as_type`` and the rest as for ``list``.

        Raises ``ConfigurationError`` for wrong arguments, ``CheckpointMismatch`` for another scan's checkpoint.
        """
        _check_handler(on_bad_record)
        if isinstance(parallel, bool) or not isinstance(parallel, int) or not 1 <= parallel <= MOST_PARALLEL:
            raise ConfigurationError(f"parallel must be a whole number from 1 to {MOST_PARALLEL}")
        begin, end = period(updated_at)
        projection = project(as_type, and_updated_at=True)
        filtered = partial(
            record_filters, review_status=review_status, source_type=source_type, single_entry=single_entry
        )

        def source(begin: datetime, end: datetime) -> Source[Any]:
            return self._source(filtered(updated_at=UpdatedAt(gte=begin, lt=end)), on_bad_record, projection)

        filters = source(begin, end).filters
        scanned = Scanned(source=source, updated_at=_updated_at, begin=begin, end=end, filters=filters)
        return Scan(scanned, scanned.start(page_size, resume_from), parallel=parallel)

    def get_many(self, ids: Iterable[str], *, chunk: int = 100) -> ManyRecords:
        """Records by id, any number of them, asked for ``chunk`` at a time (at most 500), in no order.

        Each id is asked for once. Ids that Brex does not return are in ``.missing`` afterwards.
        """
        if isinstance(chunk, bool) or not isinstance(chunk, int) or not 1 <= chunk <= MAX_IDS:
            raise ConfigurationError(f"chunk must be a whole number from 1 to {MAX_IDS}")
        wanted = tuple(dict.fromkeys(each_checked(ids)))
        return ManyRecords(self, wanted, chunk)

    async def report_export_results(
        self, results: Sequence[ExportResult], *, idempotency_key: str | None = None
    ) -> ExportReport:
        """Tell Brex what became of READY_FOR_EXPORT records: ``ExportSuccess`` or ``ExportFailure`` each.

        All or nothing, as far as Brex documents it. A success moves the record to EXPORTED; a failure
        goes back to the customer, who reads its ``error_message`` (plain ASCII is safest: Brex refuses
        other text in free-form fields).

        Raises ``DuplicateAccountingRecordIds``, ``RecordsNotReadyForExport`` or ``RecordsNotFound`` with
        the ids. An attempt without an answer is never repeated: its error has ``may_have_happened``.
        """
        call = endpoints.report_export_results(results, idempotency_key=idempotency_key)
        del results  # error reporters print local variables
        return await self._view.run(call)

    async def report_confirmed(
        self, results: Sequence[ExportResult], *, idempotency_key: str | None = None, chunk: int = MAX_RESULTS
    ) -> ConfirmedReport:
        """Report any number of results, ``chunk`` in a request (at most 100), and tell what became of each.

        When an answer is lost, or Brex refuses a request for some of its records, those records are read
        and sorted, and what still reads READY_FOR_EXPORT is sent again, three times at most. The same body
        goes out under the same Idempotency-Key; ``idempotency_key`` is that of the first request, later
        chunks add ``-2``, ``-3``. Whether Brex minds the key is unknown: nothing here depends on it.

        Raises ``ConfigurationError`` before anything is sent when a record is named twice, and any other
        error with what is settled already as ``confirmed``; report the results that are in none of its
        lists again.
        """
        reporting = Reporting(send=self._report, read=self._states)
        return await reporting.run(results, idempotency_key, chunk)

    async def _report(self, results: Sequence[ExportResult], key: str) -> ExportReport:
        return await self.report_export_results(results, idempotency_key=key)

    async def _states(self, ids: Sequence[str]) -> Mapping[str, ReviewStatus]:
        try:
            return {one.id: one.review_status async for one in self.list(as_type=_Standing, ids=ids)}
        except BrexError as error:
            error.checkpoint = None  # of a list that the caller never asked for
            raise

    def _source(self, filters: Query, on_bad_record: OnBadRecord, projection: Projection[T]) -> Source[T]:
        handler: OnBadRecord = self._skipped if on_bad_record == "skip" else on_bad_record
        fetch = partial(self._fetch, filters, handler, projection.wire)
        spawn = self._view.core.spawn
        return Source(fetch=fetch, identify=_id_and_version, filters=filters, show=projection.show, spawn=spawn)

    async def _fetch(
        self,
        filters: Query,
        on_bad_record: OnBadRecord,
        kind: type[Any],
        cursor: str | None,
        page_size: int,
        peeked: Peeked | None,
    ) -> Page[Any]:
        call = endpoints.list_records(
            filters, page_size=page_size, cursor=cursor, on_bad_record=on_bad_record, peeked=peeked, kind=kind
        )
        manager = self._view.core.manager
        page = await self._view.run(call)
        told = PageEvent(call=call.name, key=self._view.key, items=len(page.items), has_next_page=page.has_next_page)
        manager.tell(told)
        watch_drift(self._view.core, page, call.name)
        return page

    def _skipped(self, bad: BadRecord) -> None:
        core = self._view.core
        core.log.warning("left out record %s: %s", bad.record_id or f"number {bad.index}", bad.problem)
        # Observers may print what they are given: the record itself stays out.
        core.manager.tell(attrs.evolve(bad, raw=b""))


class ManyRecords:
    """Records by id. Iterate it once; ``missing`` is known when the iteration has ended."""

    def __init__(self, records: Records, ids: tuple[str, ...], chunk: int) -> None:
        self._records = records
        self._ids = ids
        self._chunk = chunk
        self._missing: tuple[str, ...] | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """The ids that Brex did not return, in the order asked for."""
        if self._missing is None:
            raise ConfigurationError("what is missing is known when every record was iterated")
        return self._missing

    def __aiter__(self) -> AsyncIterator[AccountingRecord]:
        return self._iterate()

    async def _iterate(self) -> AsyncIterator[AccountingRecord]:
        found: set[str] = set()
        for start in range(0, len(self._ids), self._chunk):
            some = self._ids[start : start + self._chunk]
            pages = self._records.list(ids=some, page_size=self._chunk).pages()
            while (page := await _next_page(pages)) is not None:
                found.update(record.id for record in page.items)
                for record in page.items:
                    yield record
        self._missing = tuple(one for one in self._ids if one not in found)


async def _next_page(pages: PageIterator[AccountingRecord]) -> Page[AccountingRecord] | None:
    try:
        return await anext(pages, None)
    except BrexError as error:
        # That of one chunk, which nobody could resume from.
        error.checkpoint = None
        raise


def _check_handler(on_bad_record: OnBadRecord) -> None:
    if not callable(on_bad_record) and on_bad_record not in ("raise", "skip"):
        raise ConfigurationError('on_bad_record is "raise", "skip" or a function')
    if inspect.iscoroutinefunction(on_bad_record):
        raise ConfigurationError("on_bad_record takes a plain function: an async one would never be awaited")


def _updated_at(record: Any) -> datetime:
    # A record, or a projection that was given it.
    moment: datetime = record.updated_at
    return moment


def _id_and_version(record: Any) -> tuple[str, int]:
    # A record, or a projection that was given both.
    return record.id, record.version
