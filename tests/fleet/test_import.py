"""From one process to a fleet: a store in SQLite is taken over half-way, and a person decides about what is in it."""

from __future__ import annotations

import signal
from pathlib import Path

import attrs

from .nursery import Nursery
from .test_commands import terminal
from .town import Setting, town


async def test_an_export_goes_on_in_a_fleet(dsn: str, nursery: Nursery, tmp_path: Path) -> None:
    """Its process was killed right after a post; the fleet ends it with the same poster, nothing lost or doubled."""
    async with town(dsn, tmp_path, nursery, companies=1, setting=Setting("sqlite", "fleet")) as there:
        (company_id,), shell = there.companies, terminal(there, tmp_path)
        await there.add(company_id)
        doomed = await there.worker(blow="kill", at=2)
        assert await there.ended(doomed) == -signal.SIGKILL
        path = str(tmp_path / f"{company_id}.db")

        async def imported() -> tuple[int, str, str]:
            return await shell.run("import-store", company_id, path)

        told = await imported()
        while "Stop it, and try again later" in told[2]:  # its lease still counts
            told = await imported()
        assert told[0] == 0, told[2]
        assert f"{company_id}: 3 exports are in PostgreSQL" in told[2]
        assert (await imported())[0] == 1
        sync = attrs.evolve(shell, group="sync")
        code, out, _ = await sync.run("status", "--store", f"fleet:{company_id}")
        assert (code, "INTENT" in out) == (0, True)
        code, _, err = await sync.run("status", "--store", path)
        assert (code, "go on in PostgreSQL" in err) == (1, True)

        there.setting = Setting("postgres", "fleet")
        await there.worker(stores="")
        verdict = await there.verdict()
        assert (verdict.lost, verdict.doubled, verdict.unconfirmed) == (0, 0, 0)
        code, out, err = await sync.run("verify", "--store", f"fleet:{company_id}")
        assert (code, "3 checked, 0 differ" in out) == (0, True), err


async def test_who_asks_for_a_fleet_is_told_what_is_missing(dsn: str, nursery: Nursery, tmp_path: Path) -> None:
    """An unknown company, and no database: one line each."""
    async with town(dsn, tmp_path, nursery, companies=1) as there:
        shell = attrs.evolve(terminal(there, tmp_path), group="sync")
        code, _, err = await shell.run("status", "--store", "fleet:cuacc_none")
        assert (code, err.count("\n")) == (1, 1)
        assert "there is no store" in err
        bare = attrs.evolve(shell, env={name: value for name, value in shell.env.items() if "FLEET" not in name})
        code, _, err = await bare.run("status", "--store", "fleet:cuacc_none")
        assert (code, "BREX_FLEET_DATABASE" in err) == (2, True)
