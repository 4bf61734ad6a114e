"""``demo``: the main job."""

from __future__ import annotations

import asyncio
import re
import resource
import signal
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from brex_accounting import BrexError, ExportSuccess
from brex_accounting.cli.crash import verdict
from brex_accounting.cli.demo import _kinds, _sides, check
from brex_accounting.cli.journal import Due
from brex_accounting.cli.local import local_brex, local_client, only_loopback, read_back
from brex_accounting.cli.totals import Totals
from brex_accounting.enums import ReviewStatus
from brex_accounting.sandbox import Sandbox, make_seed
from brex_accounting.testing.erp import Counts, Document, Draft
from brex_accounting.testing.erp.counting import count

from .conftest import Shell


async def test_the_demo_prints_what_the_records_add_up_to(shell: Shell) -> None:
    """Counts and sums printed are those of the seed, retries happened, and what was due was posted and reported."""
    ended = await shell("demo", "--records", "1500")
    assert ended.code == 0, ended.err
    seed, own, due = make_seed("lifelike", records=1500), Totals(), Due()
    for index in range(1500):
        own.add(seed.record(index))
        due.add(seed.record(index))
    for (kind, currency), sums in own.sides.items():
        assert re.search(rf"^{kind} +{currency} +{sums['DEBIT']:f} +{sums['CREDIT']:f} *$", ended.out, re.MULTILINE)
    *_, first, second, third, fourth = ended.lines
    assert re.fullmatch(r"1500 records in 15 pages, \d+ requests of which [1-9]\d* retries\.", first)
    assert second.startswith("every record balances")
    counts = f"{len(due.bills)} bills, and {len(due.ready)} that were ready."
    assert third == f"{len(due.ids)} posted into a journal, each once, to the last digit: {counts}"
    words = r"reported and read back as EXPORTED; lost answers that were settled on the way: [1-9]\d*\."
    assert re.fullmatch(rf"{len(due.ready)} {words}", fourth)
    assert left_behind(shell) == []


def left_behind(shell: Shell) -> list[str]:
    """Temporary files, and processes: ours share a folder for temporary files that is their own."""
    folder = shell.environment["TMPDIR"]
    processes = [
        path.parent.name
        for path in Path("/proc").glob("[0-9]*/environ")
        if f"TMPDIR={folder}".encode() in environment_of(path)
    ]
    return [*processes, *(path.name for path in Path(folder).iterdir())]


def environment_of(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\0")
    except OSError:  # it has ended, or is somebody else's
        return []


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are looked for in /proc")
async def test_a_killed_export_loses_and_doubles_nothing(shell: Shell) -> None:
    """``demo --crash`` kills the export, starts it again, counts 0 and 0, and leaves nothing behind."""
    ended = await shell("demo", "--crash", "--records", "250")
    assert ended.code == 0, ended.err
    killed, recovered, read_back, verdict = ended.lines
    numbers = re.fullmatch(
        r"killed with SIGKILL at post (\d+) of (\d+): the ERP held (\d+), the store knew of (\d+)\.", killed
    )
    assert numbers
    half, total, held, known = map(int, numbers.groups())
    assert known < half <= held < total
    assert recovered.startswith("started again, and recovered after ")
    assert re.match(r"\d+ records that were ready read back as EXPORTED", read_back)
    assert verdict == "lost 0, doubled 0."
    assert left_behind(shell) == []


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are looked for in /proc")
async def test_a_demo_that_is_ended_leaves_nothing_running(shell: Shell, how: signal.Signals, code: int) -> None:
    """In the middle of ``--crash``, with the ERP and the export running: both end, and the files are removed."""
    process = await shell.start("demo", "--crash", "--records", "3000")
    async with asyncio.timeout(60):
        while len(left_behind(shell)) < 4:  # three processes and a folder
            await asyncio.sleep(0.05)
        process.send_signal(how)
        _, err = await process.communicate()
        assert process.returncode == code
        assert b"Traceback" not in err
        while [one for one in left_behind(shell) if how is not signal.SIGKILL or one.isdigit()]:
            await asyncio.sleep(0.05)  # a killed demo cannot wait for them, nor remove its files


def test_the_verdict_counts() -> None:
    """One record without a document, or with two, fails the demonstration."""
    due = Due(ready=["accr_1", "accr_2"])
    assert verdict(books("accr_1", "accr_2"), due) == "lost 0, doubled 0."
    with pytest.raises(BrexError, match="lost 1, doubled 0"):
        verdict(books("accr_1"), due)
    with pytest.raises(BrexError, match=r"lost 0, doubled [1-9]"):
        verdict(books("accr_1", "accr_2", "accr_2"), due)


def books(*record_ids: str) -> Counts:
    """Documents of first revisions."""
    return count(
        Document(
            id=f"je_{number}",
            created_at=datetime(2026, 7, 1, tzinfo=UTC),
            draft=Draft(date=date(2026, 7, 1), lines=(), number=f"N{one}", record=one, revision=1),
        )
        for number, one in enumerate(record_ids)
    )


async def test_the_demo_ignores_the_environment(shell: Shell) -> None:
    """A real token and host in the environment are neither used nor needed, nor is a proxy."""
    proxy = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    shell.environment |= proxy | {"BREX_TOKEN": "bxt_real", "BREX_BASE_URL": "https://127.0.0.1:9"}
    ended = await shell("demo", "--records", "50")
    assert ended.code == 0, ended.err


@pytest.mark.parametrize("width", [64, 80, 200])
def test_no_amount_is_cut_on_a_narrow_terminal(width: int) -> None:
    """Types are shortened before an amount or a count is."""
    totals, seed = Totals(), make_seed("lifelike", records=400)
    for index in range(400):
        totals.add(seed.record(index))
    console = Console(width=width, file=StringIO())
    console.print(_kinds(totals))
    console.print(_sides(totals))
    shown = [line.split() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert ["all", *map(str, counts_of(totals))] in shown
    assert {tuple(line[1:]) for line in shown} >= {
        (currency, f"{sums['DEBIT']:f}", f"{sums['CREDIT']:f}") for (_, currency), sums in totals.sides.items()
    }


def counts_of(totals: Totals) -> list[int]:
    by_status: Counter[str] = Counter()
    for (_, status), count_ in totals.by_kind.items():
        by_status[status] += count_
    return [*(by_status[status] for status in ReviewStatus), totals.records]


def test_totals_are_exact() -> None:
    """Sums keep every digit where Decimal's default context would round."""
    totals, seed = Totals(), make_seed("awkward", records=60)
    for index in range(60):
        totals.add(seed.record(index))
    tail = sum(1 for sums in totals.sides.values() for one in sums.values() if one != one.quantize(Decimal(1)))
    assert tail > 0
    assert all(sums["DEBIT"] == sums["CREDIT"] for sums in totals.sides.values())


@pytest.mark.parametrize("lie", ["a record less", "a cent more"])
async def test_the_demo_checks_what_it_streamed(lie: str) -> None:
    """A sandbox that differs from what was streamed ends the demo with an error."""
    async with Sandbox(records=60) as sandbox:
        totals = Totals()
        for record in sandbox.brex.records():
            totals.add(record)
        check(sandbox, totals)
        if lie == "a record less":
            totals.records -= 1
        else:
            next(iter(totals.sides.values()))["DEBIT"] += Decimal("0.01")
        with pytest.raises(BrexError, match="differ"):
            check(sandbox, totals)


async def test_the_demo_checks_what_became_of_its_reports() -> None:
    """A record that was ready and does not read back as EXPORTED ends the demo with an error."""
    async with local_brex(60) as sandbox, local_client(sandbox.url, sandbox.token) as brex:
        ready = [record.id for record in sandbox.brex.records() if record.review_status == "READY_FOR_EXPORT"]
        with pytest.raises(BrexError, match=f"{len(ready)} reported records do not read back"):
            await read_back(brex, ready)
        sandbox.brex.report_export_results([ExportSuccess(accounting_record_id=one) for one in ready])
        assert await read_back(brex, ready) == len(ready) > 0


@pytest.mark.parametrize("url", ["http://example.invalid:80", "http://10.0.0.1:8000"])
def test_the_demo_reaches_no_other_host(url: str) -> None:
    """A base URL that is not loopback ends the demo."""
    with pytest.raises(BrexError, match="this machine only"):
        only_loopback(url)


@pytest.mark.slow
async def test_ten_times_the_records_need_hardly_more_memory(shell: Shell) -> None:
    """The largest of 1,500 and 15,000 records differ by less than 24 MiB of resident memory."""
    await shell("demo", "--records", "1500")
    small = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    ended = await shell("demo", "--records", "15000")
    large = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert ended.code == 0
    assert large - small < 24 * 1024
