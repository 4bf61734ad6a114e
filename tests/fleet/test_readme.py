"""README's way from one process to a fleet, its lines as printed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from datetime import date
from importlib import import_module
from pathlib import Path

import pytest

from brex_accounting import AccountingRecord, BrexAccounting
from brex_accounting.enums import ReviewStatus
from brex_accounting.sandbox import Sandbox
from brex_accounting.sync import ExportSync, SqliteStore

from ..test_readme import POSTER, REST

READY = ReviewStatus.READY_FOR_EXPORT
FIRST = date(2026, 1, 1)
"""As in README's books."""


def is_reported(record: AccountingRecord) -> bool:
    """What is dated before the books begin stays in the queue, and so do bills."""
    return record.accounting_date >= FIRST and record.source_type != "BILL"


async def test_one_process_becomes_a_fleet(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run with a file has left over, a fleet with the same poster exports, each once."""
    [books] = [text for kind, text in REST if kind == "python" and "my_erp" in text]
    [lines] = [text for kind, text in REST if kind == "console" and "fleet init" in text]
    install, database, *commands, run, status = [line.removeprefix("$ ") for line in lines.splitlines()]
    assert install == "pip install 'brex-accounting[cli,fleet]'"
    for name, text in (("books.py", books), ("my_erp.py", POSTER)):
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    async with Sandbox(records=60) as sandbox, BrexAccounting(sandbox.token, base_url=sandbox.url) as brex:
        company = (await brex.company()).id
        (tmp_path / "token").write_text(f"{sandbox.token}\n")
        queue = brex.records.list(review_status=READY)
        ready = [record.id async for record in queue if is_reported(record)]
        store, poster = SqliteStore("exports.db"), import_module("my_erp").MyPoster(company)
        async with ExportSync(brex, poster, store=store, post_from=FIRST, company=company) as sync:
            await sync.run_once(record_ids=ready[:1])
        worked = f"{run} & worker=$!\nread _\nkill $worker\nwait $worker"
        monkeypatch.setenv("COMPANY", company)
        monkeypatch.setenv("BREX_BASE_URL", sandbox.url)
        assert database.startswith("export BREX_FLEET_DATABASE=postgresql://")
        monkeypatch.setenv("BREX_FLEET_DATABASE", dsn)
        script = "\n".join(["set -e", *commands, worked, status])
        shell = await asyncio.create_subprocess_exec("bash", "-c", script, stdin=-1, stdout=-1, start_new_session=True)
        try:
            async with asyncio.timeout(120):
                while any(map(is_reported, await queue.collect())):
                    assert shell.returncode is None
                    await asyncio.sleep(0.2)
                out, _ = await shell.communicate(b"\n")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
    assert shell.returncode == 0
    assert "posted, not reported  0" in out.decode()
    posted = (tmp_path / "books.txt").read_text().split()
    assert len(posted) == len(set(posted))
    assert set(ready) <= set(posted)
