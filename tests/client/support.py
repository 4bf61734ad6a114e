"""What the tests of the client share: options without long waits, and what the sandbox holds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

import brex_accounting
from brex_accounting import AccountingRecord, BrexAccounting, Page, RateLimit, RetryPolicy, to_json
from brex_accounting.sandbox import Sandbox, make_seed
from brex_accounting.sandbox.table import Wanted

__all__ = [
    "QUICK",
    "UNLIMITED",
    "client_of",
    "held",
    "held_states",
    "our_tasks",
    "page_json",
    "ready_ids",
    "wire_record",
]

QUICK = RetryPolicy(base=0.001, cap=0.01, throttle_base=0.005)
UNLIMITED = RateLimit(limit=10**9)


def client_of(sandbox: Sandbox, **options: Any) -> BrexAccounting:
    """A client of a sandbox, with its token unless another is given."""
    given = {"token": sandbox.token, "base_url": sandbox.url, "retry": QUICK, "rate_limit": UNLIMITED, **options}
    return BrexAccounting(**given)


def our_tasks() -> set[asyncio.Task[Any]]:
    """The tasks under way that run code of the package, a sandbox in this process aside."""
    package = Path(brex_accounting.__file__).parent
    codes = {task: getattr(task.get_coro(), "cr_code", None) for task in asyncio.all_tasks()}
    files = {task: Path(code.co_filename) for task, code in codes.items() if code is not None}
    return {
        task
        for task, file in files.items()
        if file.is_relative_to(package) and not file.is_relative_to(package / "sandbox")
    }


def held(sandbox: Sandbox) -> list[AccountingRecord]:
    """Every record of a sandbox as it stands, in the order of listing."""
    table = sandbox.brex.table
    return [table.record(row) for _, row in table.rows(Wanted())]


def held_states(sandbox: Sandbox) -> dict[str, tuple[str, int]]:
    """Status and version of every record."""
    return {record.id: (record.review_status, record.version) for record in held(sandbox)}


def ready_ids(sandbox: Sandbox) -> list[str]:
    """The records that can be reported."""
    return [record.id for record in held(sandbox) if record.review_status == "READY_FOR_EXPORT"]


def wire_record(number: int = 0, **changes: object) -> dict[str, Any]:
    """A lifelike record as plain JSON, with changes of names and values."""
    record = attrs.evolve(make_seed("lifelike", records=50).record(number), id=f"accr_{number}")
    plain: dict[str, Any] = json.loads(to_json(record))
    return {**plain, **changes}


def page_json(*records: Mapping[str, object], **changes: object) -> bytes:
    """A page of a list as bytes."""
    page: Page[AccountingRecord] = Page(items=(), has_next_page=False)
    plain = json.loads(to_json(page))
    return json.dumps({**plain, "items": list(records), **changes}).encode()
