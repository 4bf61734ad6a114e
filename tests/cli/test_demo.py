"""``demo``: the main job."""

from __future__ import annotations

import re
import resource
from decimal import Decimal

import pytest

from brex_accounting import BrexError
from brex_accounting.cli.demo import check, only_loopback
from brex_accounting.cli.totals import Totals
from brex_accounting.sandbox import Sandbox, make_seed

from .conftest import Shell


async def test_the_demo_prints_what_the_records_add_up_to(shell: Shell) -> None:
    """Counts and sums printed are those of the seed, retries happened, and every ready record was reported."""
    ended = await shell("demo", "--records", "1500")
    assert ended.code == 0, ended.err
    seed, own = make_seed("lifelike", records=1500), Totals()
    for index in range(1500):
        own.add(seed.record(index))
    for (kind, currency), sums in own.sides.items():
        assert re.search(rf"^{kind} +{currency} +{sums['DEBIT']:f} +{sums['CREDIT']:f} *$", ended.out, re.MULTILINE)
    ready = sum(count for (_, status), count in own.by_kind.items() if status == "READY_FOR_EXPORT")
    *_, first, second, third = ended.lines
    assert re.fullmatch(r"1500 records in 15 pages, \d+ requests of which [1-9]\d* retries\.", first)
    assert second.startswith("every record balances")
    assert third == f"{ready} records reported as exported and read back as EXPORTED."


async def test_the_demo_ignores_the_environment(shell: Shell) -> None:
    """A real token and host in the environment are neither used nor needed, nor is a proxy."""
    proxy = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    shell.environment |= proxy | {"BREX_TOKEN": "bxt_real", "BREX_BASE_URL": "https://127.0.0.1:9"}
    ended = await shell("demo", "--records", "50")
    assert ended.code == 0, ended.err


def test_totals_are_exact() -> None:
    """Sums keep every digit where Decimal's default context would round."""
    totals, seed = Totals(), make_seed("awkward", records=60)
    for index in range(60):
        totals.add(seed.record(index))
    tail = sum(1 for sums in totals.sides.values() for one in sums.values() if one != one.quantize(Decimal(1)))
    assert tail > 0
    assert all(sums["DEBIT"] == sums["CREDIT"] for sums in totals.sides.values())


@pytest.mark.parametrize("lie", ["a record less", "a cent more", "not exported"])
async def test_the_demo_checks_itself(lie: str) -> None:
    """A sandbox that differs from what was streamed or reported ends the demo with an error."""
    async with Sandbox(records=60) as sandbox:
        totals = Totals()
        for record in sandbox.brex.records():
            totals.add(record)
        check(sandbox, totals, ["accr_1"], 1)
        if lie == "a record less":
            totals.records -= 1
        if lie == "a cent more":
            sums = next(iter(totals.sides.values()))
            sums["DEBIT"] += Decimal("0.01")
        with pytest.raises(BrexError, match=r"differ|read back"):
            check(sandbox, totals, ["accr_1"], 0 if lie == "not exported" else 1)


@pytest.mark.parametrize("url", ["http://example.invalid:80", "http://10.0.0.1:8000"])
def test_the_demo_reaches_no_other_host(url: str) -> None:
    """A base URL that is not loopback ends the demo."""
    with pytest.raises(BrexError, match="this machine only"):
        only_loopback(url)


@pytest.mark.slow
async def test_ten_times_the_records_need_hardly_more_memory(shell: Shell) -> None:
    """The largest of 3,000 and 30,000 records differ by less than 24 MiB of resident memory."""
    await shell("demo", "--records", "3000")
    small = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    ended = await shell("demo", "--records", "30000")
    large = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert ended.code == 0
    assert large - small < 24 * 1024
