"""The benchmarks' own machinery: verdicts, tables, JSON, pictures, and a server that serves everything once."""

from __future__ import annotations

import asyncio
import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from benchmarks import export
from benchmarks.__main__ import BENCHMARKS, WITHOUT_TARGETS, measured
from benchmarks.beat import Heartbeat
from benchmarks.peers.clients import OPENERS, digits
from benchmarks.pictures import Bar, bars, draw, lines
from benchmarks.readme import readme
from benchmarks.report import (
    TARGETS,
    Figure,
    Machine,
    Result,
    Table,
    Target,
    Verdict,
    markdown,
    targets_table,
    text,
    to_json,
    under_brex,
)
from benchmarks.report import measured as worst_of
from benchmarks.sampling import Effort, in_turns, median_of, ratio
from benchmarks.server import SINCE, UNTIL, Cycle, Library, Served, facts_of, records_of, serving
from brex_accounting import AccountingRecord, from_json

LESS = Target(label="less", want="less", aim=1.5, fail_at=2)
MORE = Target(label="more", want="more", aim=10, fail_at=8)
WHERE = Machine(system="Linux x86_64", cores=2, python="CPython 3.11", packages={"msgspec": "0.22"})
Query = dict[str, str]


@pytest.mark.parametrize(
    ("target", "value", "verdict"),
    [
        (LESS, 1.0, Verdict.MET),
        (LESS, 1.5, Verdict.MET),
        (LESS, 1.51, Verdict.MISSED),
        (LESS, 2.0, Verdict.MISSED),
        (LESS, 2.01, Verdict.FAILED),
        (MORE, 11, Verdict.MET),
        (MORE, 10, Verdict.MET),
        (MORE, 9.9, Verdict.MISSED),
        (MORE, 8, Verdict.MISSED),
        (MORE, 7.9, Verdict.FAILED),
        (LESS, float("nan"), Verdict.FAILED),
        (MORE, float("nan"), Verdict.FAILED),
    ],
)
def test_verdicts(target: Target, value: float, verdict: Verdict) -> None:
    """A figure on a line is on its good side; one that is not a number has failed."""
    assert target.verdict(value) is verdict


@pytest.mark.parametrize("name", TARGETS)
def test_targets_are_ordered(name: str) -> None:
    """Nothing is aimed at beyond the line where it fails."""
    target = TARGETS[name]
    assert target.aim <= target.fail_at if target.want == "less" else target.aim >= target.fail_at


def figure(name: str, value: float) -> Figure:
    return Figure(name=name, value=value, lowest=value, highest=value, samples=3)


def result(*figures: Figure, name: str = "stream", data: Mapping[str, Any] | None = None) -> Result:
    table = Table(heads=("client", "records/s"), rows=(("ours", "5"), ("another", "1,234")), note="A note.")
    return Result(name=name, title="A title", table=table, figures=figures, missing=("x",), data=data or {})


@pytest.mark.parametrize(
    ("name", "value", "passes"),
    [
        ("prefetch", 1.71, True),
        ("prefetch", 1.69, False),
        ("prefetch", float("nan"), False),
        ("stall", 1.6, True),
        ("stall", 2.3, False),
        ("stall", float("nan"), False),
    ],
)
def test_what_the_gate_lets_pass(name: str, value: float, passes: bool) -> None:
    """What is on the good side of its fail line, or of the gate's own; the verdict in the table stays what it is."""
    assert figure(name, value).is_open is passes
    assert figure("stall", 1.6).verdict is Verdict.FAILED


def test_what_must_hold_each_time_is_judged_by_its_worst() -> None:
    """The lowest goodput and the highest growth are the figures."""
    assert worst_of("goodput", [98, 95, 99]).value == 95
    assert worst_of("memory/stream", [0.1, 3.0]).value == 3.0


def test_ratios_are_medians_of_medians() -> None:
    """Ratios are taken within rounds, then within processes; one slow process does not decide."""
    quiet, noisy = {"a": [2.0, 4.0, 60.0], "b": [1.0, 2.0, 3.0]}, {"a": [90.0, 90.0, 90.0], "b": [1.0, 1.0, 1.0]}
    found = ratio([quiet, noisy, quiet], "a", "b")
    assert (found.value, found.lowest, found.highest, found.samples) == (2.0, 2.0, 90.0, 9)
    assert median_of([quiet, noisy, quiet], "a") == 4.0


def test_rounds_that_somebody_sat_out_are_not_compared() -> None:
    """None is no sample, on either side."""
    assert ratio([{"a": [9.0, None, 8.0], "b": [3.0, 1.0, None]}], "a", "b").samples == 1


def test_turns_are_shuffled_alike_everywhere() -> None:
    """Everybody has a turn in each round, in changing orders that are the same in every process."""
    orders = [in_turns("abcd", number) for number in range(20)]
    assert all(sorted(order) == list("abcd") for order in orders)
    assert {order[0] for order in orders} == set("abcd")
    assert in_turns("abcd", 3) == orders[3]


def test_the_gate_measures_a_failure_once_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a gate a figure beyond its line is measured again with more samples, and that result counts."""
    efforts: list[Effort] = []

    def run(_: str, effort: Effort) -> Result:
        efforts.append(effort)
        return result(figure("prefetch", float(len(efforts))))

    monkeypatch.setattr("benchmarks.__main__.measure", run)
    (found,) = measured(["prefetch"], Effort(name="gate", processes=2, rounds=4, targets_only=True))
    assert [effort.processes for effort in efforts] == [2, 3]
    assert found.figures[0].value == 2.0
    assert measured(["prefetch"], Effort(name="gate", targets_only=True))[0].figures[0].value == 3.0
    assert "left out, because it is not installed: x" in capsys.readouterr().out


def test_tables() -> None:
    """The first column stands to the left, the others to the right, in a terminal and in a README."""
    table = result().table
    assert text(table).splitlines() == ["client   records/s", "ours             5", "another      1,234", "A note."]
    assert markdown(table).splitlines()[1:3] == ["|---|---:|", "| ours | 5 |"]
    (row,) = targets_table([figure("prefetch", 1.75)]).rows
    assert row == (TARGETS["prefetch"].label, "1.75 x", "1.75-1.75", "3", ">= 1.8 x", "1.7 x", "missed")


def test_brex_limit() -> None:
    """A fast client gives what 1,000 requests per 60 s allow and is idle for the rest; a slow one is busy."""
    assert under_brex(100_000, 100) == "1,667 (1.7%)"
    assert under_brex(500, 100) == "500 (100.0%)"


def test_the_json_document() -> None:
    """A document says where, what, the figures with their lines, and who was missing; and it is JSON."""
    document = json.loads(json.dumps(to_json([result(figure("prefetch", 1.75))], WHERE)))
    assert document["machine"]["python"] == "CPython 3.11"
    (one,) = document["results"]
    assert (one["name"], one["missing"], one["table"]["rows"][1]) == ("stream", ["x"], ["another", "1,234"])
    (held,) = one["figures"]
    assert {name: held[name] for name in ("value", "set", "fail_at", "verdict")} == {
        "value": 1.75,
        "set": 1.8,
        "fail_at": 1.7,
        "verdict": "missed",
    }


def test_bars() -> None:
    """Bars are as long as their values, named with markup escaped, and within the sheet."""
    svg = ET.fromstring(bars("T", "S", [Bar(label="a<b", value=2, role="ours"), Bar(label="c", value=4, note="n")]))
    drawn = [one for one in svg.iter() if one.get("rx")]
    widths = [float(one.get("width", 0)) for one in drawn]
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.01)
    words = [one.text for one in svg.iter() if one.tag.endswith("text")]
    assert {"a<b", "2 x", "4 x  n"} <= set(words)
    assert float(drawn[1].get("x", 0)) + widths[1] < float(svg.get("width", 0))


def test_lines() -> None:
    """Higher values lie higher, also logarithmically, and names at line ends keep their distance."""
    series = {"one": [(0, 10), (100, 20)], "two": [(0, 1000), (100, 21)]}
    svg = ET.fromstring(lines("T", "S", series, x="x", y="y", logarithmic=True, level=(100, "limit")))
    second, first = [one.get("points", "").split() for one in svg.iter() if one.tag.endswith("polyline")]
    heights = [float(point.partition(",")[2]) for point in (*first, *second)]
    assert heights[2] < heights[3] < heights[1] < heights[0]
    ends = [float(one.get("y", 0)) for one in svg.iter() if one.text in series]
    assert abs(ends[0] - ends[1]) >= 17


def test_the_page_of_results() -> None:
    """The README holds the targets, each table, who was missing, and a picture where one is drawn."""
    drawn = result(figure("stream/limit", 1.5), data={"against_ours": {"brex_accounting": 1.0, "x": 2.0}})
    page = readme([drawn, result(name="goodput")], WHERE)
    assert "| end to end, time against raw Protocol + Struct | 1.50 x |" in page
    assert page.count("| another | 1,234 |") == 2
    assert page.count("Left out, because it was not installed: x.") == 2
    assert "![A title](pictures/stream.svg)" in page
    assert "pictures/goodput.svg" not in page
    assert draw(result(name="goodput")) is None


def test_every_target_belongs_to_a_benchmark_of_the_gate() -> None:
    """No target is measured by nothing."""
    first = {"import": "import_time"}
    held = {first.get(name.partition("/")[0], name.partition("/")[0]) for name in TARGETS}
    assert held == set(BENCHMARKS) - WITHOUT_TARGETS


@pytest.mark.parametrize("books", export.BOOKS)
def test_an_export_is_measured(books: str) -> None:
    """Every record of the sandbox that it starts is due, posted and reported, or it raises."""
    found = export.sample(books, 40)
    assert found["posted"] > 30
    assert found["exporting"] >= found["reading"] + found["posting"] + found["reporting"]


def items(body: bytes) -> tuple[list[AccountingRecord], Any]:
    page = msgspec.json.decode(body)
    return [from_json(msgspec.json.encode(one), AccountingRecord) for one in page["items"]], page


@pytest.mark.parametrize("shelf", ["even", "uneven"])
@pytest.mark.parametrize("sides", [("gte", "lt"), ("gt", "lte")])
def test_windows_part_the_records(shelf: str, sides: tuple[str, str]) -> None:
    """Adjacent windows give each record once, in pages that end where they should."""
    lower, upper = sides
    library = Library.of(250)
    edges = [SINCE + (UNTIL - SINCE) * share for share in (0, 0.1, 0.62, 0.625, 0.9, 1)]
    found: list[AccountingRecord] = []
    for since, until in pairwise(edges):
        query: Query = {
            "limit": "20",
            f"updated_at[{lower}]": since.isoformat(),
            f"updated_at[{upper}]": until.isoformat(),
        }
        while True:
            some, page = items(library.shelves[shelf].body(query, 0))
            assert all(since <= record.updated_at <= until for record in some)
            found += some
            assert page["has_next_page"] == (page["next_cursor"] is not None)
            if not page["has_next_page"]:
                break
            assert len(some) == 20
            query["cursor"] = page["next_cursor"]
    assert [record.id for record in found] == [record.id for record in records_of(250)]


def test_uneven_records_are_crowded() -> None:
    """Nine in ten were updated within one hundredth of the time, in order, each at a moment of its own."""
    moments = [record.updated_at for record in records_of(500, dense=True)]
    assert moments == sorted(set(moments))
    span = UNTIL - SINCE
    crowd = [moment for moment in moments if timedelta(0) <= moment - SINCE - 0.62 * span <= 0.01 * span]
    assert len(crowd) == pytest.approx(450, abs=2)


def test_a_cycle_is_as_long_as_asked() -> None:
    """Pages go on beyond the records, which come again in order."""
    cycle = Cycle([codec_bytes(number) for number in range(5)])
    seen, query = [], {"limit": "3"}
    for number in range(4):
        page = msgspec.json.decode(cycle.body(query, 4))
        seen += page["items"]
        assert page["has_next_page"] == (number < 3)
        query["cursor"] = page["next_cursor"]
    assert seen == [number % 5 for number in range(12)]


def codec_bytes(number: int) -> bytes:
    return str(number).encode()


@pytest.mark.parametrize("name", ["brex_accounting", "brex_accounting, prefetch=1", "raw Protocol + msgspec.Struct"])
def test_clients_read_everything_the_server_serves(served: Served, name: str) -> None:
    """Over a real connection ours and the limit get every record and every digit, with a latency and twice in a row."""

    async def read() -> list[str]:
        found: list[str] = []
        async with OPENERS[name](served.url("cycle", pages=4, milliseconds=1), 30) as walk:
            assert await walk(lambda page: found.extend(digits(page))) == 120
            assert await walk(len) == 120
        return found

    assert facts_of(asyncio.run(read()), 120) == served.facts


@pytest.fixture(scope="module")
def served() -> Any:
    """A server process with 120 records."""
    with serving(120) as running:
        assert Served.from_json(json.loads(json.dumps(running.to_json()))) == running
        yield running


async def test_the_heartbeat_sees_the_longest_turn() -> None:
    """A turn that works is longer than turns that wait."""

    async def turn(work: int) -> float:
        with Heartbeat() as beat:
            await asyncio.sleep(0.01)
            sum(range(work))
            await asyncio.sleep(0)
        return beat.longest

    idle, busy = await turn(0), await turn(3_000_000)
    assert busy > idle
