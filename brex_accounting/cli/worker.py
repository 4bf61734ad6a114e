"""``python -m brex_accounting.cli.worker STORE ERP_URL KILL_AT``: the export that ``demo --crash`` kills."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..enums import RecordType, SourceType
from ..models import AccountingRecord, Receipt
from ..sync import ExportKey, SqliteStore, Summary
from ..sync.poster import Outcome
from ..testing.erp import TOKEN
from ..testing.erp_poster import FindErpPoster
from .local import export_all, local_client, only_loopback

__all__ = ["main"]

_ACCOUNTS: Final[Mapping[str, str]] = MappingProxyType(
    {kind.value: "6000" for kind in RecordType} | {source.value: "2000" for source in SourceType}
)


class _Doomed(FindErpPoster):
    """Kills this process when the document of the post number ``kill_at`` is in the ERP; 0 never does."""

    kill_at = 0

    async def post(self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        outcome = await super().post(record, key=key, supersedes=supersedes)
        self.kill_at -= 1
        if self.kill_at == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return outcome


async def main(store: str, erp_url: str, kill_at: int) -> None:
    """Export until all is settled, with the numbers so far on stdout. It ends when stdin does."""
    # Whoever started us may be killed too, and nobody is left to end us, or to read what we say.
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), os._exit, 1)
    only_loopback(erp_url)
    async with (
        local_client(os.environ["BREX_BASE_URL"], os.environ["BREX_TOKEN"]) as brex,
        _Doomed(erp_url, TOKEN, accounts=_ACCOUNTS, fetch=_content) as poster,
    ):
        poster.kill_at = kill_at
        await export_all(brex, poster, SqliteStore(store), watch=_say)


async def _content(receipt: Receipt) -> bytes:
    # Their addresses are of another host, which the demo does not reach.
    return receipt.id.encode()


def _say(summary: Summary) -> None:
    try:
        sys.stdout.write(f"read {summary.read}, posted {summary.posted}, reported {summary.reported}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(1)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
