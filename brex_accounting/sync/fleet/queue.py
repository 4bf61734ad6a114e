"""The polls that wait or run, as Procrastinate keeps them: one job waits for a company, and it carries its id alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.tasks import Task

from .database import Connection, Database, translated
from .roster import Roster
from .schema import TABLE
from .spread import put_apart

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

__all__ = ["Queue"]

_NAME: Final = "brex_accounting.fleet"
_TASK: Final = "brex_accounting.poll"
_AT_A_TIME: Final = 200
_FIRST: Final = 5
"""What was cut short: somebody waits for the rest of it already."""
_URGENT: Final = 10


class Queue:
    """The queue of one worker's life, or of a caller who only adds to it. Methods raise ``StoreError``."""

    def __init__(
        self, database: Database, roster: Roster, poll: Callable[[str], Awaitable[None]] | None = None
    ) -> None:
        self._database = database
        self._roster = roster
        self._app = App(connector=PsycopgConnector())
        self._poll = poll
        self._task: Task[Any, Any, Any] = self._app.task(name=_TASK, queue=_NAME)(self._run)

    async def open(self) -> None:
        """Use the open database."""
        with translated():
            # Its rows are dictionaries in any case; the types know tuples alone.
            await self._app.open_async(cast("AsyncConnectionPool", self._database.pool))

    async def install(self) -> None:
        """Make what is missing of the queue's own tables and ours."""
        async with self._database.transaction() as connection:
            # Two who install at once would make the same types.
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('brex_accounting.fleet'))")
            found = await (await connection.execute("SELECT to_regclass('procrastinate_jobs') AS jobs")).fetchone()
            if found is not None and found["jobs"] is None:
                await connection.execute(self._app.schema_manager.get_schema())
            await connection.execute(TABLE)

    async def put_due(self) -> int:
        """Queue a poll for each company that is due; how many were due."""
        async with self._database.transaction() as connection:
            found = await connection.execute(
                """SELECT company_id, goes_first, now() AS now FROM brex_fleet_company WHERE due_at <= now()
                ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED""",
                (_AT_A_TIME,),
            )
            rows = await found.fetchall()
            for row in rows:
                await self._put(connection, row["company_id"], priority=_FIRST if row["goes_first"] else 0)
                await connection.execute(
                    """UPDATE brex_fleet_company SET queued_at = coalesce(queued_at, due_at), due_at = %s,
                    goes_first = false WHERE company_id = %s""",
                    (self._roster.turn_after(row["company_id"], row["now"]), row["company_id"]),
                )
        return len(rows)

    async def put_first(self, company_id: str) -> bool:
        """Queue a company's poll before all that are merely due; False: the fleet does not poll it."""
        async with self._database.transaction() as connection:
            found = await connection.execute(
                """UPDATE brex_fleet_company SET queued_at = coalesce(queued_at, now())
                WHERE company_id = %s AND due_at IS NOT NULL""",
                (company_id,),
            )
            if found.rowcount != 1:
                return False
            if not await self._put(connection, company_id, priority=_URGENT):
                await connection.execute(
                    """UPDATE procrastinate_jobs SET priority = greatest(priority, %s)
                    WHERE queueing_lock = %s AND status = 'todo'""",
                    (_URGENT, _lock(company_id)),
                )
        return True

    async def rescue(self, stale: timedelta) -> int:
        """Queue again what workers ran that gave no sign of life for so long, and what was lost; how many polls.

        A poll whose worker lost the database for a moment may have ended in the queue and not on the roster.
        """
        with translated():
            stalled = await self._app.job_manager.get_stalled_jobs(
                queue=_NAME, seconds_since_heartbeat=stale.total_seconds()
            )
        jobs = list(stalled)
        for job in jobs:
            await self._again(job)
        async with self._database.transaction() as connection:
            found = await connection.execute(
                """UPDATE brex_fleet_company SET due_at = least(due_at, now()), goes_first = true, queued_at = NULL,
                ended_at = CASE WHEN started_at IS NOT NULL THEN coalesce(ended_at, now()) END
                WHERE due_at IS NOT NULL AND (queued_at IS NOT NULL OR (started_at IS NOT NULL AND ended_at IS NULL))
                AND NOT EXISTS (SELECT FROM procrastinate_jobs
                    WHERE queueing_lock = %(prefix)s || company_id AND status = 'todo')
                AND NOT EXISTS (SELECT FROM procrastinate_jobs
                    WHERE lock = %(prefix)s || company_id AND status = 'doing')""",
                {"prefix": _lock("")},
            )
        return len(jobs) + found.rowcount

    async def work(self, *, name: str, concurrency: int, stale: timedelta, patience: float) -> None:
        """Run polls until the database goes, or until cancelled: those that run have ``patience`` seconds to end."""
        with translated():
            await self._app.run_worker_async(
                queues=[_NAME],
                name=name,
                concurrency=concurrency,
                install_signal_handlers=False,
                shutdown_graceful_timeout=patience,
                delete_jobs="always",
                update_heartbeat_interval=stale.total_seconds() / 6,
                stalled_worker_timeout=stale.total_seconds(),
                fetch_job_polling_interval=min(5.0, stale.total_seconds() / 2),
            )

    async def _put(self, connection: Connection, company_id: str, *, priority: int) -> bool:
        lock = _lock(company_id)
        deferrer = self._task.configure(
            lock=lock,
            queueing_lock=lock,
            priority=priority,
            connection=connection,
        )
        try:
            async with connection.transaction():
                await deferrer.defer_async(company_id=company_id)
        except AlreadyEnqueued:
            return False
        return True

    async def _again(self, job: Job) -> None:
        company_id = str(job.task_kwargs.get("company_id"))
        wait = put_apart(company_id, await self._roster.attempts(company_id), every=timedelta(hours=1))
        with translated():
            try:
                await self._app.job_manager.retry_job(
                    job, retry_at=datetime.now(UTC) + wait, priority=max(job.priority, _FIRST)
                )
            except (AlreadyEnqueued, UniqueViolation):
                # Another poll of the company waits, and only for this one: the lock goes, and it runs.
                await self._app.job_manager.finish_job(job, Status.FAILED, delete_job=True)

    async def _run(self, company_id: str) -> None:
        if self._poll is not None:
            await self._poll(company_id)


def _lock(company_id: str) -> str:
    return f"{_NAME}:{company_id}"
