"""Records, copies and exports for the tests of the durable export."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs

from brex_accounting import AccountingRecord, from_json, to_json
from brex_accounting.sync.exports import Copy, Export
from brex_accounting.sync.keys import export_key
from brex_accounting.sync.plan import copy_of
from brex_accounting.sync.states import State

from ..documents import encoded, record

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
POST_FROM = date(2026, 6, 1)


def minutes(count: float) -> datetime:
    return NOON + timedelta(minutes=count)


def made(**changes: Any) -> AccountingRecord:
    return from_json(encoded(record(review_status="READY_FOR_EXPORT") | changes), AccountingRecord)


def seen(read_at: datetime = NOON, **changes: Any) -> Copy:
    one = made(**changes)
    return copy_of(one, to_json(one), read_at=read_at)


def export_of(copy: Copy, state: State, revision: int = 1, **changes: Any) -> Export:
    """What a store holds of a copy, an hour after it was read."""
    shared = {
        field.name: getattr(copy, field.name)
        for field in attrs.fields(Copy)
        if field.name in {one.name for one in attrs.fields(Export)}
    }
    has_document = state in (State.POSTED, State.REPORTED)
    plain: dict[str, Any] = {
        "order": revision,
        "revision": revision,
        "key": export_key(copy.record_id, revision),
        "state": state,
        "reference_id": "JE-1" if has_document else None,
        "changed_at": copy.read_at + timedelta(hours=1),
    }
    return Export(**(shared | plain | changes))
