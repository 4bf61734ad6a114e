"""Documents that a chart can book, and books kept by one over a world."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from brex_accounting.posters.chart import Chart
from brex_accounting.posters.csv import CsvPoster
from brex_accounting.posters.entries import Entry

from ..posters.charts import chart
from ..sync.world import World
from ..unit.documents import line, money

CHART = chart()
JUNE = "2026-06-11T12:00:00Z"


def values(**chosen: str | None) -> list[dict[str, Any]]:
    """Field values by the ids of the books; None is an entry without a value."""
    return [
        {
            "brex_field_id": f"ef_{field}",
            "remote_field_id": field,
            "brex_field_value_id": f"efo_{value}" if value else None,
            "remote_field_value_id": value,
            "field_value_name": value,
        }
        for field, value in chosen.items()
    ]


def content(*amounts: str, currency: str = "USD", **chosen: str | None) -> dict[str, Any]:
    """Amount and lines of an expense: a coded line for each amount, and one that balances them."""
    coding = {"GL_ACCOUNT": "6100", "DEPARTMENT": "D01", "ENTITY": "LWI"} | chosen
    parts = [Decimal(amount) for amount in amounts or ("10.00",)]
    total = money(sum(parts), currency)
    lines = [
        line(id=f"accrli_{at}", amount=money(part, currency), accounting_field_values=values(**coding))
        for at, part in enumerate(parts, 1)
    ]
    bare = line(id="accrli_0", type="CREDIT", amount=total, accounting_field_values=[])
    return {"amount": total, "line_items": [*lines, bare], "erp_posting_date": JUNE}


def bill(*amounts: str, **changes: Any) -> dict[str, Any]:
    """The same as a bill."""
    kind = {"source_type": "BILL", "type": "BILL_EXPENSE", "review_status": "PREPARE", "status": "APPROVED"}
    return content(*amounts) | kind | changes


def payment(amount: str, **changes: Any) -> dict[str, Any]:
    """What pays a bill: it names its entity and no account."""
    lines = [
        line(id=f"accrli_{side}", type=side, amount=money(Decimal(amount)), accounting_field_values=coding)
        for side, coding in (("DEBIT", values(ENTITY="LWI")), ("CREDIT", []))
    ]
    kind = {"source_type": "BILL", "type": "BILL_EXPENSE_PAYMENT", "review_status": "PREPARE", "status": "SETTLED"}
    return {"amount": money(Decimal(amount)), "line_items": lines, "erp_posting_date": JUNE} | kind | changes


def journal(world: World, books: Chart = CHART) -> CsvPoster:
    """The books of a world, as they are opened anew."""
    return CsvPoster(world.path / "journal.csv", books)


async def keys(world: World) -> list[str]:
    """What stands in the books, in the order written."""
    return [str(entry.key) for entry in await entries(world)]


async def entries(world: World) -> tuple[Entry, ...]:
    """The entries of the books."""
    return await journal(world).entries()
