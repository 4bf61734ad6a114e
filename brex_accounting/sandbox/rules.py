"""Brex's rules, without HTTP: models in, models or a refusal out.

What Brex documents is followed, what it leaves open is decided the stricter way and marked ``guess``.

Source: Brex, Accounting API reference; rate limit, error and authentication guides.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import attrs

from ..companies.models import Company
from ..converters.pages import PageBody
from ..enums import ErrorCode, IntegrationStatus, LineItemType, ReviewStatus
from ..models import AccountingRecord, ExportResult, ExportSuccess, Integration
from .company import local_company
from .fields import LocalFields
from .reading import ListRequest, read_list, read_single_entry
from .refusal import Refused, dead_token, forbidden, invalid, no_credential, not_found
from .seeds import CompanySeed
from .table import Place, Table, Wanted, microseconds
from .webhooks import LocalWebhooks

__all__ = ["ALL_SCOPES", "LocalBrex", "Rules"]

INTEGRATION_WRITE = "accounting.integration.write"
RECORD_READ = "accounting.record.read"
RECORD_WRITE = "accounting.record.write"
FIELD_READ, FIELD_WRITE = "fields.read", "fields.write"
VALUE_READ, VALUE_WRITE = "field_values.read", "field_values.write"
COMPANY_READ = "companies.readonly"  # guess: the page of the operation names none
ALL_SCOPES = frozenset(
    {INTEGRATION_WRITE, RECORD_READ, RECORD_WRITE, FIELD_READ, FIELD_WRITE, VALUE_READ, VALUE_WRITE, COMPANY_READ}
)


@attrs.frozen(kw_only=True)
class Rules:
    """Switches. ``rate_limit`` requests in any ``rate_window`` seconds per token, None for no limit;
    ``retry_after``: whether a 429 says when to come back. OAuth's access tokens live for
    ``access_token_lifetime`` seconds, which ``send_expires_in`` tells or not."""

    default_window: timedelta = timedelta(hours=24)  # guess: narrow, as seen; the width is unknown
    rate_limit: int | None = 1000
    rate_window: float = 60.0
    retry_after: bool = False
    access_token_lifetime: float = 3600
    send_expires_in: bool = True
    after_failure: ReviewStatus = ReviewStatus.PREPARE  # guess: PREPARE or REVIEW, undocumented

    def __attrs_post_init__(self) -> None:
        # Switched over HTTP too, where anything may come.
        if self.rate_limit is not None and (type(self.rate_limit) is not int or self.rate_limit < 1):
            raise ValueError("rate_limit is a whole number of at least 1, or null for no limit")
        for name in ("rate_window", "access_token_lifetime"):
            seconds = getattr(self, name)
            if type(seconds) not in (int, float) or not 0 < seconds < 1e9:
                raise ValueError(f"{name} is a number of seconds above 0 and below 1e9")
        for name in ("retry_after", "send_expires_in"):
            if type(getattr(self, name)) is not bool:
                raise ValueError(f"{name} is true or false")


class LocalBrex:
    """One company's accounting data, behaving as Brex documents it. ``now`` is the server's clock."""

    def __init__(self, seed: CompanySeed, *, now: Callable[[], datetime], rules: Rules | None = None) -> None:
        self.table: Table = Table(seed)
        self.rules: Rules = rules or Rules()
        self.tokens: dict[str, frozenset[str]] = {}
        self.expiries: dict[str, datetime] = {}
        """When tokens die, for those that do. They are one client's: all count towards one limit."""
        self._now = now
        self._integrations: dict[str, Integration] = {}
        self.company: Company = local_company(seed.company_id)
        self.webhooks: LocalWebhooks = LocalWebhooks(company_id=self.company.id)
        self.fields: LocalFields = LocalFields(seed.codings(), now=now, is_active=self._is_active)
        self._seen: dict[str, deque[float]] = {}

    def now(self) -> datetime:
        """The server's clock."""
        return self._now()

    # Who may ask, and how often.

    def authorize(self, authorization: str | None, scopes: Sequence[str]) -> str:
        """The token of an Authorization header, if it is alive and has one of ``scopes``."""
        kind, _, token = (authorization or "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise no_credential()
        if token not in self.tokens:
            raise dead_token()
        if token in self.expiries and self._now() >= self.expiries[token]:
            raise dead_token("Expired token")
        if self.tokens[token].isdisjoint(scopes):
            raise forbidden(scopes[0])
        return token

    def admit(self, token: str) -> float | None:
        """None to let a request in, or the seconds after which its turn would come."""
        if self.rules.rate_limit is None:
            return None
        now = self._now().timestamp()
        seen = self._seen.setdefault("" if token in self.expiries else token, deque())
        while seen and seen[0] <= now - self.rules.rate_window:
            seen.popleft()
        if len(seen) >= self.rules.rate_limit:
            return seen[0] + self.rules.rate_window - now
        seen.append(now)
        return None

    # Integrations: at most one is active.

    def create_integration(self, vendor: str, vendor_account_id: str) -> Integration:
        """The active integration of the same two, or a new one when none is active."""
        active = self._active()
        if active is None:
            made = Integration(
                id=f"int_{len(self._integrations) + 1:012d}",
                vendor=vendor,
                vendor_account_id=vendor_account_id,
                status=IntegrationStatus.ACTIVE,
                created_at=self._now().replace(microsecond=0),
            )
            self._integrations[made.id] = made
            return made
        if active.vendor != vendor:
            raise _another_is_active(active, requested_vendor=vendor)
        if active.vendor_account_id != vendor_account_id:
            raise Refused(
                409,
                ErrorCode.VENDOR_ACCOUNT_ID_MISMATCH.value,
                "This vendor is connected under another vendor account.",
                {
                    "existing_integration_id": active.id,
                    "existing_vendor_account_id": active.vendor_account_id,
                    "requested_vendor_account_id": vendor_account_id,
                },
            )
        return active

    def disconnect_integration(self, integration_id: str) -> Integration:
        """Switch an active integration off."""
        found = self._integration(integration_id)
        if found.status != IntegrationStatus.ACTIVE:
            raise Refused(
                409,
                ErrorCode.INTEGRATION_NOT_ACTIVE.value,
                "Only an active integration can be disconnected.",
                {"integration_id": found.id, "current_status": found.status.value},
            )
        return self._set_status(found, IntegrationStatus.DISABLED)

    def reactivate_integration(self, integration_id: str) -> Integration:
        """Switch an integration on again, if none is active."""
        found = self._integration(integration_id)
        active = self._active()
        if active is not None:
            # guess: the same answer when it is the active one itself
            raise _another_is_active(active, requested_vendor=found.vendor)
        return self._set_status(found, IntegrationStatus.ACTIVE)

    def _active(self) -> Integration | None:
        active = (one for one in self._integrations.values() if one.status == IntegrationStatus.ACTIVE)
        return next(active, None)

    def _is_active(self, integration_id: str) -> bool | None:
        found = self._integrations.get(integration_id)
        return None if found is None else found.status == IntegrationStatus.ACTIVE

    def _integration(self, integration_id: str) -> Integration:
        found = self._integrations.get(integration_id)
        if found is None:
            raise not_found("integration")
        return found

    def _set_status(self, found: Integration, status: IntegrationStatus) -> Integration:
        changed = attrs.evolve(found, status=status)
        self._integrations[found.id] = changed
        return changed

    # Records.

    def records(self) -> Iterator[AccountingRecord]:
        """Every record as it stands, oldest update first, built one at a time."""
        for _, row in self.table.rows(Wanted()):
            yield self.table.record(row)

    def get_record(self, record_id: str, query: Sequence[tuple[str, str]] = ()) -> AccountingRecord:
        """One record."""
        single_entry = read_single_entry(query)
        row = self.table.row_of(record_id)
        if row is None:
            raise not_found("accounting record")
        return self._shown(self.table.record(row), single_entry)

    def list_records(self, query: Sequence[tuple[str, str]]) -> PageBody[AccountingRecord]:
        """One page, oldest update first."""
        request = read_list(query)
        wanted = self._wanted(request)
        bound_to = _digest(query)
        if request.cursor is None:
            places = self.table.rows(wanted)
        else:
            places = self.table.rows(wanted, _place(request.cursor, bound_to))
        page: list[Place] = []
        more = False
        for place in places:
            if len(page) == request.limit:
                more = True
                break
            page.append(place)
        return PageBody(
            items=tuple(self._shown(self.table.record(row), request.single_entry) for _, row in page),
            next_cursor=_cursor(page[-1], bound_to) if more else None,
            has_next_page=more,
            total_count=self.table.count(wanted),
        )

    def _wanted(self, request: ListRequest) -> Wanted:
        since = request.since
        if not request.is_windowed:
            # guess: with ids and review_status too
            since = microseconds(self._now() - self.rules.default_window)
        rows = None if request.ids is None else (self.table.row_of(one) for one in request.ids)
        return Wanted(
            rows=None if rows is None else frozenset(row for row in rows if row is not None),
            review_status=request.review_status,
            source_type=request.source_type,
            since=since,
            until=request.until,
        )

    def _shown(self, record: AccountingRecord, single_entry: bool) -> AccountingRecord:
        if not single_entry:
            return record
        # guess: the balancing side is left out; which side that is shows in the coding
        coded = tuple(line for line in record.line_items if line.coding)
        debits = tuple(line for line in record.line_items if line.type == LineItemType.DEBIT)
        return attrs.evolve(record, line_items=coded or debits)

    def report_export_results(self, results: Sequence[ExportResult]) -> tuple[str, ...]:
        """Move READY_FOR_EXPORT records on: all of them, or none and a refusal that names the offenders."""
        ids = [result.accounting_record_id for result in results]
        twice = sorted(one for one, count in Counter(ids).items() if count > 1)
        if twice:
            raise Refused(
                422,
                ErrorCode.DUPLICATE_ACCOUNTING_RECORD_IDS.value,
                "A record may be reported once per request.",
                {"duplicate_accounting_record_ids": twice},
            )
        rows = {one: self.table.row_of(one) for one in ids}
        unknown = [one for one, row in rows.items() if row is None]
        if unknown:
            raise Refused(
                404,
                ErrorCode.NOT_FOUND.value,
                "Some of the reported records do not exist.",
                {"not_found_export_entry_source_ids": unknown},
            )
        found = {one: row for one, row in rows.items() if row is not None}
        ready = ReviewStatus.READY_FOR_EXPORT
        late = [one for one, row in found.items() if self.table.review_status(row) != ready]
        if late:
            raise Refused(
                422,
                ErrorCode.ACCOUNTING_RECORD_NOT_READY_FOR_EXPORT.value,
                "Only READY_FOR_EXPORT records can be reported.",
                {"not_ready_for_export_accounting_record_ids": late},
            )
        for result in results:
            success = isinstance(result, ExportSuccess)
            status = ReviewStatus.EXPORTED if success else self.rules.after_failure
            self.table.change(found[result.accounting_record_id], status, self._now())
        return tuple(ids)

    # The customer.

    def export(self, record_ids: Iterable[str]) -> None:
        """What Export does: these records are READY_FOR_EXPORT, and one webhook tells of all of them."""
        self.review(record_ids, ReviewStatus.READY_FOR_EXPORT)

    def review(self, record_ids: Iterable[str], status: ReviewStatus) -> None:
        """Bring records to a review status: all of them, or none when there is one that is not known."""
        rows = {one: self.table.row_of(one) for one in record_ids}
        if None in rows.values():
            raise not_found("accounting record")
        for row in rows.values():
            if row is not None:
                self.table.change(row, status, self._now())
        if rows and status == ReviewStatus.READY_FOR_EXPORT:
            self.webhooks.ready(list(rows))


def _another_is_active(active: Integration, *, requested_vendor: str) -> Refused:
    return Refused(
        409,
        ErrorCode.ACTIVE_INTEGRATION_EXISTS.value,
        "Another integration is active.",
        {
            "existing_integration_id": active.id,
            "existing_vendor": active.vendor,
            "requested_vendor": requested_vendor,
        },
    )


def _digest(query: Sequence[tuple[str, str]]) -> str:
    # A cursor belongs to its filters; the page size may change.
    filters = sorted((key, value) for key, value in query if key not in ("cursor", "limit"))
    return hashlib.sha256(repr(filters).encode()).hexdigest()[:12]


def _cursor(place: Place, bound_to: str) -> str:
    return base64.urlsafe_b64encode(f"{place[0]}:{place[1]}:{bound_to}".encode()).decode()


def _place(cursor: str, bound_to: str) -> Place:
    try:
        time, row, of = base64.urlsafe_b64decode(cursor.encode()).decode().split(":")
        place = int(time), int(row)
    except ValueError:
        raise invalid("Invalid cursor") from None
    if of != bound_to:
        raise invalid("Invalid cursor: it belongs to another query")
    return place
