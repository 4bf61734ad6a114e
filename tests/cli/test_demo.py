"""``demo``: the main job."""

from __future__ import annotations

import asyncio
import re
import signal
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from beancount.core.data import Transaction
from beancount.loader import load_file

from brex_accounting import BrexError, ExportSuccess
from brex_accounting.cli.crash import verdict
from brex_accounting.cli.due import Due
from brex_accounting.cli.local import local_brex, local_client, only_loopback, read_back
from brex_accounting.cli.story.scenes import must
from brex_accounting.posters.beancount.ledger import HEADER
from brex_accounting.testing.erp import Counts, Document, Draft
from brex_accounting.testing.erp.counting import count

from .conftest import Ended, Shell

SCENES = (
    *("A dry run", "One record", "The month", "Three that the books refuse", "One of them mended"),
    *("The books write, and their answer is lost", "A refund", "A reimbursement", "A bill", "Receipts"),
)


async def test_the_demo_tells_a_month(shell: Shell) -> None:
    """All scenes in their order; a ledger that Beancount takes, each record in it once, and no difference to Brex."""
    ended = await shell("demo", "--records", "400")
    assert ended.code == 0, ended.err
    titles = re.findall(r"^\d+\. (.*)$", ended.out, re.MULTILINE)
    assert [title for title, begin in zip(titles, SCENES, strict=True) if not title.startswith(begin)] == []
    for code in ("CLOSED_PERIOD: ", "ACCOUNT_INACTIVE: ", "FIELD_MISSING: "):
        assert re.search(rf"^   {code}", ended.out, re.MULTILINE)
    assert len(differences(ended)) > 20
    assert set(differences(ended)) == {"0.00"}
    ledger = shell.folder / "brex-demo.beancount"
    entries, errors, _ = load_file(str(ledger))
    assert errors == []
    keys = Counter(entry.meta["brex-key"] for entry in entries if isinstance(entry, Transaction))
    assert set(keys.values()) == {1}
    assert {"accr_demo_inactive.1", "accr_demo_lost.1"} <= keys.keys()
    assert not {"accr_demo_closed.1", "accr_demo_uncoded.1", "accr_demo_spent.1"} & keys.keys()
    assert left_behind(shell) == []


def differences(ended: Ended) -> list[str]:
    """The last column of the table of accounts."""
    table = ended.out.partition("\naccount ")[2].partition("\n\n")[0]
    return [line.split()[-1] for line in table.splitlines()[1:]]


async def test_a_quiet_demo_prints_the_totals_alone(shell: Shell) -> None:
    """No scene. It begins a new ledger where an earlier one lies, and uses no token, host or proxy that it finds."""
    proxy = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    shell.environment |= proxy | {"BREX_TOKEN": "bxt_real", "BREX_BASE_URL": "https://127.0.0.1:9"}
    (shell.folder / "brex-demo-receipts").mkdir()
    (shell.folder / "brex-demo-receipts" / "old.pdf").touch()
    (shell.folder / "brex-demo.beancount").write_bytes(HEADER + b"; something else\n")
    ended = await shell("demo", "--quiet", "--records", "400")
    assert ended.code == 0, ended.err
    assert re.search(r"^\d+\. ", ended.out, re.MULTILINE) is None
    assert set(differences(ended)) == {"0.00"}
    assert not (shell.folder / "brex-demo-receipts" / "old.pdf").exists()


async def test_a_ledger_of_somebody_else_is_left_alone(shell: Shell) -> None:
    """The demo ends with one line and changes nothing."""
    own = shell.folder / "brex-demo.beancount"
    own.write_text("2026-01-01 open Assets:Bank\n")
    ended = await shell("demo", "--records", "400")
    assert ended.code == 1
    assert "no demo wrote it" in ended.err
    assert own.read_text() == "2026-01-01 open Assets:Bank\n"


async def test_a_month_of_too_few_records_is_told(shell: Shell) -> None:
    """One clear line."""
    ended = await shell("demo", "--records", "3")
    assert (ended.code, ended.out) == (1, "")
    assert "please take more" in ended.err


def test_a_scene_that_goes_another_way_fails() -> None:
    """The demo does not show what did not happen."""
    with pytest.raises(BrexError, match="posted twice; please report this"):
        must(False, "it was posted twice")


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
