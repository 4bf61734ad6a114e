"""The promise with two workers on a real PostgreSQL, while one of them dies. The ERP knows no doubles, and counts."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

from .conftest import control
from .town import town


async def test_a_worker_is_killed_at_a_third(dsn: str, tmp_path: Path) -> None:
    """Right after a post, before that was written down: the other one finishes all, and nothing is there twice."""
    async with town(dsn, tmp_path, companies=10) as there:
        doomed = await there.worker(kill_at=9)
        await there.worker()
        await there.until(lambda: doomed.returncode == -signal.SIGKILL)
        await there.until(there.exported)
        verdict = await there.verdict()
        assert (verdict.lost, verdict.doubled, verdict.unconfirmed) == (0, 0, 0)


async def test_a_quiet_queue_is_redelivered(dsn: str, tmp_path: Path) -> None:
    """The only worker dies; another one, begun later, ends its polls although no company is due for an hour."""
    async with town(dsn, tmp_path, companies=3) as there:
        doomed = await there.worker(kill_at=2, polls=1)
        await there.until(lambda: doomed.returncode == -signal.SIGKILL)
        assert not there.exported()
        await there.worker()
        await there.until(there.exported)
        verdict = await there.verdict()
        assert (verdict.lost, verdict.doubled, verdict.unconfirmed) == (0, 0, 0)


async def test_a_poison_company_holds_nobody_up(dsn: str, tmp_path: Path) -> None:
    """The others come to their end, it is listed with a reason that is not its text, and is tried again later."""
    async with town(dsn, tmp_path, companies=6) as there:
        poison = min(there.due)
        await there.worker(poison=poison, polls=1)
        await there.until(lambda: there.exported(without=poison))
        status = await there.status_when(lambda status: len(status.failing) == 1 and not status.running)
        verdict = await there.verdict(without=poison)
        assert [(one.company_id, one.last_error) for one in status.failing] == [(poison, "RuntimeError")]
        assert (verdict.lost, verdict.doubled) == (0, 0)


async def test_sigterm_drains(dsn: str, tmp_path: Path) -> None:
    """A worker that is told to go ends with 0, leaves no poll running, and the next one ends what is left."""
    async with town(dsn, tmp_path, companies=6) as there:
        leaving = await there.worker(polls=1)
        await there.status_when(lambda status: any(one.running for one in status.companies))
        leaving.send_signal(signal.SIGTERM)
        assert await leaving.wait() == 0
        assert (await there.fleet.status()).running == 0
        await there.worker()
        await there.until(there.exported)
        verdict = await there.verdict()
        assert (verdict.lost, verdict.doubled) == (0, 0)


async def test_the_loss_of_the_database_is_outlived(own_server: Any, tmp_path: Path) -> None:
    """Stopped at once while polls run, and back after two seconds: the same worker goes on and ends them all."""
    async with town(own_server.get_uri(), tmp_path, companies=8) as there:
        worker = await there.worker(polls=2)
        await there.status_when(lambda status: any(one.ended_at for one in status.companies))
        await asyncio.to_thread(control, own_server, "stop", "-m", "immediate")
        await asyncio.sleep(2)
        await asyncio.to_thread(control, own_server, "start")
        await there.until(there.exported)
        verdict = await there.verdict()
        assert worker.returncode is None
        assert (verdict.lost, verdict.doubled, verdict.unconfirmed) == (0, 0, 0)
